"""Shrunken means for the leaderboard: what a score is worth after the best of many noisy ones was picked (winner's curse)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


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
    low: float
    high: float
    weight: float
    """Share of the own measurement, 0 to 1; the rest comes from the others."""


def shrunken(estimates: Sequence[Estimate], *, level: float = 0.9) -> list[Shrunken]:
    """Return each candidate's empirical-Bayes mean with a credible interval, in the given order (Efron and Morris 1975)."""
    raise NotImplementedError
