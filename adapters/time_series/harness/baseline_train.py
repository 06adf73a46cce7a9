"""Baselines every candidate is measured against, streamed through the same window loop.

Each is fitted on the rows it may see, then keeps its state up to date from the contexts alone.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .baseline import Baseline, latest
from .baseline_ridge import Ridge
from .config import Task
from .data_prep import Scene, fit_end
from .metrics import mean_known

FIT_ROWS = 4000
"""Rows that Holt-Winters chooses its smoothing on; more change nothing and cost time."""
FIT_ORIGINS = 60
"""Origins among them at which it is judged; one-step errors would choose smoothing that is poor at the horizon."""


class Naive(Baseline):
    """The last value."""


class SeasonalNaive(Baseline):
    """The last value seen at the same phase of the season."""

    def __init__(self, task: Task, items: int) -> None:
        super().__init__(task, items)
        self.profile = np.full((task.season, items), np.nan)
        self.row = np.zeros((task.season, items))
        """Grid row at which each value of the profile was seen."""

    def update(self, rows: np.ndarray, start: int) -> None:
        for first in range(0, len(rows), self.task.season):
            block = rows[first : first + self.task.season]
            at = start + first + np.arange(len(block))
            phase, seen = at % self.task.season, np.isfinite(block)
            self.profile[phase] = np.where(seen, block, self.profile[phase])
            self.row[phase] = np.where(seen, at[:, None], self.row[phase])

    def forecast(self, rows: np.ndarray) -> np.ndarray:
        values = self.profile[rows % self.task.season]
        return np.where(np.isfinite(values), values, self.last)


class SeasonalNaiveDrift(SeasonalNaive):
    """Seasonal naive plus the mean growth over a season, as often as the value is seasons old."""

    def __init__(self, task: Task, items: int) -> None:
        super().__init__(task, items)
        self.growth = np.zeros(items)

    def fit(self, rows: np.ndarray, start: int) -> None:
        super().fit(rows, start)
        changes = rows[self.task.season :] - rows[: -self.task.season]
        self.growth = np.nan_to_num(mean_known(changes, axis=0))

    def forecast(self, rows: np.ndarray) -> np.ndarray:
        seasons = (rows[:, None] - self.row[rows % self.task.season]) / self.task.season
        known = np.isfinite(self.profile[rows % self.task.season])
        return super().forecast(rows) + np.where(known, seasons * self.growth, 0.0)


class HoltWinters(Baseline):
    """Additive damped Holt-Winters; smoothing per item by the smallest error over the horizon on a small grid.

    All grid points run side by side: level and trend are (G, N), the season (m, G, N).
    """

    def __init__(self, task: Task, items: int) -> None:
        super().__init__(task, items)
        self.season_rows = task.season
        few = items > 50
        grid = np.meshgrid((0.1, 0.4, 0.8) if not few else (0.2, 0.6), (0.0, 0.003, 0.05) if not few else (0.0, 0.02),
                           (0.02, 0.1, 0.4) if not few else (0.05, 0.2), (0.98, 1.0), indexing="ij")
        self.alpha, self.beta, self.gamma, self.phi = (axis.reshape(-1, 1) for axis in grid)
        self.level = self.trend = np.zeros((1, items))
        self.seasonal = np.zeros((1, 1, items))
        self.ready = False

    def fit(self, rows: np.ndarray, start: int) -> None:
        skipped = max(0, len(rows) - max(FIT_ROWS, 4 * self.season_rows))
        self.last, self.end = latest(rows[:skipped], self.last), start + skipped
        rows, start = rows[skipped:], start + skipped
        if len(rows) < 2 * self.season_rows + 2 or self.season_rows == 1:
            self.season_rows, self.gamma = 1, np.zeros_like(self.gamma)
        self._begin(rows, start)
        self._choose(rows, start)
        self.last, self.end = latest(rows, self.last), start + len(rows)

    def _begin(self, rows: np.ndarray, start: int) -> None:
        m, grid = self.season_rows, len(self.alpha)
        first, second = rows[:m], rows[m : 2 * m]
        level = np.nan_to_num(mean_known(first, axis=0), nan=0.0)
        trend = np.nan_to_num(mean_known(rows[m:] - rows[:-m], axis=0)) / m
        phases = (start + np.arange(m)) % m
        seasonal = np.zeros((m, rows.shape[1]))
        if m > 1:
            pair = np.stack([first - level, second - level - m * trend])
            seasonal[phases] = np.nan_to_num(mean_known(pair, axis=0))
        self.level, self.trend = np.tile(level, (grid, 1)), np.tile(trend, (grid, 1))
        self.seasonal = np.tile(seasonal[:, None, :], (1, grid, 1))
        self.ready = True

    def _choose(self, rows: np.ndarray, start: int) -> None:
        """Run every grid point over the rows and keep the best of each item."""
        warm = min(2 * self.season_rows, len(rows) // 2)
        ends = np.unique(np.linspace(warm, max(warm, len(rows) - self.task.horizon), FIT_ORIGINS).astype(int))
        loss, at = np.zeros_like(self.level), 0
        for end in ends:
            self.update(rows[at:end], start + at)
            ahead = rows[end : end + self.task.horizon, None, :]
            steps = np.arange(start + end, start + end + len(ahead))
            loss += np.where(np.isfinite(ahead), (ahead - self._ahead(steps, start + end)) ** 2, 0.0).sum(axis=0)
            at = end
        self.update(rows[at:], start + at)
        self._keep(np.argmin(loss, axis=0))

    def _keep(self, best: np.ndarray) -> None:
        items = np.arange(len(best))
        for name in ("alpha", "beta", "gamma", "phi"):
            setattr(self, name, getattr(self, name)[best, 0][None, :])
        self.level, self.trend = self.level[best, items][None, :], self.trend[best, items][None, :]
        self.seasonal = self.seasonal[:, best, items][:, None, :]

    def update(self, rows: np.ndarray, start: int) -> None:
        if not self.ready:
            return
        for at, row in enumerate(rows, start):
            phase = at % self.season_rows
            ahead = self.level + self.phi * self.trend
            error = row - ahead - self.seasonal[phase]
            error = np.where(np.isfinite(error), error, 0.0)
            self.level = ahead + self.alpha * error
            self.trend = self.phi * self.trend + self.beta * error
            self.seasonal[phase] += self.gamma * (1 - self.alpha) * error

    def _ahead(self, rows: np.ndarray, end: int) -> np.ndarray:
        """Return (len(rows), G, N) for consecutive grid rows from `end` on or later."""
        if not len(rows):
            return np.empty((0, *self.level.shape))
        steps = rows - end + 1
        damping = np.cumsum(self.phi ** np.arange(1, steps[-1] + 1)[:, None, None], axis=0)[steps - 1]
        return self.level + damping * self.trend + self.seasonal[rows % self.season_rows]

    def forecast(self, rows: np.ndarray) -> np.ndarray:
        assert self.end is not None
        return self._ahead(rows, self.end)[:, 0]


BASELINES: dict[str, Callable[[Task, int], Baseline]] = {
    "naive": Naive, "seasonal_naive": SeasonalNaive, "seasonal_naive_drift": SeasonalNaiveDrift, "holt_winters": HoltWinters,
    "ridge": Ridge,
}


def fitted(name: str, scene: Scene, first_origin: int, task: Task) -> Baseline:
    """Return a baseline fitted on the rows a candidate could be fitted on."""
    baseline = BASELINES[name](task, scene.panel.target.shape[1])
    baseline.fit(scene.panel.target[: fit_end(scene, first_origin, task)], scene.panel.t0)
    return baseline
