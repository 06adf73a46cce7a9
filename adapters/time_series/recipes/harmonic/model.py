"""Harmonic regression: polynomial trend + sines of every season, least squares renewed with each new row.

The normal equations are kept and fade with a half-life; what the regression leaves over at the origin is carried
forward as a level that shrinks over the horizon, or by an autoregression.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from series import DAY_S, YEAR_S, Panel, Window, fill, fourier, period_s

RIDGE = 1e-8


class Model:
    """One regression per series, all solved at once."""

    lookback = 0

    def __init__(self, config: dict[str, Any], task: dict[str, Any]) -> None:
        self.config, self.horizon = config, int(task["horizon"])

    def fit(self, panel: Panel, *, budget_s: float, seed: int) -> None:
        self.recent, self.periods = 8 * max(panel.shortest, 12), self._periods(panel)
        self.origin_s, self.unit_s = int(panel.times[-1].max()), max(float(np.ptp(panel.times)), DAY_S)
        self.fade = 0.5 ** (1 / self.config["half_life"]) if self.config["memory"] == "fading" else 1.0
        width = self._design(panel.times[:1]).shape[-1]
        self.gram, self.moment = np.zeros((panel.items, width, width)), np.zeros((panel.items, width))
        self.seen_until = np.iinfo(np.int64).min
        self._learn(panel.target, panel.times)

    def predict(self, window: Window) -> np.ndarray:
        new = int((window.times[:, 0] > self.seen_until).sum())
        if new:
            self._learn(window.target[-new:], window.times[-new:])
        forecast = self._fitted(window.future_times)
        if self.config["correction"] == "none":
            return forecast
        recent = slice(-self.recent, None)
        left = window.target[recent] - self._fitted(window.times[recent])
        return forecast + (self._level(left) if self.config["correction"] == "level" else self._ar(left))

    def _periods(self, panel: Panel) -> list[tuple[float, int]]:
        """(seconds, order) of every season; the year joins when the data holds two of them."""
        found = [(period_s(panel.shortest, panel.step_s), min(int(self.config["order"]), panel.shortest // 2))]
        longer = [period_s(p, panel.step_s) for p in panel.seasons[1:] if 2 * p <= panel.rows]
        if np.ptp(panel.times[:, 0]) >= 2 * YEAR_S and found[0][0] < YEAR_S / 2 and YEAR_S not in longer:
            longer.append(YEAR_S)
        order = int(self.config["order_long"])
        return found + [(p, min(order, 3) if p == YEAR_S else order) for p in longer]

    def _design(self, times: np.ndarray) -> np.ndarray:
        """Regressors at `times` [T, 1 or N]: [T, 1 or N, P]."""
        tau = ((times - self.origin_s) / self.unit_s)[..., None]
        waves = [fourier(times, period, order) for period, order in self.periods if order]
        columns = [tau**d for d in range(int(self.config["degree"]) + 1)] + waves
        if self.config["growing_season"] and waves:
            columns.append(waves[0] * tau)
        return np.concatenate(columns, axis=-1)

    def _learn(self, target: np.ndarray, times: np.ndarray) -> None:
        """Add rows to the normal equations, oldest faded most; NaN carries no weight."""
        rows, items = target.shape
        design = self._design(times)
        weight = self.fade ** np.arange(rows - 1, -1, -1.0)
        self.gram *= self.fade**rows
        self.moment *= self.fade**rows
        for n in range(items):
            x, y = design[:, min(n, design.shape[1] - 1)], target[:, n]
            seen = np.isfinite(y)
            weighted = x[seen] * weight[seen, None]
            self.gram[n] += weighted.T @ x[seen]
            self.moment[n] += weighted.T @ y[seen]
        self.seen_until = int(times[-1, 0])
        width = self.gram.shape[1]
        scale = np.trace(self.gram, axis1=1, axis2=2)[:, None, None] / width + 1e-12
        self.weights = np.linalg.solve(self.gram + RIDGE * scale * np.eye(width), self.moment[..., None])[..., 0]

    def _fitted(self, times: np.ndarray) -> np.ndarray:
        """The regression at `times`: [T, N]."""
        design = self._design(times)
        if design.shape[1] == 1:
            return design[:, 0] @ self.weights.T
        return np.einsum("tnp,np->tn", design, self.weights)

    def _level(self, left: np.ndarray) -> np.ndarray:
        """Faded mean of the residuals, shrinking to the share `kept` at the end of the horizon: [H, N]."""
        weight = 0.5 ** (np.arange(len(left) - 1, -1, -1.0) / float(self.config["level_half_life"]))[:, None]
        weight = np.where(np.isfinite(left), weight, 0.0)
        level = (weight * np.nan_to_num(left)).sum(axis=0) / (weight.sum(axis=0) + 1e-12)
        share = max(float(self.config["kept"]), 1e-6) ** (np.arange(1, self.horizon + 1) / self.horizon)
        return share[:, None] * level

    def _ar(self, left: np.ndarray) -> np.ndarray:
        """Autoregression shared by all series, fitted on the residuals seen lately and iterated: [H, N]."""
        order = int(self.config["ar_order"])
        left = fill(left, 1)
        if len(left) <= 2 * order:
            return np.zeros((self.horizon, left.shape[1]))
        lags = np.stack([left[order - j - 1 : len(left) - j - 1] for j in range(order)], axis=-1).reshape(-1, order)
        gram = lags.T @ lags
        shrink = 1e-3 * np.trace(gram) / order + 1e-12
        phi = np.linalg.solve(gram + shrink * np.eye(order), lags.T @ left[order:].ravel())
        phi /= max(1.0, float(np.abs(phi).sum()))  # never explosive
        state, steps = [*left[-order:]], []
        for _ in range(self.horizon):
            steps.append(sum(phi[j] * state[-j - 1] for j in range(order)))
            state.append(steps[-1])
        return np.stack(steps)
