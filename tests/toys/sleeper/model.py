"""Sleeps in a full fit, or fails as its configuration says; forecasts the last season plus a bias."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

from series import Panel, Window, fill


class Model:
    def __init__(self, config: dict[str, Any], task: dict[str, Any]) -> None:
        self.config, self.horizon = config, int(task["horizon"])
        self.period, self.lookback = 1, 1

    def fit(self, panel: Panel, *, budget_s: float, seed: int) -> None:
        self.period = panel.season
        self.lookback = 2 * self.period
        full = budget_s > 1.0
        if full:
            time.sleep(float(self.config["seconds"]))
        fail = self.config["fail"]
        if fail == "crash" or (fail == "crash_full" and full):
            raise RuntimeError("this experiment was asked to fail")
        if fail == "no_artefact":
            os._exit(0)
        if fail == "hog":
            self.hog = np.ones(2**29)
        while fail == "spin" and full:
            pass

    def predict(self, window: Window) -> np.ndarray:
        past = fill(window.target, self.period)
        answer = np.resize(past[-self.period :], (self.horizon, past.shape[1])) + float(self.config["bias"])
        return answer * np.nan if self.config["fail"] == "nan" else answer
