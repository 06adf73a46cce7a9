"""Baselines every candidate is measured against, streamed through the same window loop.

Each is fitted on the rows it may see, then keeps its state up to date from the contexts alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .config import Task
from .data_prep import Scene, fit_end
from .trading import marked

MOMENTUM_ROWS = 252
"""A year of business days (Moskowitz, Ooi, Pedersen 2012)."""


class Baseline:
    """Takes rows in time order; `end` is the grid row after the last one taken."""

    def __init__(self, task: Task, items: int) -> None:
        self.task = task
        self.end: int | None = None
        self.last = np.full((1, items), np.nan)
        """Last known rates."""

    def fit(self, rows: np.ndarray, start: int) -> None:
        """Learn from the rows of explore."""
        self.take(rows, start)

    def hello(self, meta: dict[str, Any]) -> None:
        """Nothing to learn from the meta."""

    def step(self, context: dict[str, Any]) -> np.ndarray:
        self.take(context["new"], context["start"])
        steps = context["t"] + np.arange(1, self.task.horizon + 1) - self.end  # 1 is the row after the last one taken
        return np.nan_to_num(self.last * np.exp(self.growth(steps)), nan=0.0)

    def take(self, rows: np.ndarray, start: int) -> None:
        """Take rows in; those already taken are skipped, rows never shown are missing."""
        begins = self.end is None
        if self.end is None:
            self.end = start
        if start > self.end:
            rows = np.concatenate([np.full((start - self.end, rows.shape[1]), np.nan), rows])
            start = self.end
        fresh = marked(np.concatenate([self.last, rows[self.end - start :]]))
        self.end += len(fresh) - 1
        self.last = fresh[-1:]
        returns = np.nan_to_num(np.diff(np.log(fresh), axis=0))
        self.update(returns[1:] if begins else returns)  # the very first row has no return

    def update(self, returns: np.ndarray) -> None:
        """Learn from fresh log returns, 0 where a rate is missing."""

    def growth(self, steps: np.ndarray) -> np.ndarray:
        """Return the log return from the last known rate to each step ahead. (len(steps), N)"""
        return np.zeros((len(steps), self.last.shape[1]))


class Naive(Baseline):
    """The last rate: a forecast without a difference, hence no position, no PnL and a Sharpe of 0."""


class Drift(Baseline):
    """The mean daily log return of all history goes on."""

    def __init__(self, task: Task, items: int) -> None:
        super().__init__(task, items)
        self.total, self.rows = np.zeros(items), 0

    def update(self, returns: np.ndarray) -> None:
        self.total = self.total + returns.sum(axis=0)
        self.rows += len(returns)

    def growth(self, steps: np.ndarray) -> np.ndarray:
        return steps[:, None] * self.total / max(1, self.rows)


class Momentum(Baseline):
    """The mean daily log return of the last year goes on."""

    def __init__(self, task: Task, items: int) -> None:
        super().__init__(task, items)
        self.recent = np.zeros((0, items))

    def update(self, returns: np.ndarray) -> None:
        self.recent = np.concatenate([self.recent, returns])[-MOMENTUM_ROWS:]

    def growth(self, steps: np.ndarray) -> np.ndarray:
        return steps[:, None] * self.recent.sum(axis=0) / max(1, len(self.recent))


class Var1(Baseline):
    """r(t) = c + r(t-1) A on the log returns of all items, by least squares on explore; iterated over the horizon."""

    def __init__(self, task: Task, items: int) -> None:
        super().__init__(task, items)
        self.constant, self.matrix = np.zeros(items), np.zeros((items, items))
        self.latest = np.zeros(items)

    def fit(self, rows: np.ndarray, start: int) -> None:
        self.take(rows, start)
        returns = np.nan_to_num(np.diff(np.log(marked(rows)), axis=0))
        if len(returns) < 2:
            return
        before = np.column_stack([np.ones(len(returns) - 1), returns[:-1]])
        solved = np.linalg.lstsq(before, returns[1:], rcond=None)[0]
        self.constant, self.matrix = solved[0], solved[1:]

    def update(self, returns: np.ndarray) -> None:
        if len(returns):
            self.latest = returns[-1]

    def growth(self, steps: np.ndarray) -> np.ndarray:
        ahead, row = np.zeros((steps[-1], len(self.latest))), self.latest
        for step in range(steps[-1]):
            row = self.constant + row @ self.matrix
            ahead[step] = row
        return np.cumsum(ahead, axis=0)[steps - 1]


BASELINES: dict[str, Callable[[Task, int], Baseline]] = {"naive": Naive, "drift": Drift, "momentum": Momentum, "var1": Var1}


def fitted(name: str, scene: Scene, first_origin: int, task: Task) -> Baseline:
    """Return a baseline fitted on the rows a candidate could be fitted on."""
    baseline = BASELINES[name](task, scene.panel.target.shape[1])
    baseline.fit(scene.panel.target[: fit_end(scene, first_origin, task)], scene.panel.t0)
    return baseline
