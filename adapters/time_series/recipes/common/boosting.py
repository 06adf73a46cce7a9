"""Gradient boosting (scikit-learn's histogram trees) on the rows of features.py, within a budget of seconds."""

from __future__ import annotations

from typing import Any

import numpy as np
from direct import aligned, item_scale, item_weight, origins_of, usable
from features import Features
from series import Panel, Window
from sklearn.ensemble import HistGradientBoostingRegressor

SAMPLES_PER_SECOND = 12_000
WORK_PER_SECOND = 1_000_000
"""Samples x trees that one core certainly does in a second; counted, not timed, so that a fit can be repeated."""


class Boosted:
    """Learns the scaled difference to a base forecast, all steps and series in one model."""

    lookback = 1

    def __init__(self, config: dict[str, Any], task: dict[str, Any], *, base: str, cycles: int, recent: int) -> None:
        self.config, self.task, self.horizon = config, task, int(task["horizon"])
        self.base, self.cycles, self.recent = base, cycles, recent
        self.trees: HistGradientBoostingRegressor | None = None

    def fit(self, panel: Panel, *, budget_s: float, seed: int) -> None:
        self.scale = item_scale(panel.target)
        self.features = Features(panel, horizon=self.horizon, base=self.base, cycles=self.cycles, recent=self.recent, scale=self.scale,
                                 median=self.config.get("average") == "median")
        self.lookback = self.features.lookback
        rows, answers, weight = self._samples(panel, budget_s, np.random.default_rng(0))
        if len(answers) >= 50:
            affordable = int(budget_s * WORK_PER_SECOND / len(answers))
            booster = self._booster(max(5, min(int(self.config["trees"]), affordable)))
            self.trees = booster.fit(rows, answers, sample_weight=weight)

    def predict(self, window: Window) -> np.ndarray:
        scene = self.features.of_window(window)
        base = self.features.forecast_base(scene)
        answer = base[0]
        if self.trees is not None:
            rows = self.features.rows(scene, base)
            answer = answer + self.trees.predict(rows.reshape(-1, rows.shape[-1])).reshape(answer.shape)
        return answer * self.scale

    def _samples(self, panel: Panel, budget_s: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draw origins; keep the rows whose truth was seen: features [n, F], answers [n], weights [n]."""
        origins = origins_of(panel, self.lookback, self.horizon)
        if self.config["origins"] == "aligned":
            origins = aligned(origins, panel.rows, int(self.task.get("stride") or 1))
        count = int(min(float(self.config["samples"]), budget_s * SAMPLES_PER_SECOND)) // (self.horizon * panel.items)
        if len(origins) > max(count, 20):
            origins = np.sort(rng.choice(origins, max(count, 20), replace=False))
        if not len(origins):
            return np.empty((0, 1)), np.empty(0), np.empty(0)
        scene = self.features.of_panel(panel, origins)
        base = self.features.forecast_base(scene)
        truth = panel.target[origins[:, None] + np.arange(self.horizon)] / self.scale
        known = np.isfinite(truth) & usable(panel, origins, self.lookback, self.horizon)[:, None]
        weight = np.broadcast_to(item_weight(self.scale, self.task), truth.shape)
        return self.features.rows(scene, base)[known], (truth - base)[known], weight[known]

    def _booster(self, trees: int) -> HistGradientBoostingRegressor:
        config = self.config
        return HistGradientBoostingRegressor(
            loss=config["loss"], max_iter=trees, learning_rate=config["learning_rate"], max_leaf_nodes=int(config["leaves"]),
            min_samples_leaf=int(config["leaf_rows"]), l2_regularization=config["l2"], max_features=config["feature_share"],
            categorical_features=self.features.categorical or None, early_stopping=False, random_state=0,
        )
