"""How a metric follows from the mean loss of its units, read off a score: what turns losses into the unit that people know."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Pooling = Callable[[Array], Array]
"""From mean losses to values of the metric."""


def itself(means: Array) -> Array:
    return means


def negative(means: Array) -> Array:
    return -means


def geometric(means: Array) -> Array:
    """Geometric mean of ratios whose negative logarithms are the losses (speedups)."""
    return np.exp(-means)


def root(means: Array) -> Array:
    return np.sqrt(np.maximum(means, 0.0))


def pooling_of(value: float, mean_loss: float) -> Pooling | None:
    """Return how a value follows from the mean loss of its units: it is the mean itself, its negative, exp(-mean) (a geometric mean of
    speedups), or its root (RMSE).

    Of any other metric (a Sharpe ratio) nothing is known: None.
    """
    if _close(value, mean_loss):
        return itself
    if _close(value, -mean_loss):
        return negative
    if value > 0 and _close(math.log(value), -mean_loss):
        return geometric
    return root if value >= 0 and _close(value**2, mean_loss) else None


def _close(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-12)
