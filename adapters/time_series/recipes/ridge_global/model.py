"""Ridge regression shared by all series: the last `lookback` rows, normalised, to every step of the horizon."""

from __future__ import annotations

from typing import Any

import numpy as np
from direct import ahead, before, chunks, fitting_lookback, item_scale, latest, origins_of, usable
from linear import Extras, NormalEquations
from series import Panel, Window, fill

LOOKBACKS = (1.0, 0.7, 0.5)
"""Shares of the lookback that are averaged over: between long and short windows there is no clear best, and their errors differ."""
LEVELS = ("last", "season")


class Model:
    """One regression, or the mean of several that differ in their windows."""

    lookback = 1

    def __init__(self, config: dict[str, Any], task: dict[str, Any]) -> None:
        self.horizon = int(task["horizon"])
        average, level, longest = config["average"], config["level"], int(config["lookback"])
        lookbacks = LOOKBACKS if average in ("lookbacks", "both") else LOOKBACKS[:1]
        levels = sorted({level, *LEVELS}) if average in ("levels", "both") else [level]
        configs = [{**config, "lookback": max(1, round(share * longest)), "level": of} for share in lookbacks for of in levels]
        self.regressions = [Regression(each, self.horizon) for each in configs]

    def fit(self, panel: Panel, *, budget_s: float, seed: int) -> None:
        for regression in self.regressions:
            regression.fit(panel)
        self.lookback = max(regression.lookback for regression in self.regressions)

    def predict(self, window: Window) -> np.ndarray:
        return np.mean([regression.predict(window) for regression in self.regressions], axis=0)


class Regression:
    """Closed form: the normal equations are summed over chunks of origins and solved once."""

    lookback = 1

    def __init__(self, config: dict[str, Any], horizon: int) -> None:
        self.config, self.horizon = config, horizon

    def fit(self, panel: Panel) -> None:
        self.season = panel.period("main")
        self.lookback = fitting_lookback(panel, int(self.config["lookback"]), self.horizon)
        self.scale = item_scale(panel.target)[:, None]
        self.extras = Extras(panel, waves=int(self.config["waves"]), horizon=self.horizon)
        filled, origins, sums = fill(panel.target, self.season), origins_of(panel, self.lookback, self.horizon), NormalEquations()
        for some in chunks(origins, panel.items * (self.lookback + self.horizon)):
            past, level, size = self._normal(before(filled, some, self.lookback))
            inputs = np.concatenate([past, self.extras.of_panel(panel, some)], axis=-1)
            outputs = (ahead(filled, some, self.horizon) - level) / size
            weight = usable(panel, some, self.lookback, self.horizon) * self._recency(panel.rows - some)[:, None]
            sums.add(inputs.reshape(-1, inputs.shape[-1]), outputs.reshape(-1, self.horizon), weight.ravel())
        self.weights = sums.solve(10 ** float(self.config["log_penalty"]))

    def predict(self, window: Window) -> np.ndarray:
        past, level, size = self._normal(latest(window, self.lookback, self.season)[None])
        inputs = np.concatenate([past, self.extras.of_window(window)], axis=-1)
        return ((inputs @ self.weights) * size + level)[0].T

    def _normal(self, past: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return windows [O, N, L] without their level and in their own size, and both."""
        rows = {"last": 1, "season": self.season, "mean": self.lookback}[self.config["level"]]
        level = past[..., -rows:].mean(axis=-1, keepdims=True)
        size = np.broadcast_to(self.scale, level.shape)
        if self.config["divide"] == "window":
            size = np.maximum(past.std(axis=-1, keepdims=True), 0.05 * self.scale)
        return (past - level) / size, level, size

    def _recency(self, age: np.ndarray) -> np.ndarray:
        half_life = float(self.config["half_life"]) * self.season
        return 0.5 ** (age / half_life) if half_life else np.ones(len(age))
