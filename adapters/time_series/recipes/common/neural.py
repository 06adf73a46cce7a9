"""Windows and training for small networks. A network is one function that runs on tensors and on numpy arrays alike.

torch is imported while fitting only: weights are kept as numpy arrays, so that a serving process starts fast.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from direct import ahead, aligned, before, fitting_lookback, item_scale, item_weight, latest, origins_of, usable
from linear import Extras
from series import DAY_S, Panel, Window, fill, fourier, holiday

STEP_S = 0.003
MULTIPLICATIONS_PER_SECOND = 4e9
PARAMETERS_PER_SECOND = 1e8
"""What one core certainly does: overhead of a step, forward passes, and updates of weights; counted, not timed, so that a
fit can be repeated."""
BATCH = 256
"""Most windows of one step, all series of an origin together."""
LEAST_STEPS = 20
"""Short records are learnt in smaller batches, so that an epoch has so many steps."""
CHECKS = 20
"""How often the held-back rows are forecast while learning."""
CHECK_WINDOWS = 4096
PATIENCE = 6
"""Checks without a better one after which learning ends."""
HELD_SHARE = 0.15
"""Latest part of the rows that is held back to find out how long to learn."""
LEAST_ORIGINS = 20
AVERAGED = 8
"""The mean of the weights reaches back over about one in so many of the steps (polynomial decay, Shamir and Zhang 2013)."""

Array = Any
"""np.ndarray, or torch.Tensor while learning."""
Weights = dict[str, Array]


@dataclass(frozen=True)
class Batch:
    """Origins of a panel, or the one of a window; in units of each series."""

    inputs: Array
    """[B, N, P]: the last `lookback` rows, normalised, then the regressors of linear.Extras; the last is the constant"""
    calendar: Array
    """[B, 1 or N, H, K]: what is known of the rows to forecast; K may be 0"""
    level: Array
    """[B, N, 1]: what was subtracted"""
    size: Array
    """[B, N, 1]: what it was divided by"""


Network = Callable[[Weights, Batch, Callable[[Array], Array]], Array]
"""(weights, batch, drop) -> normalised forecast [B, N, H]; `drop` is dropout while learning, else nothing."""


def keep(values: Array) -> Array:
    """Return the values: dropout of a network that is served."""
    return values


class Windows:
    """How inputs are made; set up once, then used alike for learning and for serving."""

    def __init__(self, panel: Panel, config: dict[str, Any], horizon: int, *, waves: int, calendar: int = 0) -> None:
        self.config, self.horizon, self.step_s = config, horizon, panel.step_s
        self.season = panel.period("main")
        self.lookback = fitting_lookback(panel, int(config["lookback"]), horizon)
        self.scale = item_scale(panel.target)
        self.extras = Extras(panel, waves=waves, horizon=horizon)
        self.waves = Extras(panel, waves=calendar, horizon=horizon).waves if calendar else []
        self.width = self.of_origins(panel, fill(panel.target, self.season) / self.scale, np.array([self.lookback])).inputs.shape[-1]
        self.columns = self._calendar(panel.times[None, :1], panel.covariates[None, :1]).shape[-1]

    def of_origins(self, panel: Panel, filled: np.ndarray, origins: np.ndarray) -> Batch:
        """Return the windows at origins inside a panel; `filled` is its target without NaN, in units of each series."""
        rows = origins[:, None] + np.arange(self.horizon)
        extras = self.extras.of_panel(panel, origins)
        return self._batch(before(filled, origins, self.lookback), extras, self._calendar(panel.times[rows], panel.covariates[rows]))

    def of_window(self, window: Window) -> Batch:
        past = latest(window, self.lookback, self.season)[None] / self.scale[:, None]
        return self._batch(past, self.extras.of_window(window), self._calendar(window.future_times[None], window.future_covariates[None]))

    def forecast(self, network: Network, weights: Weights, window: Window) -> np.ndarray:
        """Return what a network answers to a window, in the series' own units [H, N]."""
        batch = self.of_window(window)
        return (network(weights, batch, keep) * batch.size + batch.level)[0].T * self.scale

    def _batch(self, past: np.ndarray, extras: np.ndarray, calendar: np.ndarray) -> Batch:
        rows = {"last": 1, "season": self.season, "mean": self.lookback}[self.config["level"]]
        level = past[..., -rows:].mean(axis=-1, keepdims=True)
        size = np.ones_like(level)
        if self.config.get("divide") == "window":
            size = np.maximum(past.std(axis=-1, keepdims=True), 0.05)
        return Batch(np.concatenate([(past - level) / size, extras], axis=-1), calendar, level, size)

    def _calendar(self, times: np.ndarray, covariates: np.ndarray) -> np.ndarray:
        """Waves and holidays of the rows to forecast, and their known covariates: [B, 1 or N, H, K]."""
        if not self.waves:
            return np.zeros((len(times), 1, times.shape[1], 0))
        planned = np.nan_to_num((covariates - self.extras.mean) / self.extras.spread)[..., self.extras.known]
        parts = [*(fourier(times, period, order) for period, order in self.waves), planned]
        if self.step_s <= DAY_S:
            parts.append(holiday(times)[..., None])
        items = max(part.shape[2] for part in parts)
        joined = np.concatenate([np.broadcast_to(p, (*times.shape[:2], items, p.shape[-1])) for p in parts], axis=-1)
        return joined.swapaxes(1, 2)


class Trainer:
    """Learns the weights of a network by AdamW on windows drawn at random.

    What counts is the mean of the weights over the latest steps: a noisy walk ends well wherever it is stopped. A first run
    without the latest rows finds out how many steps are best; a second one takes that many on all rows.
    """

    def __init__(self, windows: Windows, panel: Panel, config: dict[str, Any], task: dict[str, Any], seed: int) -> None:
        self.windows, self.panel, self.config, self.seed = windows, panel, config, seed
        self.absolute = task.get("metric") == "mae"
        self.filled = fill(panel.target, windows.season) / windows.scale
        self.truth = panel.target / windows.scale
        self.weight = item_weight(windows.scale, task)[:, None]
        origins = origins_of(panel, windows.lookback, windows.horizon)
        self.usable = usable(panel, origins, windows.lookback, windows.horizon)
        if config["origins"] == "aligned":
            origins = aligned(origins, panel.rows, int(task.get("stride") or 1))
        self.origins = origins[self.usable[origins - windows.lookback].any(axis=1)]
        self.batch = max(4, min(BATCH // panel.items, len(self.origins) // LEAST_STEPS))
        """Origins of one step."""

    def learn(self, network: Network, weights: Weights, *, work: float, budget_s: float) -> Weights:
        """Return learnt weights, float64.

        Args:
            weights: arrays to begin with; a forecast of zero is the level of the window.
            work: multiplications that a forecast of one window takes.
        """
        import torch

        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or 1))
        end = self.panel.rows - max(int(HELD_SHARE * self.panel.rows), 2 * self.windows.horizon)
        early, held = self.origins[self.origins + self.windows.horizon <= end], self.origins[self.origins >= end]
        if len(self.origins) < LEAST_ORIGINS:
            return weights
        step_s = STEP_S + 3 * work * self.batch * self.panel.items / MULTIPLICATIONS_PER_SECOND
        step_s += sum(value.size for value in weights.values()) / PARAMETERS_PER_SECOND
        affordable = int(budget_s / step_s)
        wanted = int(self.config["epochs"]) * -(-len(self.origins) // self.batch)
        steps = max(1, min(wanted, affordable // 2))
        if len(early) >= LEAST_ORIGINS and len(held):
            steps = self._run(network, weights, early, steps, held)[1]
        return self._run(network, weights, self.origins, steps)[0]

    def _run(
        self, network: Network, weights: Weights, origins: np.ndarray, steps: int, held: np.ndarray | None = None
    ) -> tuple[Weights, int]:
        """Return the weights after so many steps and, with held-back origins, after how many steps these were forecast best."""
        import torch

        torch.manual_seed(self.seed)
        tensors = {name: torch.tensor(value, dtype=torch.float32, requires_grad=True) for name, value in weights.items()}
        learner = torch.optim.AdamW(tensors.values(), lr=float(self.config["lr"]), weight_decay=float(self.config["weight_decay"]))
        mean = {name: value.detach().clone() for name, value in tensors.items()}
        share = float(self.config.get("dropout", 0.0))
        check = Check(self, network, mean, held) if held is not None else None
        every = max(1, steps // CHECKS)
        for step, some in zip(range(1, steps + 1), self._draws(origins)):
            learner.zero_grad()
            self.loss(network, tensors, self.tensors(some), lambda z: torch.nn.functional.dropout(z, share)).backward()
            learner.step()
            for name, value in tensors.items():
                mean[name].lerp_(value.detach(), (AVERAGED + 1) / (AVERAGED + step))
            if check is not None and (step % every == 0 or step == steps) and check.hopeless(step):
                break
        return {name: value.numpy().astype(float) for name, value in mean.items()}, check.best_step if check else steps

    def _draws(self, origins: np.ndarray) -> Iterator[np.ndarray]:
        """Yield batches of origins without end, every origin once before any comes again."""
        rng = np.random.default_rng(self.seed)
        while True:
            mixed = rng.permutation(origins)
            for first in range(0, len(mixed), self.batch):
                yield mixed[first : first + self.batch]

    def tensors(self, origins: np.ndarray) -> tuple[Batch, Array, Array]:
        """Return windows, truth [B, N, H] and the weight of each error, 0 where the truth is missing."""
        import torch

        batch = self.windows.of_origins(self.panel, self.filled, origins)
        truth = ahead(self.truth, origins, self.windows.horizon)
        weight = np.isfinite(truth) * self.usable[origins - self.windows.lookback][..., None] * self.weight
        parts = (batch.inputs, batch.calendar, batch.level, batch.size, np.nan_to_num(truth), weight)
        inputs, calendar, level, size, truth, weight = (torch.from_numpy(np.ascontiguousarray(part, np.float32)) for part in parts)
        return Batch(inputs, calendar, level, size), truth, weight

    def loss(self, network: Network, weights: Weights, drawn: tuple[Batch, Array, Array], drop: Callable[[Array], Array]) -> Array:
        """Return the task's loss, or Huber's, in units of each series."""
        import torch

        batch, truth, weight = drawn
        error = network(weights, batch, drop) * batch.size + batch.level - truth
        if self.config["loss"] == "huber":
            each = torch.nn.functional.smooth_l1_loss(error, torch.zeros_like(error), reduction="none", beta=0.5)
        else:
            each = error.abs() if self.absolute else error**2
        return (each * weight).sum() / weight.sum().clamp(min=1e-9)


class Check:
    """Forecasts of held-back rows while learning goes on."""

    def __init__(self, trainer: Trainer, network: Network, weights: Weights, held: np.ndarray) -> None:
        count = max(8, CHECK_WINDOWS // trainer.panel.items)
        chosen = held[np.unique(np.linspace(0, len(held) - 1, count).astype(int))]
        self.trainer, self.network, self.weights, self.drawn = trainer, network, weights, trainer.tensors(chosen)
        self.best_step, self.since = 0, 0
        self.smallest = self._loss()

    def hopeless(self, step: int) -> bool:
        """Look at the weights after a step; return whether learning may end."""
        loss = self._loss()
        self.since += 1
        if loss < self.smallest:
            self.smallest, self.best_step, self.since = loss, step, 0
        return self.since >= PATIENCE

    def _loss(self) -> float:
        import torch

        with torch.no_grad():
            return float(self.trainer.loss(self.network, self.weights, self.drawn, keep))
