"""How a metric follows from the mean loss of its units, read off a score: what turns losses into the unit that people know."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from alphalab_nb.storage.experiment import Score

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


def pooled(scores: Sequence[Score]) -> float:
    """Return the value over the scores of several problems; see `pooled_like`."""
    return pooled_like(scores[0], [score.value for score in scores])


def pooled_like(score: Score, values: Sequence[float | None]) -> float:
    """Return the value over several problems, in the metric of a score: the geometric mean of ratios, else the mean; None counts as absent.

    A mean of ratios would be that of the largest (Fleming and Wallace 1986, Communications of the ACM 29).
    """
    known = [value for value in values if value is not None]
    losses = [loss for _, loss in score.units]
    if score.value is not None and losses and len(known) > 1 and pooling_of(score.value, statistics.fmean(losses)) is geometric:
        return statistics.geometric_mean(known)
    return statistics.fmean(known)


def _close(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-12)
