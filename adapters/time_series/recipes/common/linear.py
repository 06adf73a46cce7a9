"""Least squares for direct forecasts: normal equations, and the regressors that stand beside the lags."""

from __future__ import annotations

import numpy as np
from direct import ahead
from series import YEAR_S, Panel, Window, fourier, period_s

MOST_PLANNED = 96
"""Regressors that known covariates may take; beyond, their mean over the horizon stands for the steps."""


class NormalEquations:
    """Sums of a weighted least squares problem with many outputs; the last input is the constant and goes unpunished."""

    def __init__(self) -> None:
        self.gram: np.ndarray | float = 0.0
        self.moment: np.ndarray | float = 0.0

    def add(self, inputs: np.ndarray, outputs: np.ndarray, weight: np.ndarray) -> None:
        """Add samples: inputs [n, P], outputs [n, H], weight [n]."""
        kept = weight > 0
        inputs, outputs = inputs[kept], outputs[kept]
        weighted = inputs * weight[kept, None]
        self.gram = self.gram + weighted.T @ inputs
        self.moment = self.moment + weighted.T @ outputs

    def solve(self, penalty: float) -> np.ndarray:
        """Return the weights [P, H]; the penalty is relative to the mean square of an input."""
        gram = np.asarray(self.gram)
        ridge = np.full(len(gram), penalty * np.trace(gram) / len(gram) + 1e-9)
        ridge[-1] = 1e-9 * (1 + gram[-1, -1])
        return np.linalg.solve(gram + np.diag(ridge), np.asarray(self.moment))


class Extras:
    """Regressors beside the lags: waves of the calendar at the first step, covariates, a constant."""

    def __init__(self, panel: Panel, *, waves: int, horizon: int) -> None:
        self.waves = [(period, min(waves, most)) for period, most in _periods(panel)]
        self.horizon, self.known, self.items = horizon, panel.known, panel.items
        seen = np.isfinite(panel.covariates)
        count = np.maximum(seen.sum(axis=(0, 1)), 1)
        self.mean = np.where(seen, panel.covariates, 0.0).sum(axis=(0, 1)) / count
        spread = np.sqrt((np.where(seen, panel.covariates - self.mean, 0.0) ** 2).sum(axis=(0, 1)) / count)
        self.spread = np.where(spread > 0, spread, 1.0)

    def of_panel(self, panel: Panel, origins: np.ndarray) -> np.ndarray:
        """Return [O, N, K] at origins inside a panel."""
        future = np.moveaxis(ahead(panel.covariates, origins, self.horizon), -1, 1)
        return self._join(panel.times[origins], panel.covariates[origins - 1], future)

    def of_window(self, window: Window) -> np.ndarray:
        """Return [1, N, K] at the origin of a window."""
        return self._join(window.future_times[:1], window.covariates[-1:], window.future_covariates[None])

    def _join(self, times: np.ndarray, last: np.ndarray, future: np.ndarray) -> np.ndarray:
        waves = [fourier(times, period, order) for period, order in self.waves if order]
        latest, planned = self._standard(last)[..., ~self.known], self._standard(future)[..., self.known]
        if planned.shape[1] * planned.shape[-1] > MOST_PLANNED:
            planned = planned.mean(axis=1, keepdims=True)
        steps = np.moveaxis(planned, 1, 2).reshape(*planned.shape[:1], planned.shape[2], -1)
        parts = [*waves, latest, steps, np.ones((len(times), 1, 1))]
        return np.concatenate([np.broadcast_to(p, (len(times), self.items, p.shape[-1])) for p in parts], axis=-1)

    def _standard(self, values: np.ndarray) -> np.ndarray:
        return np.nan_to_num((values - self.mean) / self.spread)


def _periods(panel: Panel) -> list[tuple[float, int]]:
    """Seasons in seconds with the highest order that the rows can carry; the year joins when the data holds two."""
    found = [(period_s(p, panel.step_s), p // 2) for p in panel.seasons if p > 1 and 2 * p <= panel.rows]
    if np.ptp(panel.times[:, 0]) >= 2 * YEAR_S and panel.step_s < YEAR_S / 4 and all(p < YEAR_S for p, _ in found):
        found.append((YEAR_S, 3))
    return found
