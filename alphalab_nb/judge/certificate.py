"""The baseline certificate: what repeats of the baselines through the frozen harness say about noise, before anything is judged by it.

A campaign whose noise is unknown cannot tell a gain from luck, and one whose own baseline misses a gate disqualifies good work.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from alphalab_nb.judge.compare import over_units, seed_noise
from alphalab_nb.judge.pooling import pooling_of
from alphalab_nb.judge.rules import Noise
from alphalab_nb.judge.stats import Units, by_origin, paired_interval
from alphalab_nb.metric import Metric

REPEATS = 5
"""Of the baselines on search; see `repeats_enough`."""
_LEAST, _FREEDOM = 3, 20


def repeats_enough(baselines: int) -> int:
    """Return how many repeats tell the noise where each baseline is of a contest of its own: three if they are many, for every one of them
    tells of it, and five if not. 20 degrees of freedom know a standard deviation to 16 %."""
    return min(REPEATS, max(_LEAST, 1 + math.ceil(_FREEDOM / max(1, baselines - 1))))


@dataclass(frozen=True)
class BaselineScores:
    """What one run of the harness measured of every baseline on one partition."""

    values: Mapping[str, float | None]
    units: Mapping[str, Units]
    gates: Mapping[str, Sequence[Mapping[str, Any]]]
    """By baseline; rows {name, value, limit, slack} as in score.json."""
    wall_s: float = 0.0
    stated: Mapping[str, tuple[float, float]] = field(default_factory=dict[str, tuple[float, float]])
    """By baseline, the 95 % interval that the harness gives of its own measurement, in the metric; see `certify`."""


@dataclass(frozen=True)
class Certificate:
    """The strongest baseline with the noise around it."""

    baseline: str
    value: float
    """Its mean over the repeats, in the unit of the metric."""
    low: float
    """Ends of the 95 % interval of that value over other units of the same kind."""
    high: float
    repeats: int
    deterministic: bool
    """Whether all repeats gave the same numbers, to the last bit."""
    noise: Noise
    """Of a paired comparison on the partition of the repeats, in units of loss."""
    confirm_noise: Noise | None
    """The same on the confirm partition, which may be smaller; None if it was not measured there."""
    gates: tuple[Mapping[str, Any], ...]
    """The smallest slack of each gate over baselines and repeats."""
    faults: tuple[str, ...]
    """Why nothing may be judged by this harness; empty if it is certified."""

    def record(self) -> dict[str, Any]:
        """Return it as JSON; see `noise_of`. An infinity becomes null."""
        return {
            **asdict(self), "low": _finite(self.low), "high": _finite(self.high), "noise": _noise_record(self.noise),
            "confirm_noise": _noise_record(self.confirm_noise) if self.confirm_noise else None,
        }


def noise_of(record: Mapping[str, Any]) -> Noise:
    """Return the noise on search in the record of a certificate."""
    return _noise_from(record["noise"])


def confirm_noise_of(record: Mapping[str, Any]) -> Noise | None:
    """Return the noise on confirm in the record of a certificate; None if there is none."""
    return _noise_from(record["confirm_noise"]) if record.get("confirm_noise") else None


def certify(
    repeats: Sequence[BaselineScores], required: Sequence[str], *, metric: Metric, stochastic: bool, block: int, seed: int,
    confirm: Sequence[BaselineScores] = (), measured: bool = False,
) -> Certificate:
    """Return the certificate of a harness.

    Args:
        repeats: independent runs of all baselines on the same partition; with `stochastic`, each with a seed of its own.
        block: neighbouring units that depend on each other, see `paired_interval`.
        confirm: runs of all baselines on the confirm partition, if stochastic each with a seed of its own.
        measured: what is scored is a measurement, as a time is: its noise is at least what the harness says of it, for two programs may
            differ by more than one program from itself.
    """
    first = repeats[0]
    same = all(_numbers(other) == _numbers(first) for other in repeats[1:])
    faults = [*_missing(repeats, required), *_gate_faults(repeats), *([] if same or stochastic else [_restless(repeats)])]
    known = {name: _mean(repeats, name) for name, value in first.values.items() if value is not None and first.units.get(name)}
    if not known:
        faults.append("the harness gives no per-unit losses of its baselines, so nothing can be compared in pairs; add `units` by baseline")
        return Certificate("", math.nan, -math.inf, math.inf, len(repeats), same, Noise(math.inf), None, _slack(repeats),
                           tuple(faults))
    best, *others = metric.ranked(known, lambda name: known[name])
    low, high = _band(known[best], first.values[best] or 0.0, first.units[best], metric, block, seed)
    noise = _noise(repeats, best, others, block)
    beside = _noise(confirm, best, others, block) if confirm and all(each.units.get(best) for each in confirm) else None
    if measured:
        noise, beside = _at_least_stated(noise, repeats), _at_least_stated(beside, confirm) if beside else None
    return Certificate(best, known[best], low, high, len(repeats), same, noise, beside, _slack(repeats), tuple(faults))


def in_metric(value: float, mean_loss: float, gain: float) -> float | None:
    """Return a gain in mean loss as a gain in the metric: how much better the value would be, positive if it is.

    None for a metric that is not known to follow from the mean loss, see `pooling_of`.
    """
    pooled = pooling_of(value, mean_loss)
    if pooled is None or not math.isfinite(gain):
        return None
    return math.copysign(abs(value - float(pooled(np.array(mean_loss - gain)))), gain)


def error_of(low: float, high: float) -> float:
    """Return the standard error that a 95 % interval stands for."""
    return (high - low) / 2 / statistics.NormalDist().inv_cdf(0.975)


# -- parts ---------------------------------------------------------------------------------------------------


def _band(centre: float, value: float, units: Units, metric: Metric, block: int, seed: int) -> tuple[float, float]:
    """Return the interval of a value by the sampling of its units, in the unit of the metric; infinite if it cannot be said in that.

    `value` is that of the very run the units are of; `centre`, the mean over repeats, is what the interval is put around.
    """
    loss = paired_interval(units, [(id, 0.0) for id, _ in units], block=block, seed=seed)
    gains = [in_metric(value, loss.mean, loss.mean - end) for end in (loss.low, loss.high)]
    ends = [centre - gain if metric.direction == "minimize" else centre + gain for gain in gains if gain is not None]
    return (min(ends), max(ends)) if len(ends) == 2 else (-math.inf, math.inf)


def _noise(runs: Sequence[BaselineScores], best: str, others: Sequence[str], block: int) -> Noise:
    """Return the noise of a pair of programs as alike as the strongest baseline and the one most like it.

    Candidates resemble the incumbent more than baselines resemble each other, so this errs on the side of too much noise. Units
    that no two seeds share have none of their own: their spread is in that over seeds.
    """
    others = [other for other in others if all(each.units.get(other) for each in runs)]
    seed_sd, df = _seed_sd(runs, best, others)
    if seed_sd > 0 and {id for id, _ in runs[0].units[best]}.isdisjoint(id for id, _ in runs[1].units[best]):
        return Noise(seed_sd, df=df)
    unit_sd, unit_df = min((_over_units(runs[0], best, other, block) for other in others), default=(math.inf, math.inf))
    return Noise(seed_sd, unit_sd, df, unit_df)


def _at_least_stated(noise: Noise, runs: Sequence[BaselineScores]) -> Noise:
    """Return the noise with at least the spread over seeds that follows from the intervals that the harness states."""
    errors = [error for run in runs for name in run.stated if (error := _stated_error(run, name)) is not None]
    if not errors:
        return noise
    return replace(noise, seed_sd=max(noise.seed_sd, math.sqrt(2 * statistics.fmean(error**2 for error in errors))))


def _stated_error(run: BaselineScores, name: str) -> float | None:
    """Return the standard error of a mean loss that follows from the interval of its value."""
    value, units = run.values.get(name), run.units.get(name)
    if value is None or not units:
        return None
    step = 1e-6
    gained = in_metric(value, statistics.fmean(loss for _, loss in units), step)
    return error_of(*run.stated[name]) * step / gained if gained else None


def _over_units(scores: BaselineScores, one: str, other: str, block: int) -> tuple[float, float]:
    sums, counts = by_origin(scores.units[one], scores.units[other])
    return over_units(sums / counts, block)


def _seed_sd(repeats: Sequence[BaselineScores], best: str, others: Sequence[str]) -> tuple[float, float]:
    """Return the spread over seeds of a difference of two programs' mean losses, and its degrees of freedom; 0 if seeds move none.

    Pooled over all baselines that seeds move, for the smallest of several spreads would be too small. Of a single one, what it
    shares with others is not known, and counts as its own.
    """
    losses = [[statistics.fmean(loss for _, loss in each.units[name]) for each in repeats] for name in (best, *others)]
    moved = [row for row in losses if len(row) > 1 and statistics.stdev(row) > 0]
    if not moved:
        return 0.0, math.inf
    if len(moved) == 1:
        return math.sqrt(2) * statistics.stdev(moved[0]), len(repeats) - 1
    pooled = seed_noise(moved)
    return pooled.seed_sd, pooled.df


def _noise_record(noise: Noise) -> dict[str, float | None]:
    return {name: _finite(value) for name, value in asdict(noise).items()}


def _noise_from(record: Mapping[str, float | None]) -> Noise:
    return Noise(**{name: math.inf if value is None else value for name, value in record.items()})


def _numbers(scores: BaselineScores) -> tuple[Any, ...]:
    return dict(scores.values), {name: tuple(units) for name, units in scores.units.items()}


def _mean(repeats: Sequence[BaselineScores], name: str) -> float:
    return statistics.fmean(value for each in repeats if (value := each.values.get(name)) is not None)


def _missing(repeats: Sequence[BaselineScores], required: Sequence[str]) -> list[str]:
    missing = sorted({name for each in repeats for name in required if each.values.get(name) is None})
    if not missing:
        return []
    return [f"the harness gave no score for the required baselines {', '.join(missing)}; see build/baselines_search/stderr.log"]


def _gate_faults(repeats: Sequence[BaselineScores]) -> list[str]:
    missed = {(row["baseline"], str(row["name"])): row for row in _gates(repeats) if row["slack"] < 0}
    return [
        f"the baseline {name} misses the gate {gate}: {row['value']} against {row['limit']}; widen the gate or mend the baseline, for it "
        "would disqualify good work" for (name, gate), row in sorted(missed.items())
    ]


def _restless(repeats: Sequence[BaselineScores]) -> str:
    moved = sorted({name for each in repeats for name, value in each.values.items() if value != repeats[0].values.get(name)})
    what = f"the values of {', '.join(moved)}" if moved else "the per-unit losses"
    return (f"the same baselines, measured {len(repeats)} times, gave different numbers ({what}), but the manifest says "
            "`stochastic: false`; fix the seeds in the harness, or declare it stochastic")


def _slack(repeats: Sequence[BaselineScores]) -> tuple[Mapping[str, Any], ...]:
    """Return for each gate the row with the smallest slack, with the baseline that it belongs to."""
    return tuple({row["name"]: row for row in sorted(_gates(repeats), key=lambda row: -row["slack"])}.values())


def _gates(repeats: Sequence[BaselineScores]) -> list[dict[str, Any]]:
    return [{**gate, "baseline": name} for each in repeats for name, gates in each.gates.items() for gate in gates]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
