"""What many simulated worlds show of our rules, as spans with 95 % intervals: measured here, or read from the table of a bench."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

from alphalab_nb.errors import BadInput
from alphalab_nb.judge import Rules
from alphalab_nb.judge.skill import Span
from alphalab_nb.simulate import measures
from alphalab_nb.simulate.measures import Ended

T = TypeVar("T")
RATIOS = (0.25, 1.0, 4.0)
"""Noise of one run over the mean gain by a helpful change."""
OURS = "ours"
PARTITIONS = ("search", "confirm", "sealed")
_RATIO, _ENDS = "noise/effect ", "95 % at "
"""Before a ratio, in the table of a bench: of values, and of their intervals."""

Spans = Mapping[str, Mapping[float, Span]]
"""By arm, then by ratio of noise to effect."""


@dataclass(frozen=True, kw_only=True)
class Findings:
    """The figures, each empty if it was not measured."""

    null: Mapping[str, Span] = field(default_factory=dict[str, Span])
    """Share of campaigns that keep something in a world where nothing helps, by arm."""
    nominal: float = 0.04
    """Level that these shares are held to."""
    regret: Spans = field(default_factory=dict[str, Mapping[float, Span]])
    """True loss of the champion minus that of the best point, in effects."""
    ahead: Spans = field(default_factory=dict[str, Mapping[float, Span]])
    """Regret of another arm minus that of ours in the same worlds, by that arm."""
    optimism: Spans = field(default_factory=dict[str, Mapping[float, Span]])
    """True minus reported loss of the champion, in standard deviations of the noise of one run; positive means oversold."""
    covered: Mapping[float, Span] = field(default_factory=dict[float, Span])
    """Share of our sealed scores inside the 90 % prediction interval."""
    power: Mapping[float, Span] = field(default_factory=dict[float, Span])
    """Share of planted gains of so many smallest detectable gains (MDE) that were kept."""
    real: Mapping[str, Mapping[str, Span]] = field(default_factory=dict[str, Mapping[str, Span]])
    """Skill of a champion on real data beside the same baseline on the same rows, by data set and partition; only a bench has it."""
    campaigns: int = 0
    worlds: int = 0


def each(measure: Callable[[int], T], count: int) -> list[T]:
    """Measure so many worlds on all cores, one thread each: the matrices are small."""
    from joblib import Parallel, delayed, parallel_config  # pyright: ignore[reportMissingTypeStubs]

    with parallel_config("loky", n_jobs=-1, inner_max_num_threads=1):
        return cast(list[T], Parallel()(delayed(measure)(seed) for seed in range(count)))


def measured(*, worlds: int, campaigns: int) -> Findings:
    """Run so many campaigns where nothing helps, and all arms in so many worlds at each ratio of noise to effect."""
    kept = each(measures.kept_in_null_world, campaigns)
    planted = {mdes: each(partial(measures.kept_planted, mdes=mdes), campaigns) for mdes in (1.0, 2.0)}
    races = {ratio: each(partial(measures.raced, noise=ratio), worlds) for ratio in RATIOS}
    return Findings(
        null={arm: share(sum(one[arm] for one in kept), len(kept)) for arm in kept[0]}, nominal=Rules().alpha,
        regret=_by_arm(races, lambda one, arm: one[arm].regret), optimism=_by_arm(races, lambda one, arm: one[arm].optimism),
        ahead={arm: spans for arm, spans in _by_arm(races, lambda one, arm: one[arm].regret - one[OURS].regret).items() if arm != OURS},
        covered={ratio: share(sum(one[OURS].sealed_inside for one in found), len(found)) for ratio, found in races.items()},
        power={mdes: share(sum(found), len(found)) for mdes, found in planted.items()}, campaigns=campaigns, worlds=worlds,
    )


def _by_arm(races: Mapping[float, Sequence[dict[str, Ended]]], value: Callable[[dict[str, Ended], str], float]) -> Spans:
    arms = next(iter(races.values()))[0]
    return {arm: {ratio: mean([value(one, arm) for one in found]) for ratio, found in races.items()} for arm in arms}


def mean(values: Sequence[float]) -> Span:
    """Return the mean over worlds."""
    return Span(float(np.mean(values)), *measures.interval(values))


def share(count: int, n: int) -> Span:
    """Return a share with its interval by Wilson (1927, J. Am. Stat. Assoc. 22, 209)."""
    from scipy.stats import binomtest

    interval = binomtest(count, n).proportion_ci(0.95, method="wilson")
    return Span(count / n, float(interval.low), float(interval.high))


# -- from a bench --------------------------------------------------------------------------------------------


def read(path: str | Path) -> Findings:
    """Return what `make bench AREA=truth` wrote; rows that it did not measure stay empty, and so do intervals that it did not write.

    Raises:
        BadInput: the file is not there, or is no table of a bench.
    """
    try:
        rows = {row["id"]: row for row in json.loads(Path(path).read_text(encoding="utf-8")) if row["value"] is not None}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BadInput(f"{path} is no table of a bench: {error}; `make bench AREA=truth` writes one to build/bench/truth.json") from error
    none: dict[str, Any] = {"detail": {}, "n": 0}
    regret, optimism = (rows.get(name, none)["detail"] for name in ("regret", "optimism"))
    arms, cover, power = (rows.get(name, none) for name in ("null_world", "sealed_cover", "power"))
    covered, shares = _ratios(cover["detail"]), {OURS: arms.get("value"), **arms["detail"]}
    return Findings(
        null={arm: _share(value, arms["n"]) for arm, value in shares.items() if arm != "nominal" and isinstance(value, int | float)},
        nominal=arms["detail"].get("nominal", Rules().alpha),
        regret=_spans({ratio: one["regret in effects"] for ratio, one in _ratios(regret).items()}, _ratios(regret, _ENDS)),
        ahead=_turned({ratio: {arm: Span((low + high) / 2, low, high) for arm, (low, high) in one["ahead of (95 %)"].items()}
                       for ratio, one in _ratios(regret).items()}),
        optimism=_spans(_ratios(optimism), _ratios(optimism, _ENDS)),
        covered={ratio: _share(value, round(cover["n"] / len(covered))) for ratio, value in covered.items()},
        power={mdes: _share(value, power["n"]) for mdes, value in ((1.0, power["detail"].get("at one MDE")), (2.0, power.get("value")))
               if value is not None},
        real=_real(rows.get("real_scores", none)["detail"]), campaigns=arms["n"], worlds=rows.get("regret", none)["n"],
    )


def _share(value: float, n: int) -> Span:
    return share(round(value * n), n)


def _real(detail: Mapping[str, Any]) -> dict[str, dict[str, Span]]:
    found: dict[str, dict[str, Span]] = {}
    for name, line in detail.items():
        data, _, partition = name.rpartition(" ")
        if partition in PARTITIONS and line.get("skill_interval"):
            found.setdefault(data, {})[partition] = Span(line["skill"], *line["skill_interval"])
    return found


def _ratios(detail: Mapping[str, Any], before: str = _RATIO) -> dict[float, Any]:
    return {float(key.removeprefix(before)): value for key, value in detail.items() if key.startswith(before)}


def _spans(values: Mapping[float, Mapping[str, float]], ends: Mapping[float, Mapping[str, Sequence[float]]]) -> Spans:
    unknown = (math.nan, math.nan)
    return _turned({ratio: {arm: Span(value, *ends.get(ratio, {}).get(arm, unknown)) for arm, value in one.items()}
                    for ratio, one in values.items()})


def _turned(found: Mapping[float, Mapping[str, Span]]) -> dict[str, dict[float, Span]]:
    """Return what is known by ratio and arm by arm and ratio."""
    arms = dict.fromkeys(arm for one in found.values() for arm in one)
    return {arm: {ratio: one[arm] for ratio, one in found.items() if arm in one} for arm in arms}
