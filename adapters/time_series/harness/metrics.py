"""Errors of forecasts by their textbook formulas. Missing truth (NaN) is left out; a forecast may not be missing."""

from __future__ import annotations

import numpy as np


def squared_error(truth: np.ndarray, forecast: np.ndarray) -> np.ndarray:
    return (truth - forecast) ** 2


def absolute_error(truth: np.ndarray, forecast: np.ndarray) -> np.ndarray:
    return np.abs(truth - forecast)


def mean_known(values: np.ndarray, axis: int | tuple[int, ...] | None = None) -> np.ndarray:
    """Return the mean over values that are not NaN; NaN where there are none. Infinity counts: it is an error, not a gap."""
    known = ~np.isnan(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0.0).sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def mse(truth: np.ndarray, forecast: np.ndarray) -> float:
    return float(mean_known(squared_error(truth, forecast)))


def rmse(truth: np.ndarray, forecast: np.ndarray) -> float:
    return float(np.sqrt(mse(truth, forecast)))


def mae(truth: np.ndarray, forecast: np.ndarray) -> float:
    return float(mean_known(absolute_error(truth, forecast)))


def smape(truth: np.ndarray, forecast: np.ndarray) -> float:
    """Return the symmetric percentage error as a fraction, 0 to 2; 0/0 counts as 0."""
    size = np.abs(truth) + np.abs(forecast)
    terms = np.where(size == 0, 0.0, 2 * absolute_error(truth, forecast) / np.where(size == 0, 1.0, size))
    return float(mean_known(terms))


def seasonal_scale(history: np.ndarray, season: int) -> np.ndarray:
    """Return per item the mean absolute change over one season, the denominator of MASE.

    A history shorter than a season falls back to one-step changes; a constant one has no scale (NaN).
    """
    lag = season if history.shape[0] > season else 1
    scale = mean_known(np.abs(history[lag:] - history[:-lag]), axis=0)
    return np.where(scale > 0, scale, np.nan)


def mase(truth: np.ndarray, forecast: np.ndarray, history: np.ndarray, season: int) -> float:
    """Return the mean absolute error over that of the seasonal naive forecast inside the history.

    Args:
        truth, forecast: (..., N).
        history: (T, N) rows before the forecasts.
        season: the seasonal period of the benchmark, in rows.
    """
    return float(mean_known(absolute_error(truth, forecast) / seasonal_scale(history, season)))
