"""Compare two candidates on paired per-unit losses, with dependence between neighbouring units taken into account.

A unit's id is "t<origin>/<item>": overlapping forecast windows and the items of one origin are not independent, so whole
origins are resampled in blocks. The band comes from the units: equal seeds or a deterministic program never make it zero.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alphalab_nb.errors import BadInput

Units = Sequence[tuple[str, float]]
Array = NDArray[np.float64]

_ORIGIN = re.compile(r"t(-?\d+)(?:/|$)")


@dataclass(frozen=True)
class Interval:
    """Mean difference of losses a - b with its band; below zero means that a is better."""

    mean: float
    low: float
    high: float
    n: int
    """Paired units."""
    origins: int
    """Groups of units that were resampled together."""
    block: int
    """Origins per block, as used."""


@dataclass(frozen=True)
class DieboldMariano:
    """Test of equal expected loss; a negative statistic means that a is better."""

    statistic: float
    p_value: float
    mean: float
    n: int
    """Origins."""


def paired_interval(
    a_units: Units, b_units: Units, *, block: int, seed: int, level: float = 0.95, repeats: int = 2000
) -> Interval:
    """Return the mean difference a - b and its moving-block bootstrap interval.

    Args:
        block: neighbouring origins that depend on each other, at least horizon / stride.

    With few blocks the percentiles are widened as Student's t is beside the normal; with a single origin the band is infinite.

    Raises:
        BadInput: the units are not the same on both sides.
    """
    sums, counts = by_origin(a_units, b_units)
    mean, origins = float(sums.sum() / counts.sum()), len(sums)
    used = max(1, min(block, origins // 2))
    if origins < 2:
        return Interval(mean, -math.inf, math.inf, int(counts.sum()), origins, used)
    drawn = resampled_means(sums, counts, used, repeats, np.random.default_rng(seed))
    tail = (1 - level) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    widen = small_sample_factor(origins / used, level)
    return Interval(
        mean, mean - widen * max(0.0, mean - float(low)), mean + widen * max(0.0, float(high) - mean), int(counts.sum()), origins, used
    )


def diebold_mariano(a_units: Units, b_units: Units, *, block: int) -> DieboldMariano:
    """Return the Diebold-Mariano test with Newey-West variance over origins and the small-sample factor of Harvey et al.

    Args:
        block: lags of dependence between origins, as in `paired_interval`.

    Raises:
        BadInput: the units are not the same on both sides.
    """
    from scipy.stats import t as student

    sums, counts = by_origin(a_units, b_units)
    differences = sums / counts
    n, mean = len(differences), float(differences.mean())
    lags = min(max(1, block), n) - 1
    variance = _newey_west(differences - mean, lags) / n
    if n < 2 or variance <= 0:
        return DieboldMariano(0.0 if mean == 0 else math.copysign(math.inf, mean), 1.0 if mean == 0 or n < 2 else 0.0, mean, n)
    horizon = lags + 1
    correction = math.sqrt(max(0.0, n + 1 - 2 * horizon + horizon * (horizon - 1) / n) / n)
    statistic = correction * mean / math.sqrt(variance)
    return DieboldMariano(statistic, float(2 * student.sf(abs(statistic), df=n - 1)), mean, n)


# -- parts ---------------------------------------------------------------------------------------------------


def by_origin(a_units: Units, b_units: Units) -> tuple[Array, Array]:
    """Return the sum of differences and the number of units of each origin, in the order of time."""
    a, b = _as_dict(a_units), _as_dict(b_units)
    if not a or not b:
        raise BadInput("there are no per-unit losses to compare; score both again with a harness that returns units")
    if a.keys() != b.keys():
        lonely = sorted(a.keys() ^ b.keys())
        raise BadInput(
            f"the two scores are not paired: {len(lonely)} of their units exist on one side only, for example "
            f"{', '.join(lonely[:3])}; compare scores of the same partition, fidelity and harness version"
        )
    totals: dict[int, list[float]] = {}
    for position, unit in enumerate(sorted(a)):  # sorted: the order in which a harness lists units must not change the last digit
        found = _ORIGIN.match(unit)
        entry = totals.setdefault(int(found[1]) if found else position, [0.0, 0.0])
        entry[0] += a[unit] - b[unit]
        entry[1] += 1
    rows = np.array([totals[key] for key in sorted(totals)])
    return rows[:, 0], rows[:, 1]


def _as_dict(units: Units) -> dict[str, float]:
    found = dict(units)
    if len(found) != len(units):
        raise BadInput("a unit occurs twice in one score, so the losses cannot be paired; check the ids that the harness writes")
    return found


def resampled_means(sums: Array, counts: Array, block: int, repeats: int, rng: np.random.Generator) -> Array:
    """Return the mean of each resample; one resample at a time, because large panels have thousands of origins."""
    origins = len(sums)
    blocks = -(-origins // block)
    offsets = np.arange(block)
    drawn = np.empty(repeats)
    for i in range(repeats):
        starts = rng.integers(0, origins - block + 1, size=blocks)
        chosen = (starts[:, None] + offsets).ravel()[:origins]
        drawn[i] = sums[chosen].sum() / counts[chosen].sum()
    return drawn


def small_sample_factor(blocks: float, level: float) -> float:
    """Return how much wider the band must be because it rests on few blocks: t over normal quantile, and n over n - 1."""
    from scipy.stats import norm
    from scipy.stats import t as student

    freedom = max(1.0, blocks - 1)
    quantile = (1 + level) / 2
    return float(student.ppf(quantile, freedom) / norm.ppf(quantile)) * math.sqrt(blocks / freedom)


def _newey_west(centred: Array, lags: int) -> float:
    """Return the long-run variance with Bartlett weights, which is never negative."""
    n = len(centred)
    variance = float(centred @ centred) / n
    for lag in range(1, lags + 1):
        weight = 1 - lag / (lags + 1)
        variance += 2 * weight * float(centred[lag:] @ centred[:-lag]) / n
    return variance
