"""Numbers of a daily PnL and of forecasts, by their textbook formulas. Returns are log returns; nothing here knows who forecasts."""

from __future__ import annotations

import math

import numpy as np

DAYS_PER_YEAR = 252
"""Trading days; daily figures are annualised by them."""
NORMAL_95 = 1.959963984540054
"""Half width of a 95 % interval in standard errors."""
TINY = 1e-12
"""A daily mean or deviation below this is rounding of the logarithms, not money."""


class Undefined(ValueError):
    """A daily PnL that never varies but is not zero, or has a single day, has no Sharpe."""


def sharpe(daily: np.ndarray) -> float:
    """Return sqrt(252) * mean / standard deviation (n - 1) of a daily PnL; one that is always zero has 0.

    Raises:
        Undefined: it does not vary, yet it is not zero.
    """
    if np.abs(daily).max(initial=0.0) <= TINY:
        return 0.0
    deviation = float(daily.std(ddof=1)) if len(daily) > 1 else 0.0
    if deviation <= TINY:
        raise Undefined(f"the daily PnL is {daily[0]:g} on each of {len(daily)} days: without variance there is no Sharpe")
    return math.sqrt(DAYS_PER_YEAR) * float(daily.mean()) / deviation


def newey_west(values: np.ndarray, lag: int) -> float:
    """Return the standard error of a mean, with Bartlett weights on the autocovariances up to `lag` (Newey, West 1987)."""
    n, centred = len(values), values - values.mean()
    variance = float(centred @ centred) / n
    for step in range(1, min(lag, n - 1) + 1):
        variance += 2 * (1 - step / (lag + 1)) * float(centred[step:] @ centred[:-step]) / n
    return math.sqrt(max(0.0, variance) / n)  # Bartlett weights: below zero by rounding only


def sharpe_interval(daily: np.ndarray, lag: int) -> dict[str, float]:
    """Return low and high of the 95 % interval of the annual Sharpe, its standard error and the lag used.

    The delta method on mean and variance (Lo 2002): the error of the mean of each day's influence on the ratio.
    """
    value, error, lag = sharpe(daily), 0.0, min(lag, len(daily) - 1)
    if np.abs(daily).max(initial=0.0) > TINY:
        mean, deviation = daily.mean(), daily.std()
        centred = daily - mean
        influence = centred / deviation - mean / (2 * deviation**3) * (centred**2 - deviation**2)
        error = math.sqrt(DAYS_PER_YEAR) * newey_west(influence, lag)
    return {"low": value - NORMAL_95 * error, "high": value + NORMAL_95 * error, "se": error, "lag": lag}


def max_drawdown(daily: np.ndarray) -> float:
    """Return the largest fall of the summed PnL below its own earlier peak (0 at the start), in log return."""
    wealth = np.concatenate([[0.0], np.cumsum(daily)])
    return float((np.maximum.accumulate(wealth) - wealth).max())


def mean_known(values: np.ndarray, axis: int | tuple[int, ...] | None = None) -> np.ndarray:
    """Return the mean over values that are not NaN; NaN where there are none. Infinity counts: it is an error, not a gap."""
    known = ~np.isnan(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0.0).sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def rmse(truth: np.ndarray, forecast: np.ndarray, axis: int | tuple[int, ...] | None = None) -> np.ndarray:
    """Return the root of the mean squared error over known truth, in units of the rates."""
    with np.errstate(over="ignore"):
        return np.sqrt(mean_known((truth - forecast) ** 2, axis=axis))
