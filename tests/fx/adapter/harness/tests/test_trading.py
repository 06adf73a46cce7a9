"""Positions, what they earn and what they cost, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from harness.config import Task
from harness.trading import BASIS_POINT, marked, positions, trade

LAST = np.array([2.0, 2.0, 2.0, 2.0, np.nan])


def test_position_is_the_sign_of_the_forecast_change() -> None:
    assert positions(np.array([2.1, 1.9, 2.0, 2.0 * (1 + 1e-12), 1.0]), LAST).tolist() == [1, -1, 0, 0, 0]


def test_rounding_of_a_logarithm_is_no_opinion() -> None:
    rates = np.random.default_rng(0).uniform(0.005, 2, 1000)
    assert (np.exp(np.log(rates)) != rates).any()
    assert not positions(np.exp(np.log(rates)), rates).any()


def test_missing_rates_are_valued_at_the_last_known_one() -> None:
    target = np.array([[np.nan, 1.0], [2.0, np.nan], [np.nan, np.nan], [3.0, 4.0]])
    np.testing.assert_array_equal(marked(target), [[np.nan, 1.0], [2.0, 1.0], [2.0, 1.0], [3.0, 4.0]])


def _levels(*returns: list[float]) -> np.ndarray:
    """Return rates that begin at 1 and have these daily log returns. (T + 1, N)"""
    return np.exp(np.vstack([np.zeros(len(returns[0])), np.cumsum(returns, axis=0)]))


# two windows of two days in two items, entered at rows 0 and 2
TARGET = _levels([0.01, 0.03], [0.02, -0.01], [-0.04, 0.00], [0.01, 0.05])
TASK = Task(horizon=2, stride=2)
ORIGINS = np.array([1, 3])


def _forecasts(*signs: list[float]) -> np.ndarray:
    """Return forecasts of two steps whose last one says these signs; the first step says the opposite and does not count."""
    last = TARGET[ORIGINS - 1]
    move = 0.1 * np.array(signs)
    return np.stack([last * (1 - move), last * (1 + move)], axis=1)


def test_daily_pnl_is_the_mean_of_position_times_return() -> None:
    book = trade(TARGET, ORIGINS, TASK, _forecasts([1, -1], [-1, 0]))
    assert book.positions.tolist() == [[1, -1], [-1, 0]]
    assert book.daily().tolist() == pytest.approx([(0.01 - 0.03) / 2, (0.02 + 0.01) / 2, 0.04 / 2, -0.01 / 2])
    assert book.daily(items=np.array([True, False])).tolist() == pytest.approx([0.01, 0.02, 0.04, -0.01])


def test_units_are_losses_whose_mean_is_the_negated_mean_pnl() -> None:
    book = trade(TARGET, ORIGINS, TASK, _forecasts([1, -1], [-1, 0]))
    assert book.losses().ravel().tolist() == pytest.approx([-0.015, 0.01, -0.015, 0.0])
    assert book.losses().mean() == pytest.approx(-book.daily().mean())


def test_a_cost_is_paid_for_what_is_traded_and_a_kept_position_is_not_traded() -> None:
    book = trade(TARGET, ORIGINS, TASK, _forecasts([1, -1], [-1, -1]))
    # item 0 buys 1, turns to -1 (2), closes (1); item 1 sells 1, keeps it, closes (1)
    assert book.turnover().tolist() == [[[1, 1], [0, 0]], [[2, 0], [1, 1]]]
    paid = book.daily() - book.daily(cost_bp=1)
    assert paid.tolist() == pytest.approx([1 * BASIS_POINT, 0, 1 * BASIS_POINT, 1 * BASIS_POINT])


def test_windows_with_a_gap_are_closed_between() -> None:
    book = trade(np.vstack([TARGET, TARGET[-1:]]), np.array([1, 4]), TASK, _forecasts([1, -1], [1, -1]))
    assert book.turnover().tolist() == [[[1, 1], [1, 1]], [[1, 1], [1, 1]]]


def test_an_item_without_a_rate_in_the_window_is_no_unit_and_not_in_the_mean() -> None:
    target = TARGET.copy()
    target[3:, 1] = np.nan
    book = trade(target, ORIGINS, TASK, _forecasts([1, -1], [-1, 1]))
    assert np.isnan(book.losses()).tolist() == [[False, False], [False, True]]
    assert book.daily()[2:].tolist() == pytest.approx([0.04, -0.01])


def test_a_day_without_a_rate_is_earned_when_the_rate_is_back() -> None:
    target = TARGET.copy()
    target[1, 0] = np.nan
    book = trade(target, ORIGINS, TASK, _forecasts([1, -1], [-1, 0]))
    assert book.returns[0, :, 0].tolist() == pytest.approx([0.0, 0.03])


def test_under_an_embargo_the_change_counts_from_what_was_shown_but_the_trade_is_made_now() -> None:
    target = _levels([0.1], [0.1], [0.1], [-0.2], [0.1])
    task = Task(horizon=2, stride=2, embargo=2)
    between = np.full((1, 2, 1), np.exp(0.2))  # above the rate that was shown (row 1), below that of the row before the origin (row 3)
    book = trade(target, np.array([4]), task, between)
    assert book.positions.tolist() == [[1]]
    assert book.daily().tolist() == pytest.approx([-0.2, 0.1])
