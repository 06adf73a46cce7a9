"""The paired comparison behind the sequential rule: gain of one program over another, its standard error and degrees of freedom.

Noise is the variance over seeds (if the program is stochastic) plus the sampling variance over the units that all seeds share. Units
whose ids differ from seed to seed belong to their seed, so the variance over seeds holds theirs already.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alphalab_nb.judge.rules import Noise, summed
from alphalab_nb.judge.stats import by_origin
from alphalab_nb.metric import Metric
from alphalab_nb.storage.experiment import Run

Array = NDArray[np.float64]
Units = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Comparison:
    """Mean loss of the incumbent minus that of the candidate: positive means that the candidate is better."""

    gain: float
    se: float
    """Standard error of the gain; infinite if there is nothing to estimate it from."""
    df: float
    runs: int
    """Pairs of runs behind it."""

    @property
    def p_value(self) -> float:
        """One-sided: how probable so large a gain is if the candidate is not better."""
        if self.se == 0:
            return 0.0 if self.gain > 0 else 1.0
        return exceeded(self.gain / self.se, self.df)

    def interval(self, level: float = 0.9) -> tuple[float, float]:
        reach = quantile((1 + level) / 2, self.df) * self.se if self.se > 0 else 0.0
        return self.gain - reach, self.gain + reach


def quantile(probability: float, df: float) -> float:
    """Return the quantile of Student's t; the normal one for infinite df."""
    from scipy.special import stdtrit

    return float(stdtrit(df, probability))


def exceeded(statistic: float, df: float) -> float:
    """Return the probability that Student's t is larger."""
    from scipy.special import stdtr

    return float(stdtr(df, -statistic))


def compared(
    runs: Sequence[Run], others: Sequence[Run], *, metric: Metric, stochastic: bool, block: int, noise: Noise | None
) -> Comparison | None:
    """Compare the scored runs of two programs on one partition, seed by seed and unit by unit; None if they share no seed.

    Raises:
        BadInput: the units of two runs of one seed are not the same.
    """
    pairs = _pairs(runs, others, metric) if stochastic else _pairs(runs[:1], others[:1], metric, any_seed=True)
    if not pairs:
        return None
    differences = [sums / counts for sums, counts in (by_origin(theirs, mine) for mine, theirs in pairs)]
    means = np.array([each.mean() for each in differences])
    if not stochastic:
        if noise is not None and noise.seed_sd == noise.unit_sd == 0:
            return Comparison(float(means[0]), 0.0, math.inf, 1)  # declared exact: a function without noise
        return Comparison(float(means[0]), *over_units(differences[0], block), 1)
    shared = len(pairs) > 1 and len(pairs[0][0]) > 1 and all(_ids(mine) == _ids(pairs[0][0]) for mine, _ in pairs)
    return Comparison(float(means.mean()), *_over_seeds(means, differences, block, noise, shared=shared), len(pairs))


def seed_noise(values: Sequence[Sequence[float]]) -> Noise:
    """Return the noise of the paired difference of two programs, from programs (rows) that all ran with the same seeds (columns).

    What remains after the means of programs and of seeds are removed is the noise that pairing does not cancel.
    """
    table = np.array(values)
    rest = table - table.mean(axis=0) - table.mean(axis=1, keepdims=True) + table.mean()
    df = (table.shape[0] - 1) * (table.shape[1] - 1)
    return Noise(seed_sd=math.sqrt(2 * float((rest**2).sum()) / df), df=df)


def over_units(differences: Array, block: int) -> tuple[float, float]:
    """Return standard error and degrees of freedom of the mean of dependent differences in the order of time.

    Equal-weighted cosine estimator (Lazarus, Lewis, Stock and Watson 2018, J. Business & Economic Statistics 36): its t distribution
    is right in small samples, where Newey-West with normal quantiles rejects too often. The frequencies used are so low
    (below a sixth of 1 / block) that the spectrum of overlapping windows is flat there.
    """
    n = len(differences)
    if n < 2:
        return math.inf, 1.0
    used = min(n - 1, max(2, n // (3 * max(1, block))))
    times = (np.arange(n) + 0.5) / n
    cosines = math.sqrt(2 / n) * np.cos(np.pi * np.outer(np.arange(1, used + 1), times)) @ differences
    return math.sqrt(float(cosines @ cosines) / used / n), float(used)


# -- parts ---------------------------------------------------------------------------------------------------


def _over_seeds(means: Array, differences: list[Array], block: int, noise: Noise | None, *, shared: bool) -> tuple[float, float]:
    """Return standard error and degrees of freedom of the mean over seeds, plus that over units if the seeds share them."""
    variance, df = _moderated(means, noise)
    if shared or (noise is not None and noise.unit_sd > 0):
        unit_se, unit_df = over_units(np.mean(differences, axis=0), block)
        return summed(variance / len(means), df, unit_se**2, unit_df)
    if noise is None:  # without a certificate, programs that ignore the seed would have no band
        unit_se, unit_df = over_units(np.concatenate(differences), block)
        if df < 1 or unit_se**2 > variance / len(means):
            return unit_se, unit_df
    return math.sqrt(variance / len(means)), df


def _moderated(means: Array, noise: Noise | None) -> tuple[float, float]:
    """Return the variance over seeds, drawn towards the certified one by their degrees of freedom (Smyth 2004, section 3)."""
    own = len(means) - 1
    variance = float(means.var(ddof=1)) if own > 0 else 0.0
    if noise is None:
        return variance, own
    if math.isinf(noise.df):
        return noise.seed_sd**2, math.inf
    return (noise.df * noise.seed_sd**2 + own * variance) / (noise.df + own), noise.df + own


def _pairs(runs: Sequence[Run], others: Sequence[Run], metric: Metric, *, any_seed: bool = False) -> list[tuple[Units, Units]]:
    """Return the units of both sides for each common seed, in the order of seeds; of equal runs the first counts."""
    mine, theirs = ({0 if any_seed else run.seed: run for run in reversed(side)} for side in (runs, others))
    return [(units(mine[seed], metric), units(theirs[seed], metric)) for seed in sorted(mine.keys() & theirs.keys())]


def units(run: Run, metric: Metric) -> Units:
    """Return the losses of a run's units; its value as the only unit if the harness writes none."""
    assert run.score is not None
    assert run.score.value is not None
    return run.score.units or (("value", metric.loss(run.score.value)),)


def _ids(found: Units) -> frozenset[str]:
    return frozenset(id for id, _ in found)
