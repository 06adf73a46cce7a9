"""Each metric against a case computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from harness import metrics

TRUTH = np.array([[1.0, 10.0], [3.0, np.nan], [5.0, 30.0]])
FORECAST = np.array([[2.0, 14.0], [3.0, 20.0], [3.0, 30.0]])
# errors: 1, 0, 2 and 4, missing, 0


def test_mse() -> None:
    assert metrics.mse(TRUTH, FORECAST) == pytest.approx((1 + 0 + 4 + 16 + 0) / 5)


def test_rmse() -> None:
    assert metrics.rmse(TRUTH, FORECAST) == pytest.approx(np.sqrt(21 / 5))


def test_mae() -> None:
    assert metrics.mae(TRUTH, FORECAST) == pytest.approx(7 / 5)


def test_smape() -> None:
    assert metrics.smape(np.array([1.0, 0.0]), np.array([3.0, 0.0])) == pytest.approx((2 * 2 / 4 + 0) / 2)


def test_mase_uses_the_season_it_is_given() -> None:
    history = np.array([[0.0], [10.0], [1.0], [12.0]])  # over a season of 2: 1 and 2; one-step: 10, 9, 11
    truth, forecast = np.array([[4.0], [4.0]]), np.array([[1.0], [4.0]])
    assert metrics.mase(truth, forecast, history, 2) == pytest.approx(1.5 / 1.5)
    assert metrics.mase(truth, forecast, history, 1) == pytest.approx(1.5 / 10)


def test_mase_of_a_short_history_falls_back_to_single_steps() -> None:
    assert metrics.seasonal_scale(np.array([[1.0], [3.0]]), 24).tolist() == [2.0]
    assert np.isnan(metrics.seasonal_scale(np.ones((50, 1)), 24)).all()


def test_missing_values_are_left_out_but_infinite_ones_are_not() -> None:
    assert metrics.mean_known(np.array([1.0, np.nan, 3.0])) == 2.0
    assert metrics.mean_known(np.array([1.0, np.inf])) == np.inf
    assert np.isnan(metrics.mean_known(np.array([np.nan])))


def test_a_forecast_is_never_its_own_reference() -> None:
    assert metrics.mse(TRUTH, FORECAST) > 0
    assert metrics.mae(TRUTH, FORECAST) > 0
