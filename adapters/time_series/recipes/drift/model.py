"""Seasonal naive with drift: the last seasons, brought to the present level, growing as they have grown."""

from __future__ import annotations

from typing import Any

import numpy as np
from series import Panel, Window, fill


class Model:
    """Growth per row is measured over whole seasons, so that the season itself cancels."""

    def __init__(self, config: dict[str, Any], task: dict[str, Any]) -> None:
        self.config, self.horizon = config, int(task["horizon"])
        self.period, self.lookback = 1, 1

    def fit(self, panel: Panel, *, budget_s: float, seed: int) -> None:
        self.period = panel.period(self.config["period"])
        seasons = max(int(self.config["growth_seasons"]), int(self.config["k"])) + 1
        self.lookback = (seasons + 1) * self.period

    def predict(self, window: Window) -> np.ndarray:
        past = fill(window.target, self.period)
        growth, steps = self._growth(past), np.arange(self.horizon)[:, None]
        pattern = np.mean([self._season_back(past, j, growth) for j in range(1, int(self.config["k"]) + 1)], axis=0)
        return pattern[steps[:, 0] % self.period] + growth * self.config["damping"] * (
            steps // self.period * self.period
        )

    def _growth(self, past: np.ndarray) -> np.ndarray:
        """Mean growth per row [N]: the latest rows against the same rows some seasons earlier."""
        seasons = min(int(self.config["growth_seasons"]), (len(past) - 1) // self.period)
        if seasons < 1:
            return np.zeros(past.shape[1])
        span, recent = seasons * self.period, min(int(self.config["level_rows"]), len(past) - seasons * self.period)
        return (past[-recent:] - past[-recent - span : len(past) - span]).mean(axis=0) / span

    def _season_back(self, past: np.ndarray, j: int, growth: np.ndarray) -> np.ndarray:
        """The j-th last season [period, N], grown to the season that follows the last row."""
        rows = np.maximum(len(past) - j * self.period + np.arange(self.period), 0)
        return past[np.minimum(rows, len(past) - 1)] + self.config["damping"] * growth * j * self.period
