"""A linear baseline: ridge regression from the last rows to all rows of the horizon at once, one map for all items.

Linear maps of this kind hold their own against far larger models on long horizons (Zeng et al. 2023, arXiv:2205.13504), so a
result that does not beat one is no result.
"""

from __future__ import annotations

import numpy as np

from .baseline import Baseline
from .config import Task
from .metrics import mean_known

MOST_LAGS = 336
MOST_WINDOWS = 20_000
"""Training windows over all items, evenly spread; more move the coefficients by less than their error."""
STRENGTHS = (0.01, 0.1, 1.0, 10.0, 100.0)
"""Ridge penalties per window; the newest fifth of the windows chooses among them."""


class Ridge(Baseline):
    """Each window is moved by its mean and scaled by the item's deviation: so items share one map, and a shift of level costs nothing."""

    def __init__(self, task: Task, items: int) -> None:
        super().__init__(task, items)
        self.lags = int(np.clip(max(2 * task.season, 3 * task.horizon), 24, MOST_LAGS))
        self.recent = np.full((self.lags, items), np.nan)
        self.scale = np.ones(items)
        self.weights: np.ndarray | None = None
        """(lags, horizon + embargo); None while there were too few rows to fit."""

    def fit(self, rows: np.ndarray, start: int) -> None:
        super().fit(rows, start)
        with np.errstate(invalid="ignore"):
            deviation = np.sqrt(mean_known((rows - mean_known(rows, axis=0)) ** 2, axis=0)) if len(rows) else self.scale
        self.scale = np.where(np.isfinite(deviation) & (deviation > 0), deviation, 1.0)
        past, ahead = self._windows(rows)
        if len(past) >= 2 * self.lags:
            self.weights = _chosen(past, ahead)

    def update(self, rows: np.ndarray, start: int) -> None:
        self.recent = np.concatenate([self.recent, rows])[-self.lags:]

    def forecast(self, rows: np.ndarray) -> np.ndarray:
        if self.weights is None:
            return super().forecast(rows)
        steps = rows - (self.end or 0)  # an embargo puts rows between the end of what is known and the first forecast
        past = _filled(self.recent, self.last)
        level = past.mean(axis=0)
        answer = ((past - level) / self.scale).T @ self.weights
        return answer.T[np.minimum(steps, len(answer.T) - 1)] * self.scale + level

    def _windows(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (W, lags) and (W, reach) windows of all items, oldest first; those with missing values are left out."""
        reach = self.task.horizon + self.task.embargo
        ends = np.arange(self.lags, len(rows) - reach + 1)
        if not len(ends):
            return np.empty((0, self.lags)), np.empty((0, reach))
        ends = ends[:: max(1, -(-len(ends) * rows.shape[1] // MOST_WINDOWS))]
        at = ends[:, None] + np.arange(-self.lags, reach)
        windows = rows[at].transpose(0, 2, 1)  # (ends, items, lags + reach)
        level = windows[..., : self.lags].mean(axis=-1, keepdims=True)
        flat = ((windows - level) / self.scale[:, None]).reshape(-1, self.lags + reach)
        flat = flat[np.isfinite(flat).all(axis=1)]
        return flat[:, : self.lags], flat[:, self.lags :]


def _chosen(past: np.ndarray, ahead: np.ndarray) -> np.ndarray:
    """Return the weights of the penalty that forecasts the newest windows best, fitted on all of them."""
    cut = len(past) - len(past) // 5
    errors = {s: float(np.mean((past[cut:] @ _solved(past[:cut], ahead[:cut], s) - ahead[cut:]) ** 2)) for s in STRENGTHS}
    return _solved(past, ahead, min(errors, key=lambda strength: errors[strength]))


def _solved(past: np.ndarray, ahead: np.ndarray, strength: float) -> np.ndarray:
    gram = past.T @ past / len(past) + strength / len(past) * np.eye(past.shape[1])
    return np.linalg.solve(gram, past.T @ ahead / len(past))


def _filled(rows: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Return rows with missing values replaced by the one before them, those at the start by the item's last known value."""
    known = np.isfinite(rows)
    at = np.maximum.accumulate(np.where(known, np.arange(len(rows))[:, None], -1), axis=0)
    filled = np.take_along_axis(rows, np.maximum(at, 0), axis=0)
    return np.nan_to_num(np.where(at >= 0, filled, last))
