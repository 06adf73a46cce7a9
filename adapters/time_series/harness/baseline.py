"""What every baseline does: it takes rows in time order and answers each question from what it has taken."""

from __future__ import annotations

from typing import Any

import numpy as np

from .config import Task


class Baseline:
    """Takes rows in time order; `end` is the grid row after the last one taken."""

    def __init__(self, task: Task, items: int) -> None:
        self.task = task
        self.end: int | None = None
        self.last = np.full(items, np.nan)

    def fit(self, rows: np.ndarray, start: int) -> None:
        self.take(rows, start)

    def hello(self, meta: dict[str, Any]) -> None:
        """Nothing to learn from the meta."""

    def step(self, context: dict[str, Any]) -> np.ndarray:
        self.take(context["new"], context["start"])
        rows = context["t"] + np.arange(self.task.horizon)
        return np.nan_to_num(self.forecast(rows), nan=0.0)

    def take(self, rows: np.ndarray, start: int) -> None:
        """Take rows in; those already taken are skipped, rows never shown are missing."""
        if self.end is None:
            self.end = start
        if start > self.end:
            rows = np.concatenate([np.full((start - self.end, rows.shape[1]), np.nan), rows])
            start = self.end
        fresh = rows[self.end - start :]
        self.update(fresh, self.end)
        self.last = latest(fresh, self.last)
        self.end += len(fresh)

    def update(self, rows: np.ndarray, start: int) -> None:
        """Learn from fresh rows."""

    def forecast(self, rows: np.ndarray) -> np.ndarray:
        """Return (len(rows), N) for grid rows after the end."""
        return np.tile(self.last, (len(rows), 1))


def latest(rows: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Return the last known value of each item."""
    if not len(rows):
        return before
    seen = np.isfinite(rows)
    at = len(rows) - 1 - np.argmax(seen[::-1], axis=0)
    return np.where(seen.any(axis=0), rows[at, np.arange(rows.shape[1])], before)
