"""From forecasts to money: one position per window and item, held to the end of the window, and what it earned each day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .config import Task

FLAT = 1e-9
"""Relative change below which a forecast says nothing: exp(log(x)) is not quite x, and a sign must not come from rounding."""
BASIS_POINT = 1e-4


def marked(target: np.ndarray) -> np.ndarray:
    """Return at each row the last known rate, NaN before the first: what a position is valued at. (T, N)"""
    rows = np.where(np.isfinite(target), np.arange(len(target))[:, None], -1)
    latest = np.maximum.accumulate(rows, axis=0)
    return np.where(latest >= 0, np.take_along_axis(target, np.maximum(latest, 0), axis=0), np.nan)


def last_seen(target: np.ndarray, origins: np.ndarray, task: Task) -> np.ndarray:
    """Return the last rate of each item that a forecaster was shown at each origin; under an embargo that is an older one. (K, N)"""
    return marked(target)[origins - task.embargo - 1]


def positions(forecast: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Return sign(forecast / last - 1): 1 buys, -1 sells, 0 stays out; 0 where there is no last rate."""
    with np.errstate(invalid="ignore"):
        change = forecast / last - 1
    return np.where(np.abs(change) > FLAT, np.sign(change), 0.0)


@dataclass(frozen=True)
class Book:
    """K windows of H days in N items, in time order and without overlap."""

    positions: np.ndarray
    """(K, N), in {-1, 0, 1}."""
    returns: np.ndarray
    """(K, H, N) daily log returns; 0 where an item has no rate in the window."""
    known: np.ndarray
    """(K, N) bool: the item has a rate before and in the window."""
    follows: np.ndarray
    """(K,) bool: the window begins on the day after the one before ended, so that a position is kept and not traded twice."""

    def losses(self) -> np.ndarray:
        """Return the negated mean daily PnL of each unit, in log return per day; NaN where the item is not known. (K, N)"""
        earned = self.positions * self.returns.mean(axis=1)
        return np.where(self.known, -earned, np.nan)

    def daily(self, *, cost_bp: float = 0.0, items: np.ndarray | None = None) -> np.ndarray:
        """Return the PnL of each day, mean over the known items, after costs. (days,)

        Args:
            cost_bp: basis points paid for each unit of position that is bought or sold.
            items: (N,) bool; None means all.
        """
        known = self.known if items is None else self.known & items
        earned = self.positions[:, None] * self.returns - cost_bp * BASIS_POINT * self.turnover()
        used = known.any(axis=1)
        total = np.where(known[:, None], earned, 0.0)[used].sum(axis=2)
        return (total / known[used].sum(axis=1)[:, None]).ravel()

    def turnover(self) -> np.ndarray:
        """Return what is bought or sold on each day: into the position on the first, out of it on the last. (K, H, N)"""
        traded = np.zeros_like(self.returns)
        kept = np.where(self.follows[:, None], np.roll(self.positions, 1, axis=0), 0.0)
        traded[:, 0] += np.abs(self.positions - kept)
        closes = ~np.append(self.follows[1:], False)
        traded[:, -1] += np.abs(self.positions) * closes[:, None]
        return traded


def trade(target: np.ndarray, origins: np.ndarray, task: Task, forecasts: np.ndarray) -> Book:
    """Enter each position at the rate of the row before its origin and hold it over the horizon.

    Args:
        forecasts: (K, H, N) levels; the last step of each decides.
    """
    value = marked(target)
    held = value[origins[:, None] + np.arange(-1, task.horizon)]  # (K, H + 1, N)
    quoted = np.isfinite(target)[origins[:, None] + np.arange(task.horizon)].any(axis=1)
    last = last_seen(target, origins, task)
    known = quoted & np.isfinite(last) & np.isfinite(held[:, 0])
    returns = np.where(known[:, None], np.diff(np.log(held), axis=1), 0.0)
    follows = np.append(False, np.diff(origins) == task.horizon)
    return Book(np.where(known, positions(forecasts[:, -1], last), 0.0), returns, known, follows)
