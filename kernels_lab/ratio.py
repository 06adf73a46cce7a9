"""How many times faster, with an interval: ratios of low percentiles of times measured in alternation."""

from __future__ import annotations

import math
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

LOW = 0.1
"""The percentile that stands for a sample of times: what disturbs a measurement only ever makes it longer."""
SYSTEMATIC = 0.06
"""Half-width, as a logarithm, of what two processes that run the same code differ by (places in memory, neighbours), which resampling
cannot see. From the reference against itself, in pairs of processes: most problems differ by 0.02 (standard deviation), those that live
off memory for a millisecond (a norm over channels, a loss of three inputs) by 0.05 to 0.06."""
_RESAMPLES = 500
_LEAST = 1e-6
"""Stands for a time that is lost in the cost of a message, and so not positive."""


class Ratio(NamedTuple):
    """A speedup: time of the baseline / time of the candidate; above 1 is faster. The interval covers 95 %."""

    value: float
    low: float
    high: float

    def times(self, other: Ratio) -> Ratio:
        """Return the product of two independent ratios."""
        value, width = self.value * other.value, math.hypot(self.width(), other.width())
        return Ratio(value, value * math.exp(-width), value * math.exp(width))

    def pooled(self, other: Ratio) -> Ratio:
        """Return the mean of two measurements of the same ratio; what they differ by widens its interval."""
        one, two = math.log(self.value), math.log(other.value)
        middle, width = (one + two) / 2, math.hypot(self.width(), other.width(), one - two) / 2
        return Ratio(math.exp(middle), math.exp(middle - width), math.exp(middle + width))

    def inverse(self) -> Ratio:
        """Return how many times slower."""
        return Ratio(1 / self.value, 1 / self.high, 1 / self.low)

    def touches(self, low: float, high: float) -> bool:
        """Whether the interval shares a value with another."""
        return self.low <= high and self.high >= low

    def width(self) -> float:
        """Return half of the interval's width, as a logarithm."""
        return math.log(self.high / self.low) / 2

    def rounded(self) -> Self:
        """Return the ratio with as many digits as it is worth."""
        return type(self)(*(float(f"{part:.4g}") for part in self))


ONE = Ratio(1.0, 1.0, 1.0)


def low(times: NDArray[np.float64]) -> float:
    """Return the low percentile of a sample."""
    return float(np.quantile(times, LOW))


def compared(baseline: NDArray[np.float64], candidate: NDArray[np.float64], *, seed: int = 0, block: int = 1) -> Ratio:
    """Return the ratio of low percentiles; rounds are resampled in pairs, because what disturbs one of a pair often disturbs the other.

    Args:
        block: so many rounds in a row have their places in memory in common, and are resampled together.
    """
    starts = np.random.default_rng(seed).integers(0, -(-len(baseline) // block), (_RESAMPLES, -(-len(baseline) // block))) * block
    draw = np.minimum((starts[:, :, None] + np.arange(block)).reshape(_RESAMPLES, -1), len(baseline) - 1)
    lows = [np.maximum(np.quantile(times[draw], LOW, axis=1), _LEAST) for times in (baseline, candidate)]
    again = np.log(lows[0] / lows[1])
    middle = math.log(low(baseline) / low(candidate))
    below, above = (float(part) for part in np.quantile(again, (0.025, 0.975)))
    down, up = math.hypot(middle - min(below, middle), SYSTEMATIC), math.hypot(max(above, middle) - middle, SYSTEMATIC)
    return Ratio(math.exp(middle), math.exp(middle - down), math.exp(middle + up))
