"""SCORE asks this class: rates go in as time passes, levels come out. Also the features, so that fit and forecast share them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

SPANS = (5, 21, 63, 252)
"""Rows over which past returns are summed: a week, a month, a quarter, a year."""


def known_log(target: np.ndarray) -> np.ndarray:
    """Return the logarithm of the last known rate of each row; an item without any so far counts as 1."""
    rows = np.where(np.isfinite(target), np.arange(len(target))[:, None], -1)
    latest = np.maximum.accumulate(rows, axis=0)
    return np.where(latest >= 0, np.log(np.take_along_axis(target, np.maximum(latest, 0), axis=0)), 0.0)


def features(returns: np.ndarray) -> np.ndarray:
    """Return the momentum over each span before now, in standard deviations. (N, F)"""
    return np.stack([returns[-span:].sum(axis=0) / np.sqrt(span) for span in SPANS], axis=1)


class Forecaster:
    """Ridge on momenta; the forecast path is a straight line in logarithms."""

    def __init__(self, artefact_dir: str) -> None:
        with np.load(Path(artefact_dir) / "model.npz") as model:
            self.weights, self.scale, self.clip = model["weights"], model["scale"], float(model["clip"])

    def hello(self, meta: dict[str, Any]) -> None:
        self.horizon, self.shown = int(meta["horizon"]), np.zeros((0, len(meta["items"])))

    def step(self, context: dict[str, Any]) -> np.ndarray:
        self.shown = np.concatenate([self.shown, context["new"]])
        levels = known_log(self.shown)
        returns = np.clip(np.diff(levels, axis=0) / self.scale, -self.clip, self.clip)
        change = features(returns) @ self.weights * self.scale
        steps = np.arange(1, self.horizon + 1)[:, None] / self.horizon
        return np.exp(levels[-1] + steps * change)
