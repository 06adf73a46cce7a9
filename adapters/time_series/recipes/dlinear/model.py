"""DLinear and NLinear (Zeng et al. 2023): one linear map from the last rows to every step of the horizon, learnt by AdamW."""

from __future__ import annotations

from typing import Any

import numpy as np
from neural import Batch, Trainer, Weights, Windows
from series import Panel, Window


class Model:
    """Whatever is learnt is one matrix in the end; that is what is kept and served."""

    lookback = 1

    def __init__(self, config: dict[str, Any], task: dict[str, Any]) -> None:
        self.config, self.task, self.horizon = config, task, int(task["horizon"])

    def fit(self, panel: Panel, *, budget_s: float, seed: int) -> None:
        self.windows = Windows(panel, self.config, self.horizon, waves=int(self.config["waves"]))
        self.lookback = self.windows.lookback
        shape = (self.windows.width, self.horizon)
        if self.config["individual"]:
            shape = (panel.items, *shape)
        network, weights = Linear(), {"matrix": np.zeros(shape)}
        if self.config["kind"] == "dlinear":
            network = Decomposed(self.windows.width, self.lookback, int(self.config["kernel"]))
            weights["trend"] = np.zeros((*shape[:-2], self.lookback, self.horizon))
        trainer = Trainer(self.windows, panel, self.config, self.task, seed)
        learnt = trainer.learn(network, weights, work=self.windows.width * self.horizon, budget_s=budget_s)
        self.weights = {"matrix": network.matrix(learnt)}

    def predict(self, window: Window) -> np.ndarray:
        return self.windows.forecast(Linear(), self.weights, window)


class Linear:
    """inputs [B, N, P] times a matrix, [P, H] for all series or [N, P, H]."""

    def matrix(self, weights: Weights) -> Any:
        return weights["matrix"]

    def __call__(self, weights: Weights, batch: Batch, drop: Any) -> Any:
        return (batch.inputs.swapaxes(0, 1) @ self.matrix(weights)).swapaxes(0, 1)


class Decomposed(Linear):
    """The trend (a moving average of the window) has a map of its own; the other one sees what it leaves over.

    In sum past @ (matrix + average @ (trend - matrix)): still one matrix.
    """

    def __init__(self, width: int, lookback: int, kernel: int) -> None:
        self.average, self.lookback = moving_average(lookback, kernel), lookback
        self.widen = np.eye(width, lookback)
        """Past rows come first among the inputs; regressors beside them have no trend."""

    def matrix(self, weights: Weights) -> Any:
        past = weights["matrix"][..., : self.lookback, :]
        average, widen = self.average, self.widen
        if not isinstance(past, np.ndarray):
            average, widen = past.new_tensor(average), past.new_tensor(widen)
        return weights["matrix"] + widen @ (average @ (weights["trend"] - past))


def moving_average(length: int, kernel: int) -> np.ndarray:
    """Return A [L, L]: rows past [1, L] @ A are their moving average, the first and the last row repeated beyond the ends."""
    left = (min(kernel, length) - 1) // 2
    answer = np.zeros((length, length))
    for row in range(length):
        for offset in range(min(kernel, length)):
            answer[min(max(row - left + offset, 0), length - 1), row] += 1
    return answer / min(kernel, length)
