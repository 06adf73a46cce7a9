"""Baselines on series whose forecasts are known."""

from __future__ import annotations

import numpy as np
import pytest
from harness.baseline_train import BASELINES, fitted
from harness.config import Task
from harness.data_prep import Scene
from harness.tests.panels import Judge, make_panel

HORIZON, SEASON = 6, 8
PERIODIC = np.tile(np.sin(2 * np.pi * np.arange(SEASON) / SEASON)[:, None] * [5.0, 1.0], (12, 1))
TREND = np.arange(len(PERIODIC))[:, None] * [0.5, -0.1]
BOUNDS = (64, 96)


def test_naive_repeats_the_last_value(judged: Judge) -> None:
    line = np.arange(40.0)[:, None]
    score = judged(line, (20,), None, season=4)
    assert score["baselines"]["naive"] == pytest.approx(np.sqrt(np.mean([1, 4, 9])))


def test_seasonal_naive_is_perfect_on_a_periodic_series(judged: Judge) -> None:
    assert judged(PERIODIC, BOUNDS, None, season=SEASON)["baselines"]["seasonal_naive"] == pytest.approx(0, abs=1e-12)


def test_drift_and_holt_winters_follow_a_trend(judged: Judge) -> None:
    found = judged(PERIODIC + TREND, BOUNDS, None, season=SEASON, horizon=HORIZON)["baselines"]
    assert found["seasonal_naive_drift"] == pytest.approx(0, abs=1e-9)
    assert found["holt_winters"] < 0.05 * found["seasonal_naive"]


def test_ridge_learns_what_no_season_repeats(judged: Judge) -> None:
    """A damped oscillation is linear in its past, but no season of it is like the one before."""
    rng = np.random.default_rng(0)
    waves = np.zeros((400, 2))
    for t in range(2, 400):
        waves[t] = 1.6 * waves[t - 1] - 0.9 * waves[t - 2] + 0.1 * rng.normal(size=2)
    found = judged(waves, (300, 400), None, season=SEASON, horizon=3)["baselines"]
    assert found["ridge"] < 0.6 * min(value for name, value in found.items() if name != "ridge")


@pytest.mark.parametrize("name", sorted(BASELINES))
def test_baselines_survive_missing_values_and_short_history(name: str) -> None:
    target = (PERIODIC + TREND)[:20]
    target[3:9, 0] = np.nan
    target[:15, 1] = np.nan
    scene = Scene(make_panel(target), 12, 12)
    baseline = fitted(name, scene, 12, Task(horizon=3, season=SEASON))
    context = {"t": 20, "start": 12, "new": target[12:20]}
    answer = baseline.step(context)
    assert answer.shape == (3, 2)
    assert np.isfinite(answer).all()


@pytest.mark.parametrize("name", sorted(BASELINES))
def test_baselines_do_not_read_past_the_rows_they_are_shown(name: str) -> None:
    """Rows behind the fit and outside the context change nothing."""
    answers = []
    for jump in (0.0, 100.0):
        target = (PERIODIC + TREND)[:60]
        target[40:] += jump
        baseline = fitted(name, Scene(make_panel(target), 40, 40), 40, Task(horizon=3, season=SEASON))
        answers.append(baseline.step({"t": 40, "start": 0, "new": target[:40]}))
    assert np.array_equal(*answers)


def test_baselines_share_the_units_of_candidates(judged: Judge) -> None:
    score = judged(PERIODIC, BOUNDS, None, season=SEASON)
    ids = [[unit["id"] for unit in units] for units in score["units"].values()]
    assert len(ids) == len(BASELINES)
    assert all(other == ids[0] for other in ids)
