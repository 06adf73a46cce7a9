"""What the sequential rule of the Judge goes by: settings of a campaign and the noise that its certificate measured."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Noise:
    """Standard error of the paired difference of two programs, in units of loss, by its two sources."""

    seed_sd: float
    """Of one pair of runs of equal seed, over seeds; 0 for deterministic programs. It shrinks with more seeds."""
    unit_sd: float = 0.0
    """Of the sampling of the units that all seeds share (forecast origins); more seeds do not shrink it."""
    df: float = math.inf
    """Degrees of freedom behind seed_sd; infinite if it is known."""
    unit_df: float = math.inf
    """Degrees of freedom behind unit_sd: few independent units are a small sample, however many windows overlap there."""

    @property
    def known(self) -> bool:
        """Whether anything can be judged by it: where the harness gives no paired units, nothing tells their spread."""
        return math.isfinite(self.unit_sd)

    def se(self, runs: int) -> float:
        """Return the standard error of the mean difference over so many pairs of runs."""
        return math.sqrt(self.seed_sd**2 / max(1, runs) + self.unit_sd**2)

    def band(self, level: float = 0.95) -> float:
        """Return the gain that one pair of runs must surpass to be significant on its own, one-sided."""
        from scipy.special import stdtrit  # here, for it takes longer to load than a verb of the command line to answer

        return float(stdtrit(self.freedom(1), level)) * self.se(1)

    def freedom(self, runs: int) -> float:
        """Return the degrees of freedom behind that standard error."""
        return summed(self.seed_sd**2 / max(1, runs), self.df, self.unit_sd**2, self.unit_df)[1]


def summed(first: float, first_df: float, second: float, second_df: float) -> tuple[float, float]:
    """Return the root of the sum of two variances and its degrees of freedom (Welch 1947, Biometrika 34)."""
    total = first + second
    parts = sum(variance**2 / df for variance, df in ((first, first_df), (second, second_df)) if variance > 0)
    return math.sqrt(total), max(1.0, total**2 / parts) if parts > 0 else math.inf


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How a campaign decides what it keeps."""

    alpha: float = 0.04
    """Probability that the whole campaign keeps anything that is not better."""
    spending: float = 0.1
    """Share of what is left of alpha that the next confirm test spends, so that any number of tests spends less than alpha."""
    replicates: int = 4
    """Most confirm runs of one candidate; a deterministic program has one."""
    stochastic: bool = True
    """Whether another seed gives another score."""
    block: int = 1
    """Neighbouring units that depend on each other: at least horizon / stride for forecast origins."""
    screening_power: float = 0.97
    """Share of the candidates with twice the gain that the confirm test can show that screening lets pass."""
    too_good: float = 8.0
    """Robust standard deviations ahead of the earlier scores beyond which a score is quarantined until it reproduces."""
    floor: float | None = None
    """Value that nothing honest surpasses, in units of the metric; None if nobody declared one."""
    noise: Noise | None = None
    """What the certificate measured on search; None: each comparison has its own runs and units only."""
    confirm_noise: Noise | None = None
    """The same on confirm; None: as on search."""
    search: str = "search"
    confirm: str = "confirm"
    """Name of the partition whose tests spend alpha."""

    @property
    def noise_of_confirm(self) -> Noise | None:
        return self.confirm_noise or self.noise

    @property
    def most_runs(self) -> int:
        """Most confirm runs of one candidate: a deterministic program gains nothing by a second one."""
        return self.replicates if self.stochastic else 1
