"""How good predicted effects were: sign, coverage of the interval, and the CRPS, which rewards being both right and sure of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, correlation

LEVEL = 0.8
"""Share of the gains that an interval should hold."""


@dataclass(frozen=True)
class Foretold:
    """A predicted gain and what has come of it, in units of the metric, positive is better."""

    expected: float
    low: float
    high: float
    realised: float


@dataclass(frozen=True)
class Calibration:
    """What a number of predictions was worth."""

    n: int
    sign_right: float
    """Share that named the right sign; a predicted or realised gain of exactly 0 has none and is wrong unless both are."""
    inside: float
    """Share inside of the interval, which should be LEVEL."""
    crps: float
    """Mean, in units of the metric; smaller is better."""
    crps_of_none: float
    """The same of a prediction that always says no change: what does not beat it tells nothing."""
    correlation: float | None
    """Of predicted and realised gains; None for fewer than three, or where one of them never varies."""


def crps(one: Foretold) -> float:
    """Return the continuous ranked probability score of a normal distribution (Gneiting and Raftery 2007, section 4.2).

    Its mean is the expected gain, and its interval as wide as the predicted one; without any width it is the absolute error.
    """
    normal = NormalDist()
    sd, error = (one.high - one.low) / (2 * normal.inv_cdf((1 + LEVEL) / 2)), one.realised - one.expected
    if sd <= 0:
        return abs(error)
    z = error / sd
    return sd * (z * (2 * normal.cdf(z) - 1) + 2 * normal.pdf(z) - 1 / math.sqrt(math.pi))


def calibration(foretold: Sequence[Foretold]) -> Calibration:
    """Return what predictions were worth; at least one is needed."""
    n, expected, realised = len(foretold), [one.expected for one in foretold], [one.realised for one in foretold]
    return Calibration(
        n=n,
        sign_right=sum(_sign(one.expected) == _sign(one.realised) for one in foretold) / n,
        inside=sum(one.low <= one.realised <= one.high for one in foretold) / n,
        crps=sum(map(crps, foretold)) / n,
        crps_of_none=sum(map(abs, realised)) / n,
        correlation=_correlation(expected, realised),
    )


def _sign(gain: float) -> int:
    return (gain > 0) - (gain < 0)


def _correlation(predicted: list[float], realised: list[float]) -> float | None:
    varied = len(predicted) > 2 and len(set(predicted)) > 1 and len(set(realised)) > 1
    return correlation(predicted, realised) if varied else None
