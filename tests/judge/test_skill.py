"""Scores and skill with intervals, from per-unit losses."""

from __future__ import annotations

import math

import numpy as np
import pytest

from alphalab_nb.errors import BadInput
from alphalab_nb.judge.skill import skill
from alphalab_nb.judge.stats import Units
from alphalab_nb.metric import Metric

RMSE, SCORE = Metric("rmse"), Metric("score", "maximize")
N = 300


def units(losses: np.ndarray) -> Units:
    return [(f"t{n}/co2", float(loss)) for n, loss in enumerate(losses)]


def losses(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Squared errors of a candidate and of a baseline that is 25 % worse in RMSE, on windows of common difficulty."""
    rng = np.random.default_rng(seed)
    hard = rng.gamma(1.0, 1.0, N)
    return 0.64 * hard * rng.uniform(0.9, 1.1, N), hard * rng.uniform(0.9, 1.1, N)


def rmse(values: np.ndarray) -> float:
    return math.sqrt(values.mean())


def measured(mine: np.ndarray, theirs: np.ndarray, *, block: int = 1):
    found = skill(rmse(mine), units(mine), rmse(theirs), units(theirs), metric=RMSE, block=block, seed=0)
    assert found is not None
    return found


def test_the_skill_is_the_relative_improvement_over_the_baseline():
    found = measured(*losses(0))
    assert found.skill.value == pytest.approx(0.2, abs=0.02)
    assert found.skill.low < found.skill.value < found.skill.high
    assert found.n == N


def test_what_was_hard_for_both_cancels_in_the_skill():
    found = measured(*losses(0))
    assert found.skill.high - found.skill.low < 0.2 * (found.score.high - found.score.low) / found.score.value


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    worlds = [measured(*losses(seed)) for seed in range(150)]
    assert 0.88 <= np.mean([each.score.low <= 0.8 <= each.score.high for each in worlds]) <= 1.0
    assert 0.88 <= np.mean([each.skill.low <= 0.2 <= each.skill.high for each in worlds]) <= 1.0


def test_dependent_windows_widen_the_interval():
    rng = np.random.default_rng(3)
    slow = np.repeat(rng.gamma(1.0, 1.0, N // 30), 30)
    narrow, wide = (measured(slow, slow + 1, block=block).score for block in (1, 30))
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_a_single_window_says_nothing():
    found = measured(np.array([1.0]), np.array([2.0]))
    assert (found.skill.low, found.skill.high) == (-math.inf, math.inf)


def test_a_metric_that_grows_with_quality_counts_the_other_way():
    mine, theirs = losses(1)
    found = skill(-mine.mean(), units(mine), -theirs.mean(), units(theirs), metric=SCORE, block=1, seed=0)
    assert found is not None
    assert found.skill.low > 0


def test_a_metric_that_is_no_mean_of_its_units_has_no_interval_here():
    mine, theirs = losses(1)
    assert skill(0.3, units(mine), 0.2, units(theirs), metric=SCORE, block=1, seed=0) is None


def test_other_units_are_refused():
    mine, theirs = losses(1)
    with pytest.raises(BadInput, match="not paired"):
        skill(rmse(mine), units(mine), rmse(theirs), units(theirs)[:-1], metric=RMSE, block=1, seed=0)
