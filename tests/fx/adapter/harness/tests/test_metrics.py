"""Each metric against a case computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from harness import metrics

# mean 1, deviations -1, 0, 1, 0: sample variance 2/3
DAILY = np.array([0.0, 1.0, 2.0, 1.0])


def test_sharpe_is_annual_and_uses_the_sample_deviation() -> None:
    assert metrics.sharpe(DAILY) == pytest.approx(math.sqrt(252) * 1 / math.sqrt(2 / 3))
    assert metrics.sharpe(-DAILY) == -metrics.sharpe(DAILY)


def test_sharpe_of_no_position_is_zero_and_of_no_variance_undefined() -> None:
    assert metrics.sharpe(np.zeros(30)) == 0.0
    assert metrics.sharpe_interval(np.zeros(30), 5) == {"low": 0.0, "high": 0.0, "se": 0.0, "lag": 5}
    for daily in (np.full(30, 0.01), np.array([0.01])):
        with pytest.raises(metrics.Undefined):
            metrics.sharpe(daily)


def test_newey_west_by_hand() -> None:
    # autocovariances of the deviations -1, 0, 1, 0 over n = 4: 2/4, 0, -1/4; weights at lag 2: 2/3 and 1/3
    assert metrics.newey_west(DAILY, 0) == pytest.approx(math.sqrt(0.5 / 4))
    assert metrics.newey_west(DAILY, 1) == pytest.approx(math.sqrt(0.5 / 4))
    assert metrics.newey_west(DAILY, 2) == pytest.approx(math.sqrt((0.5 + 2 * (1 / 3) * -0.25) / 4))


def test_interval_by_hand() -> None:
    # without lags: influence of a day = z - S/2 (z^2 - 1), z = deviation / population deviation, S = mean / population deviation
    z = np.array([-1, 0, 1, 0]) / math.sqrt(0.5)
    influence = z - math.sqrt(2) / 2 * (z**2 - 1)
    error = math.sqrt(252 * np.mean(influence**2) / 4)
    found = metrics.sharpe_interval(DAILY, 0)
    assert found["se"] == pytest.approx(error)
    assert found["high"] - found["low"] == pytest.approx(2 * 1.959963984540054 * error)
    assert (found["high"] + found["low"]) / 2 == pytest.approx(metrics.sharpe(DAILY))


def test_interval_of_independent_normal_days_has_the_textbook_error() -> None:
    daily = np.random.default_rng(0).normal(0.1, 1.0, 200_000)
    ratio = daily.mean() / daily.std()
    assert metrics.sharpe_interval(daily, 0)["se"] == pytest.approx(math.sqrt(252 * (1 + ratio**2 / 2) / len(daily)), rel=0.01)


def test_lag_is_less_than_the_days() -> None:
    assert metrics.sharpe_interval(DAILY, 30)["lag"] == 3


def test_drawdown_begins_at_zero() -> None:
    assert metrics.max_drawdown(np.array([1.0, -3.0, 1.0, -1.5])) == pytest.approx(3.5)
    assert metrics.max_drawdown(np.array([-2.0, 1.0])) == 2.0
    assert metrics.max_drawdown(np.ones(3)) == 0.0


def test_rmse_leaves_out_missing_truth_but_not_infinity() -> None:
    truth, forecast = np.array([[1.0, 10.0], [3.0, np.nan]]), np.array([[2.0, 14.0], [3.0, 20.0]])
    assert metrics.rmse(truth, forecast) == pytest.approx(math.sqrt((1 + 16 + 0) / 3))
    assert metrics.rmse(truth, forecast, axis=0).tolist() == pytest.approx([math.sqrt(0.5), 4.0])
    assert metrics.rmse(truth, np.full((2, 2), 1e200)) == math.inf
