"""Baselines on series whose forecasts are known."""

from __future__ import annotations

import numpy as np
import pytest
from harness.baseline_train import BASELINES, MOMENTUM_ROWS, Drift, Momentum, Var1, fitted
from harness.config import Task
from harness.data_prep import Scene
from harness.tests.panels import Judge, make_panel

TASK = Task(horizon=3, stride=3)
NOISE = np.random.default_rng(0).normal(0, 0.01, (400, 2))
RATES = np.exp(np.cumsum(NOISE, axis=0))


def _after(kind: type, target: np.ndarray) -> np.ndarray:
    """Return the forecast of a baseline that was fitted on all rows and is asked for the next ones."""
    baseline = kind(TASK, target.shape[1])
    baseline.fit(target, 0)
    return baseline.step({"t": len(target), "start": len(target), "new": target[:0]})


def test_naive_trades_nothing(judged: Judge) -> None:
    score = judged(RATES, (300,), None)
    assert score["baselines"]["naive"] == 0.0
    assert score["secondary"]["naive"]["trades"] == 0
    assert {unit["value"] for unit in score["units"]["naive"]} == {0.0}


def test_drift_goes_on_with_the_mean_return_of_all_history() -> None:
    growth = np.log(RATES[-1] / RATES[0]) / (len(RATES) - 1)
    np.testing.assert_allclose(_after(Drift, RATES), RATES[-1] * np.exp(np.arange(1, 4)[:, None] * growth), rtol=1e-12)


def test_momentum_goes_on_with_the_mean_return_of_the_last_year() -> None:
    growth = np.log(RATES[-1] / RATES[-1 - MOMENTUM_ROWS]) / MOMENTUM_ROWS
    np.testing.assert_allclose(_after(Momentum, RATES), RATES[-1] * np.exp(np.arange(1, 4)[:, None] * growth), rtol=1e-12)


def test_var1_finds_the_matrix_it_was_made_with() -> None:
    constant, matrix, rows = np.array([0.01, -0.02]), np.array([[0.5, 0.2], [-0.3, 0.4]]), [np.zeros(2)]
    for _ in range(30):
        rows.append(constant + rows[-1] @ matrix)
    target = np.exp(np.cumsum(rows, axis=0))
    np.testing.assert_allclose(_after(Var1, target[:-3]), target[-3:], rtol=1e-9)


@pytest.mark.parametrize("name", sorted(BASELINES))
def test_baselines_survive_missing_values_and_short_history(name: str) -> None:
    target = RATES[:20].copy()
    target[3:9, 0] = np.nan
    target[:15, 1] = np.nan
    baseline = fitted(name, Scene(make_panel(target), 12, 12), 12, TASK)
    answer = baseline.step({"t": 20, "start": 12, "new": target[12:20]})
    assert answer.shape == (3, 2)
    assert np.isfinite(answer).all()


@pytest.mark.parametrize("name", sorted(BASELINES))
def test_baselines_do_not_read_past_the_rows_they_are_shown(name: str) -> None:
    """Rows behind the fit and outside the context change nothing."""
    answers = []
    for factor in (1.0, 1.5):
        target = RATES[:60].copy()
        target[40:] *= factor
        baseline = fitted(name, Scene(make_panel(target), 40, 40), 40, TASK)
        answers.append(baseline.step({"t": 40, "start": 0, "new": target[:40]}))
    assert np.array_equal(*answers)


@pytest.mark.parametrize("name", sorted(BASELINES))
def test_steps_are_counted_from_the_row_that_was_shown(name: str) -> None:
    """Under an embargo of two rows the first step asked for is the third after the last row shown."""
    embargoed = fitted(name, Scene(make_panel(RATES), 300, 300), 300, Task(horizon=1, stride=1, embargo=2))
    plain = fitted(name, Scene(make_panel(RATES), 298, 298), 298, TASK)
    late = embargoed.step({"t": 300, "start": 298, "new": RATES[:0]})
    np.testing.assert_allclose(late[0], plain.step({"t": 298, "start": 298, "new": RATES[:0]})[2], rtol=1e-12)


def test_baselines_share_the_units_of_candidates(judged: Judge) -> None:
    score = judged(RATES, (300,), None)
    ids = [[unit["id"] for unit in units] for units in score["units"].values()]
    assert set(score["baselines"]) == set(BASELINES)
    assert all(other == ids[0] for other in ids)
