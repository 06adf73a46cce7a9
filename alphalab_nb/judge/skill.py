"""What a score is worth: its interval over other units of the same kind, and its skill against a baseline on the very same units."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from alphalab_nb.judge.pooling import Array, pooling_of
from alphalab_nb.judge.stats import Units, by_origin, resampled_means, small_sample_factor
from alphalab_nb.metric import Metric

_REPEATS = 2000


@dataclass(frozen=True)
class Span:
    """A number with its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Skill:
    """A score beside a baseline's on the same units; see `skill`."""

    score: Span
    """In the unit of the metric."""
    baseline: float
    skill: Span
    """Relative improvement over the baseline, as a fraction; above zero is better (Murphy 1988, Mon. Wea. Rev. 116, 2417)."""
    n: int
    """Groups of units (forecast origins) that were resampled together."""


def skill(
    value: float, units: Units, baseline: float, baseline_units: Units, *, metric: Metric, block: int, seed: int, level: float = 0.95
) -> Skill | None:
    """Return score and skill with moving-block bootstrap intervals; None if the metric cannot be recomputed from its units.

    Both sides are resampled by the same draws, so that what was hard for both cancels in the skill.

    Raises:
        BadInput: the units are not the same on both sides.
    """
    mine, theirs = pooling_of(value, _mean(units)), pooling_of(baseline, _mean(baseline_units))
    by_origin(units, baseline_units)  # refuses what is not paired
    if mine is None or theirs is None:
        return None
    drawn, origins, used = _drawn(units, block, seed)
    scores, baselines = mine(drawn), theirs(_drawn(baseline_units, block, seed)[0])
    widen = small_sample_factor(origins / used, level) if origins > 1 else math.inf
    sign = metric.loss(1.0)  # 1 if less is better
    gains = sign * (baselines - scores) / np.abs(baselines)
    return Skill(
        _span(value, scores, widen, level), baseline, _span(metric.improvement(value, baseline), gains, widen, level), origins
    )


def _drawn(units: Units, block: int, seed: int) -> tuple[Array, int, int]:
    """Return the mean losses of resamples, the number of origins, and how many of them form a block."""
    sums, counts = by_origin(units, [(id, 0.0) for id, _ in units])
    origins = len(sums)
    used = max(1, min(block, origins // 2))
    return resampled_means(sums, counts, used, _REPEATS, np.random.default_rng(seed)), origins, used


def _mean(units: Units) -> float:
    return sum(loss for _, loss in units) / len(units) if units else math.nan


def _span(value: float, drawn: Array, widen: float, level: float) -> Span:
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    if math.isinf(widen):
        return Span(value, -math.inf, math.inf)
    return Span(value, value - widen * max(0.0, value - float(low)), value + widen * max(0.0, float(high) - value))
