"""How far a rebuilt score may be from those on record."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from alphalab_nb.judge.certificate import error_of, in_metric, noise_of
from alphalab_nb.parts import Parts
from alphalab_nb.storage.experiment import Score
from alphalab_nb.verify.claim import Claim, score_of

REBUILT = 1e-6
"""Relative difference up to which two fits of a deterministic program are one: threads add in another order, optimizers amplify it."""
LEVEL = 0.99
"""Of the interval for one more run of a stochastic program: one honest result in a hundred falls outside."""


@dataclass(frozen=True)
class Band:
    """Where a rebuilt score may lie, in the unit of the metric."""

    low: float
    high: float
    basis: str
    """For people: where the band comes from."""

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


def band_of(parts: Parts, claim: Claim) -> Band:
    """Return the band: float tolerance round the run that is repeated; for stochastic programs at least that of their recorded runs, for
    what is timed that of the noise between two measurements."""
    value = claim.values[-1]
    slack = REBUILT * abs(value)
    exact = Band(value - slack, value + slack, f"the same seed, so within {REBUILT:g} relative")
    if not parts.adapter.manifest.repeatable:
        return measured_band(parts, claim) or exact
    if not _stochastic(parts, claim) or len(claim.runs) < 2:
        return exact
    low, high = prediction_interval(claim.values)
    basis = f"stochastic: {LEVEL:.0%} prediction interval of its {len(claim.runs)} recorded runs, {low:.6g} to {high:.6g}"
    return Band(min(low, exact.low), max(high, exact.high), basis)


def measured_band(parts: Parts, claim: Claim) -> Band | None:
    """Return where one more measurement of the program lies; None where nothing tells.

    The wider counts of the certified noise between two measurements and of what the harness says of its own. The first is that of the
    references, which mostly repeat better than two different programs do, and of all problems together; a restless kernel states more.
    """
    score = score_of(claim.runs[-1])
    known = [ends for ends in (_certified_ends(parts, score), _stated_ends(score)) if ends is not None]
    if not known:
        return None
    low, high = min(ends[0] for ends in known), max(ends[1] for ends in known)
    return Band(low, high, f"measured anew: {LEVEL:.0%} of what two measurements of one program differ by, {low:.6g} to {high:.6g}")


def _certified_ends(parts: Parts, score: Score) -> tuple[float, float] | None:
    record = parts.board.fact("certificate")
    if not record or score.value is None or not score.units:
        return None
    half, mean = noise_of(record).band((1 + LEVEL) / 2), statistics.fmean(loss for _, loss in score.units)
    better, worse = (in_metric(score.value, mean, gain) for gain in (half, -half))
    if better is None or worse is None:
        return None
    sign = 1 if parts.metric.direction == "maximize" else -1
    low, high = sorted((score.value + sign * better, score.value + sign * worse))
    return low, high


def _stated_ends(score: Score) -> tuple[float, float] | None:
    """Return the ends by the 95 % interval that a harness gives of its own measurement, as `secondary.interval`."""
    low, high = score.secondary.get("interval") or (None, None)
    if low is None or high is None or score.value is None:
        return None
    half = math.sqrt(2) * error_of(low, high) * statistics.NormalDist().inv_cdf((1 + LEVEL) / 2)
    return score.value - half, score.value + half


def prediction_interval(values: Sequence[float], level: float = LEVEL) -> tuple[float, float]:
    """Return where one more normal draw lies with this probability: mean ± t(n - 1) · s · sqrt(1 + 1/n).

    Source: https://www.itl.nist.gov/div898/handbook/pmd/section5/pmd512.htm, with a constant as the model.
    """
    from scipy.stats import t

    n = len(values)
    half = float(t.ppf((1 + level) / 2, n - 1)) * statistics.stdev(values) * math.sqrt(1 + 1 / n)
    return statistics.fmean(values) - half, statistics.fmean(values) + half


def _stochastic(parts: Parts, claim: Claim) -> bool:
    """Whether the seed changes the result, by the recipe, or by the domain where there is no recipe."""
    recipes = {recipe.family: recipe.spec.stochastic for recipe in parts.recipes}
    return recipes.get(claim.experiment.family, parts.adapter.manifest.stochastic)


def _root_mean(losses: Sequence[float]) -> float:
    return math.sqrt(statistics.fmean(losses))


def _geometric(losses: Sequence[float]) -> float:
    return math.exp(-statistics.fmean(losses))


_POOLING: dict[str, Callable[[Sequence[float]], float]] = {
    "mse": statistics.fmean, "mae": statistics.fmean, "rmse": _root_mean, "speedup": _geometric,
}
"""How a metric follows from the losses of its units; a harness with another metric pools in its own way."""


def pooled(score: Score) -> float | None:
    """Return the value that a score's units give; None where the metric's pooling is not known or there are no units."""
    pool = _POOLING.get(score.metric)
    return pool([value for _, value in score.units]) if pool and score.units else None
