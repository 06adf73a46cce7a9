"""Are the numbers what the definitions say? Every expectation is computed here, by other code than the harness's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from _lab import Lab, World, attack

EXPLORE, SEARCH, HORIZON = 60, 41, 4
ORIGINS = range(EXPLORE, EXPLORE + SEARCH - HORIZON + 1, HORIZON)
RETURNS = np.random.default_rng(0).normal(0.001, 0.01, (EXPLORE + SEARCH, 3))
RATES = np.exp(np.cumsum(RETURNS, axis=0))
SIDES = np.array([[1, -1, 1], [1, 1, -1], [0, -1, 1], [1, -1, 1], [-1, -1, 1]] * 2)
"""Positions of the ten windows; some are kept from one to the next."""
SERVE = f"""
sides = np.array({SIDES.tolist()})[(t - {EXPLORE}) // {HORIZON} % 10]
self.last = context["new"][-1]
return self.last * (1 + 0.05 * sides) * np.ones(shape)
"""


def _score(lab: Lab, **task: Any) -> dict[str, Any]:
    return lab.score(World(RATES, (EXPLORE, SEARCH), task={"metric": "sharpe", "stride": HORIZON, **task}), SERVE)


def _close(found: float | None, expected: float, name: str) -> str | None:
    if found is not None and math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-12):
        return None
    return f"{name} is {found}, by hand it is {expected}"


def _daily(items: tuple[int, ...] = (0, 1, 2), cost: float = 0.0) -> list[float]:
    """Walk through the days one by one, as a trader would."""
    days, before = list[float](), [0] * 3
    for number, origin in enumerate(ORIGINS):
        side = SIDES[number].tolist()
        for step in range(HORIZON):
            traded = [abs(side[n] - before[n]) if step == 0 else 0 for n in range(3)]
            if number == len(ORIGINS) - 1 and step == HORIZON - 1:
                traded = [traded[n] + abs(side[n]) for n in range(3)]
            days.append(sum(side[n] * RETURNS[origin + step, n] - cost * traded[n] for n in items) / len(items))
        before = side
    return days


def _sharpe(days: list[float]) -> float:
    mean = sum(days) / len(days)
    return math.sqrt(252) * mean / math.sqrt(sum((day - mean) ** 2 for day in days) / (len(days) - 1))


def ratio(lab: Lab) -> str | None:
    """The metric is the annual Sharpe of the mean over items of position x log return."""
    return _close(_score(lab)["value"], _sharpe(_daily()), "the Sharpe")


def units(lab: Lab) -> str | None:
    """A unit is the negated mean daily PnL of one origin and item."""
    found = {unit["id"]: unit["value"] for unit in _score(lab)["units"]}
    for number, origin in enumerate(ORIGINS):
        for n in range(3):
            expected = -SIDES[number, n] * RETURNS[origin : origin + HORIZON, n].mean()
            if message := _close(found.get(f"t{origin}/item{n}"), float(expected), f"unit t{origin}/item{n}"):
                return message
    return None if len(found) == 3 * len(ORIGINS) else f"there are {len(found)} units, expected {3 * len(ORIGINS)}"


def costs(lab: Lab) -> str | None:
    """One basis point is paid for each unit that is bought or sold; a kept position is not traded."""
    return _close(_score(lab)["secondary"]["sharpe_1bp"], _sharpe(_daily(cost=1e-4)), "the Sharpe after costs")


def pegged(lab: Lab) -> str | None:
    """The pegged item is left out by its name."""
    return _close(_score(lab, pegged="item1")["secondary"]["sharpe_without_pegged"], _sharpe(_daily((0, 2))), "the Sharpe without item1")


def error(lab: Lab) -> str | None:
    """The error follows the horizon's lags: influence of each day on the ratio, Bartlett weights."""
    days = np.array(_daily())
    mean, variance = days.mean(), days.var()
    influence = (days - mean) / variance**0.5 - mean / 2 / variance**1.5 * ((days - mean) ** 2 - variance)
    n = len(days)
    total = sum(max(0.0, 1 - abs(i - j) / (HORIZON + 1)) * influence[i] * influence[j] for i in range(n) for j in range(n))
    return _close(_score(lab)["secondary"]["interval"]["se"], math.sqrt(252 * total) / n, "the standard error")


if __name__ == "__main__":
    attack({
        "sharpe_by_hand": ("blocking", "def sharpe", ratio),
        "units_by_hand": ("blocking", "def losses", units),
        "costs_by_hand": ("major", "def turnover", costs),
        "pegged_by_hand": ("major", "def _without_pegged", pegged),
        "error_by_hand": ("blocking", "def sharpe_interval", error),
    })
