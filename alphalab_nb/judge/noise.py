"""How far two scores lie apart by noise alone: from repeats with other seeds, and from the paired units of different programs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from alphalab_nb.judge.pooling import geometric, pooling_of, root
from alphalab_nb.judge.stats import paired_interval
from alphalab_nb.storage.experiment import Score

_REPEATS = 400
"""Resamples; the band is read to two digits."""


@dataclass(frozen=True)
class Band:
    """Relative differences of two scores inside of it say nothing."""

    relative: float
    """Half width of the 95 % interval of a difference, as a fraction of the score."""
    how: str
    """`replicates`, `units`, or both."""


def noise_band(replicates: Sequence[Sequence[float]], pairs: Sequence[tuple[Score, Score]], *, block: int, seed: int) -> Band | None:
    """Return the band; None if nothing tells it. Equal repeats never make it zero, for the units have a say as well.

    Args:
        replicates: scores of the same program with different seeds, a sequence each.
        pairs: scores of different programs on the same units.
    """
    found = {"replicates": _of_replicates(replicates), "units": _of_units(pairs, block, seed)}
    known = {how: width for how, width in found.items() if width}
    return Band(max(known.values()), " and ".join(known)) if known else None


def _of_replicates(replicates: Sequence[Sequence[float]]) -> float | None:
    """Return the pooled standard deviation of a score, as the 95 % half width of a difference of two."""
    from scipy.stats import t as student

    groups = [(values, sum(values) / len(values)) for values in replicates if len(values) > 1]
    groups = [(values, mean) for values, mean in groups if mean]
    freedom = sum(len(values) - 1 for values, _ in groups)
    if not freedom:
        return None
    variance = sum((value / mean - 1) ** 2 for values, mean in groups for value in values) / freedom
    return float(student.ppf(0.975, freedom)) * math.sqrt(2 * variance)


def _of_units(pairs: Sequence[tuple[Score, Score]], block: int, seed: int) -> float | None:
    """Return the median relative half width of the paired intervals."""
    widths = sorted(width for a, b in pairs if (width := _half_width(a, b, block, seed)))
    return widths[len(widths) // 2] if widths else None


def _half_width(a: Score, b: Score, block: int, seed: int) -> float | None:
    """Return the relative half width of a pair's interval; None where it has none, or the two are the same."""
    if not a.units or dict(a.units).keys() != dict(b.units).keys():
        return None
    interval = paired_interval(a.units, b.units, block=block, seed=seed, repeats=_REPEATS)
    mean = sum(loss for _, loss in b.units) / len(b.units)
    if not math.isfinite(interval.low) or not mean:
        return None
    half, pooled = (interval.high - interval.low) / 2, pooling_of(b.value, mean) if b.value is not None else None
    if pooled is geometric:
        return half  # of logarithms, so it is relative as it is
    # a root of mean squares moves by half of what the squares move, relatively
    return (0.5 if pooled is root else 1.0) * half / abs(mean)
