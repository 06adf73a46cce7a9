"""Forecasts the last season plus a bias from where the configuration says."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from series import Panel, Window, fill


class Model:
    def __init__(self, config: dict[str, Any], task: dict[str, Any]) -> None:
        self.config, self.horizon = config, int(task["horizon"])
        self.period, self.lookback, self.bias = 1, 1, float(config["bias"])

    def fit(self, panel: Panel, *, budget_s: float, seed: int) -> None:
        self.period, self.lookback = panel.season, 2 * panel.season
        if self.config["source"] == "clock":
            self.bias += 20 + time.time() % 1000 / 100  # so far off that at no time of the day it is the best by chance
        if self.config["source"] == "stray" and Path("stray.txt").exists():
            self.bias += float(Path("stray.txt").read_text())

    def predict(self, window: Window) -> np.ndarray:
        past = fill(window.target, self.period)
        return np.resize(past[-self.period :], (self.horizon, past.shape[1])) + self.bias
