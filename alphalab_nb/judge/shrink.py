"""Shrunken means for the leaderboard: what a score is worth after the best of many noisy ones was picked (winner's curse)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alphalab_nb.judge.compare import quantile


@dataclass(frozen=True)
class Estimate:
    """A measured mean and its standard error, in units of the metric."""

    value: float
    se: float
    n: int = 1
    """Runs behind it."""


@dataclass(frozen=True)
class Shrunken:
    """An estimate drawn towards those of the other candidates, with its interval."""

    value: float
    se: float
    """Posterior standard deviation."""
    low: float
    high: float
    weight: float
    """Share of the own measurement, 0 to 1; the rest comes from the others."""

    def predicts(self, se: float, *, level: float = 0.9, df: float = math.inf) -> tuple[float, float]:
        """Return the interval in which a new, independent measurement with this standard error should lie.

        Args:
            df: degrees of freedom behind the standard errors.
        """
        reach = quantile((1 + level) / 2, df) * math.hypot(self.se, se)
        return self.value - reach, self.value + reach


def shrunken(estimates: Sequence[Estimate], *, level: float = 0.9) -> list[Shrunken]:
    """Return each candidate's empirical-Bayes mean with a credible interval, in the given order.

    Normal prior whose mean and variance come from all candidates (Efron and Morris 1975, J. American Statistical Association 70;
    the variance by the moments of DerSimonian and Laird 1986); the interval allows for their being estimated (Morris 1983, J. American
    Statistical Association 78).
    """
    values, variances = np.array([e.value for e in estimates]), np.array([e.se**2 for e in estimates])
    if not len(values):
        return []
    if not np.any(variances > 0):
        return [Shrunken(e.value, 0.0, e.value, e.value, 1.0) for e in estimates]
    spread = _prior_variance(values, variances)
    precisions = 1 / (variances + spread) if spread > 0 else 1 / np.maximum(variances, variances[variances > 0].min())
    centre = float(precisions @ values / precisions.sum())
    reach = quantile((1 + level) / 2, math.inf)
    return [_drawn(e, centre, spread, len(values), reach) for e in estimates]


def _drawn(estimate: Estimate, centre: float, spread: float, count: int, reach: float) -> Shrunken:
    total = estimate.se**2 + spread
    weight = spread / total if total > 0 else 1.0
    value = weight * estimate.value + (1 - weight) * centre
    known = estimate.se**2 * (1 - (1 - weight) * (count - 1) / count)
    guessed = 2 / max(1, count - 3) * ((1 - weight) * (estimate.value - centre)) ** 2
    se = math.sqrt(known + guessed)
    return Shrunken(value, se, value - reach * se, value + reach * se, weight)


def _prior_variance(values: np.ndarray, variances: np.ndarray) -> float:
    """Return the variance between the candidates beyond their noise; 0 if they differ by no more than it."""
    if len(values) < 2:
        return 0.0
    if np.any(variances == 0):
        return max(0.0, float(values.var(ddof=1) - variances.mean()))
    weights = 1 / variances
    centre = weights @ values / weights.sum()
    excess = weights @ (values - centre) ** 2 - (len(values) - 1)
    return max(0.0, float(excess / (weights.sum() - (weights @ weights) / weights.sum())))
