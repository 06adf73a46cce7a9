"""A ridge regression per series: recent lags, past seasons at the phases of the horizon, the phase of the origin."""

from __future__ import annotations

from typing import Any

import numpy as np
from direct import ahead, before, chunks, fitting_lookback, item_scale, latest, origins_of, usable
from linear import Extras, NormalEquations
from series import Panel, Window, fill

MOST_DUMMIES = 200
"""A longer season is described by waves instead."""


class Model:
    """Every series has its own weights; the regressors are built alike."""

    lookback = 1

    def __init__(self, config: dict[str, Any], task: dict[str, Any]) -> None:
        self.config, self.horizon = config, int(task["horizon"])

    def fit(self, panel: Panel, *, budget_s: float, seed: int) -> None:
        self.season = panel.period("main")
        self.dummies = self.season if self.config["phases"] == "dummies" and 1 < self.season <= MOST_DUMMIES else 0
        self.lags = self._lags(panel)
        self.lookback = int(max(self.lags.max(), min(self.season, panel.rows // 2)))
        self.scale = item_scale(panel.target)[:, None]
        waves = 0 if self.dummies or self.config["phases"] == "none" else int(self.config.get("waves", 4))
        self.extras = Extras(panel, waves=waves, horizon=self.horizon)
        sums = self._sums(panel)
        self.weights = np.stack([one.solve(10 ** float(self.config["log_penalty"])) for one in sums])

    def predict(self, window: Window) -> np.ndarray:
        past, level = self._normal(latest(window, self.lookback, self.season)[None])
        inputs = self._inputs(past, np.array([window.end]), self.extras.of_window(window))
        return (np.einsum("np,nph->nh", inputs[0], self.weights) * self.scale + level[0]).T

    def _sums(self, panel: Panel) -> list[NormalEquations]:
        filled, sums = fill(panel.target, self.season), [NormalEquations() for _ in range(panel.items)]
        origins = origins_of(panel, self.lookback, self.horizon)
        for some in chunks(origins, panel.items * (self.lookback + self.horizon + self.dummies)):
            past, level = self._normal(before(filled, some, self.lookback))
            inputs = self._inputs(past, panel.start + some, self.extras.of_panel(panel, some))
            outputs = (ahead(filled, some, self.horizon) - level) / self.scale
            weight = usable(panel, some, self.lookback, self.horizon) * self._recency(panel.rows - some)[:, None]
            for n, one in enumerate(sums):
                one.add(inputs[:, n], outputs[:, n], weight[:, n])
        return sums

    def _lags(self, panel: Panel) -> np.ndarray:
        """Lags of the regressors: the recent rows, and the rows whole seasons before each row of the horizon."""
        most = fitting_lookback(panel, max(int(self.config["recent"]), (int(self.config["cycles"]) + 1) * self.season), self.horizon)
        seasonal = [c * self.season - h for c in range(1, int(self.config["cycles"]) + 1) for h in range(self.horizon)]
        return np.array(sorted({lag for lag in [*range(1, int(self.config["recent"]) + 1), *seasonal] if 1 <= lag <= most}))

    def _normal(self, past: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return windows [O, N, L] without their level, in the item's size, and the level."""
        if self.config["level"] == "none":
            return past / self.scale, np.zeros((1, past.shape[1], 1))
        level = past[..., -1 if self.config["level"] == "last" else -self.season :].mean(axis=-1, keepdims=True)
        return (past - level) / self.scale, level

    def _inputs(self, past: np.ndarray, origins: np.ndarray, extras: np.ndarray) -> np.ndarray:
        """Return the regressors [O, N, P]; `origins` count in the whole grid."""
        phase = np.arange(self.dummies) == (origins % max(self.dummies, 1))[:, None]
        phases = np.broadcast_to(phase[:, None], (*past.shape[:2], self.dummies))
        return np.concatenate([past[..., self.lookback - self.lags], phases, extras], axis=-1)

    def _recency(self, age: np.ndarray) -> np.ndarray:
        half_life = float(self.config["half_life"]) * self.season
        return 0.5 ** (age / half_life) if half_life else np.ones(len(age))
