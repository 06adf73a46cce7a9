"""Are the numbers what the definitions say? Every expectation is computed here, by other code than the harness's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from _lab import Lab, World, attack, row_numbers

EXPLORE, SEARCH, HORIZON, STRIDE = 60, 40, 4, 3
ORIGINS = range(EXPLORE, EXPLORE + SEARCH - HORIZON + 1, STRIDE)
TRUTH = "return t + np.arange(shape[0])[:, None] + 1000.0 * np.arange(shape[1])"
ZEROS = "return np.zeros(shape)"


def _close(found: float | None, expected: float, name: str) -> str | None:
    if found is not None and math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-12):
        return None
    return f"{name} is {found}, by hand it is {expected}"


def _noise(seed: int = 0, items: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(EXPLORE + SEARCH, items)) * (1 + 4 * np.arange(items))


def _windows(target: np.ndarray) -> np.ndarray:
    return np.stack([target[o : o + HORIZON] for o in ORIGINS])  # (O, H, N)


def alignment(lab: Lab) -> str | None:
    """A perfect forecast loses nothing; one that is a row late loses exactly one everywhere."""
    world = World(row_numbers(EXPLORE + SEARCH), (EXPLORE, SEARCH))
    for late in (0, 1):
        found = lab.score(world, TRUTH.replace("return t", f"return t - {late}"))["value"]
        if message := _close(found, float(late), f"the loss of a forecast {late} rows late"):
            return message
    return None


def pooled(lab: Lab) -> str | None:
    """The metric is the root of the mean over units; a unit is the mean over its known steps; blank windows are no unit."""
    target = _noise()
    target[EXPLORE + 1, 0] = np.nan  # one step of a window
    target[EXPLORE + 6 : EXPLORE + 13, 1] = np.nan  # whole windows
    with np.errstate(all="ignore"):
        square = _windows(target) ** 2
        units = {f"t{o}/item{n}": np.nanmean(square[i, :, n]) for i, o in enumerate(ORIGINS) for n in range(2)
                 if np.isfinite(square[i, :, n]).any()}
    score = lab.score(World(target, (EXPLORE, SEARCH)), ZEROS)
    found = {unit["id"]: unit["value"] for unit in score["units"]}
    if set(found) != set(units):
        return f"units differ from those with known truth: {sorted(set(found) ^ set(units))[:4]}"
    wrong = next((key for key in units if not math.isclose(found[key], units[key], rel_tol=1e-9)), None)
    if wrong:
        return f"unit {wrong} is {found[wrong]}, by hand it is {units[wrong]}"
    return _close(score["value"], math.sqrt(np.mean(list(units.values()))), "rmse")


def scaled(lab: Lab) -> str | None:
    """With zscore, losses are in units of each item's standard deviation over explore."""
    target = _noise(1)
    deviation = target[:EXPLORE].std(axis=0)
    for metric, expected in (("mse", np.mean((_windows(target) / deviation) ** 2)), ("mae", np.mean(np.abs(_windows(target) / deviation)))):
        score = lab.score(World(target, (EXPLORE, SEARCH), task={"metric": metric, "scale": "zscore"}), ZEROS)
        if message := _close(score["value"], float(expected), f"{metric} in z-units"):
            return message
    return None


def mase(lab: Lab) -> str | None:
    """The season of MASE is the season of the task."""
    season = 6
    target = _noise(2) + 10 * np.sin(2 * np.pi * np.arange(EXPLORE + SEARCH) / season)[:, None]
    scale = np.abs(target[season:EXPLORE] - target[: EXPLORE - season]).mean(axis=0)
    score = lab.score(World(target, (EXPLORE, SEARCH), task={"season": season}), ZEROS)
    expected = float(np.mean(np.abs(_windows(target)) / scale))
    return _close(score["secondary"]["mase"], expected, f"mase at season {season}") if "mase" in score["secondary"] else None


def volatility(lab: Lab) -> str | None:
    """A rolling statistic at an origin must not change when only rows from that origin on change."""
    before, found = _noise(3, items=1), list[float]()
    for jump in (0.0, 50.0):
        target = before.copy()
        target[EXPLORE:] += jump
        secondary: dict[str, Any] = lab.score(World(target, (EXPLORE, HORIZON), task={"season": 6}), ZEROS)["secondary"]
        if secondary.get("rmse_per_volatility") is None:
            return None
        found.append(secondary["rmse"] / secondary["rmse_per_volatility"])
    if math.isclose(*found, rel_tol=1e-9):
        return None
    return f"the rolling volatility at the origin went from {found[0]:.4g} to {found[1]:.4g} when only rows from the origin on changed"


if __name__ == "__main__":
    attack({
        "truth_is_aligned": ("blocking", "sliding_window_view", alignment),
        "rmse_by_hand": ("blocking", "def mean_known", pooled),
        "zscore_by_hand": ("blocking", "self._unit =", scaled),
        "mase_by_hand": ("blocking", "seasonal_scale(scene", mase),
        "rolling_statistics_are_causal": ("blocking", "def trailing_volatility", volatility),
    })
