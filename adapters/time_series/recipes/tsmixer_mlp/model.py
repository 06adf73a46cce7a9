"""A small network in the manner of TSMixer (Chen et al. 2023) and TiDE (Das et al. 2023): blocks of two layers mix time and series.

A window becomes `width` numbers per series; blocks mix these (time) and, if wanted, the same number of all series. The answer is a
linear map of the window, one of the mixed numbers, and the calendar of the rows to forecast times factors that the network chooses.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from neural import Batch, Trainer, Weights, Windows
from series import Panel, Window

WAVES = 3
"""Sines and cosines per season, of the first row among the inputs and of each row to forecast."""


class Model:
    """Learnt by torch, served by numpy: the network below runs on the arrays of either."""

    lookback = 1

    def __init__(self, config: dict[str, Any], task: dict[str, Any]) -> None:
        self.config, self.task, self.horizon = config, task, int(task["horizon"])

    def fit(self, panel: Panel, *, budget_s: float, seed: int) -> None:
        self.windows = Windows(panel, self.config, self.horizon, waves=WAVES, calendar=WAVES if self.config["calendar"] else 0)
        self.lookback = self.windows.lookback
        begun = self._begin(panel.items, np.random.default_rng(seed))
        work = sum(value.size for name, value in begun.items() if name != "item")
        trainer = Trainer(self.windows, panel, self.config, self.task, seed)
        self.weights = trainer.learn(forecast, begun, work=work, budget_s=budget_s)

    def predict(self, window: Window) -> np.ndarray:
        return self.windows.forecast(forecast, self.weights, window)

    def _begin(self, items: int, rng: np.random.Generator) -> Weights:
        """Return weights to begin with; every way to the answer begins with zeros, so that it is the level of the window."""
        inputs, width = self.windows.width, int(self.config["width"])
        weights = {
            "linear": np.zeros((inputs, self.horizon)), "enter": _random(rng, inputs, width), "item": np.zeros((items, width)),
            "leave": np.zeros((width, self.horizon)), "factors": np.zeros((width, self.windows.columns)),
        }
        for block in range(int(self.config["blocks"])):
            weights |= {f"up_{block}": _random(rng, width, width), f"down_{block}": _random(rng, width, width)}
        if self.config["mix_series"] and items > 1:
            between = int(self.config["between"])
            weights |= {"gather": _random(rng, items, between), "spread": np.zeros((between, items))}
        return weights


def forecast(weights: Weights, batch: Batch, drop: Any) -> Any:
    """Return the normalised forecast [B, N, H] of tensors or of numpy arrays."""
    x = batch.inputs  # [B, N, P]
    if "gather" in weights:
        x = x + drop(_positive(x.swapaxes(-1, -2) @ weights["gather"]) @ weights["spread"]).swapaxes(-1, -2)
    z = drop(x @ weights["enter"] + weights["item"])  # [B, N, width]
    for block in range(sum(name.startswith("up_") for name in weights)):
        z = z + drop(_positive(_even(z) @ weights[f"up_{block}"]) @ weights[f"down_{block}"])
    z = _even(z)
    factors = (z @ weights["factors"])[..., None]  # [B, N, K, 1]
    return x @ weights["linear"] + z @ weights["leave"] + (batch.calendar @ factors)[..., 0]


def _positive(z: Any) -> Any:
    return z * (z > 0)


def _even(z: Any) -> Any:
    """Layer normalisation over the last axis."""
    z = z - z.mean(-1, keepdims=True)
    return z / ((z * z).mean(-1, keepdims=True) + 1e-5) ** 0.5


def _random(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    return rng.normal(0.0, rows**-0.5, (rows, columns))
