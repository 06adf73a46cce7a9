"""Seasonal naive: the mean or median of the last k seasons, moved part of the way to the present level."""

from __future__ import annotations

from typing import Any

import numpy as np
from series import Panel, Window, fill


class Model:
    """Needs no fit beyond the choice of the period."""

    def __init__(self, config: dict[str, Any], task: dict[str, Any]) -> None:
        self.config, self.horizon = config, int(task["horizon"])
        self.period, self.lookback = 1, 1

    def fit(self, panel: Panel, *, budget_s: float, seed: int) -> None:
        self.period = panel.period(self.config["period"])
        self.lookback = (int(self.config["k"]) + 1) * self.period

    def predict(self, window: Window) -> np.ndarray:
        past = fill(window.target, self.period)
        cycles = _whole_cycles(past, self.period)[-int(self.config["k"]) - 1 :]
        cycle = self._statistic(cycles[-int(self.config["k"]) :])
        shift = float(self.config["anchor"]) * (cycles[-1].mean(axis=0) - cycle.mean(axis=0))
        return np.resize(cycle + shift, (self.horizon, past.shape[1]))

    def _statistic(self, cycles: np.ndarray) -> np.ndarray:
        return np.median(cycles, axis=0) if self.config.get("statistic") == "median" else cycles.mean(axis=0)


def _whole_cycles(past: np.ndarray, period: int) -> np.ndarray:
    """Cut [L, N] into whole periods counted back from the end: [cycles, period, N]."""
    missing = -len(past) % period
    padded = np.concatenate([np.repeat(past[:1], missing, axis=0), past])
    return padded.reshape(-1, period, past.shape[1])
