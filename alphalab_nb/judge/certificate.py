"""The baseline certificate: what repeats of the baselines through the frozen harness say about noise, before anything is judged by it.

A campaign whose noise is unknown cannot tell a gain from luck, and one whose own baseline misses a gate disqualifies good work.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from alphalab_nb.judge.pooling import pooling_of
from alphalab_nb.judge.rules import Noise
from alphalab_nb.judge.stats import Units, paired_interval
from alphalab_nb.metric import Metric

REPEATS = 5
_Z95 = 1.959964


@dataclass(frozen=True)
class BaselineScores:
    """What one run of the harness measured of every baseline on one partition."""

    values: Mapping[str, float | None]
    units: Mapping[str, Units]
    gates: Mapping[str, Sequence[Mapping[str, Any]]]
    """By baseline; rows {name, value, limit, slack} as in score.json."""
    wall_s: float = 0.0


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
    """Of a paired comparison, in units of loss."""
    gates: tuple[Mapping[str, Any], ...]
    """The smallest slack of each gate over baselines and repeats."""
    faults: tuple[str, ...]
    """Why nothing may be judged by this harness; empty if it is certified."""

    def record(self) -> dict[str, Any]:
        """Return it as JSON; see `noise_of`. An infinity becomes null."""
        return {
            **asdict(self), "low": _finite(self.low), "high": _finite(self.high),
            "noise": {name: _finite(value) for name, value in asdict(self.noise).items()},
        }


def noise_of(record: Mapping[str, Any]) -> Noise:
    """Return the noise in the record of a certificate."""
    return Noise(**{name: math.inf if value is None else value for name, value in record["noise"].items()})


def certify(
    repeats: Sequence[BaselineScores], required: Sequence[str], *, metric: Metric, stochastic: bool, block: int, seed: int
) -> Certificate:
    """Return the certificate of a harness.

    Args:
        repeats: independent runs of all baselines on the same partition; with `stochastic`, each with a seed of its own.
        block: neighbouring units that depend on each other, see `paired_interval`.
    """
    first = repeats[0]
    same = all(_numbers(other) == _numbers(first) for other in repeats[1:])
    faults = [*_missing(repeats, required), *_gate_faults(repeats), *([] if same or stochastic else [_restless(repeats)])]
    known = {name: _mean(repeats, name) for name, value in first.values.items() if value is not None and first.units.get(name)}
    if not known:
        faults.append("the harness gives no per-unit losses of its baselines, so nothing can be compared in pairs; add `units` by baseline")
        return Certificate("", math.nan, -math.inf, math.inf, len(repeats), same, Noise(math.inf), _slack(repeats), tuple(faults))
    best, *others = metric.ranked(known, lambda name: known[name])
    low, high = _band(known[best], first.values[best] or 0.0, first.units[best], metric, block, seed)
    noise = Noise(_seed_sd(repeats, best, others), _unit_sd(first, best, others, block, seed))
    return Certificate(best, known[best], low, high, len(repeats), same, noise, _slack(repeats), tuple(faults))


def in_metric(value: float, mean_loss: float, gain: float) -> float | None:
    """Return a gain in mean loss as a gain in the metric: how much better the value would be, positive if it is.

    None for a metric that is not known to follow from the mean loss, see `pooling_of`.
    """
    pooled = pooling_of(value, mean_loss)
    if pooled is None or not math.isfinite(gain):
        return None
    return math.copysign(abs(value - float(pooled(np.array(mean_loss - gain)))), gain)


# -- parts ---------------------------------------------------------------------------------------------------


def _band(centre: float, value: float, units: Units, metric: Metric, block: int, seed: int) -> tuple[float, float]:
    """Return the interval of a value by the sampling of its units, in the unit of the metric; infinite if it cannot be said in that.

    `value` is that of the very run the units are of; `centre`, the mean over repeats, is what the interval is put around.
    """
    loss = paired_interval(units, [(id, 0.0) for id, _ in units], block=block, seed=seed)
    gains = [in_metric(value, loss.mean, loss.mean - end) for end in (loss.low, loss.high)]
    ends = [centre - gain if metric.direction == "minimize" else centre + gain for gain in gains if gain is not None]
    return (min(ends), max(ends)) if len(ends) == 2 else (-math.inf, math.inf)


def _unit_sd(scores: BaselineScores, best: str, others: Sequence[str], block: int, seed: int) -> float:
    """Return the standard error of the strongest baseline's mean difference to the one most like it.

    Candidates resemble the incumbent more than baselines resemble each other, so this errs on the side of too much noise.
    """
    found = [paired_interval(scores.units[best], scores.units[other], block=block, seed=seed) for other in others]
    errors = [(each.high - each.low) / 2 / _Z95 for each in found]
    return min(errors, default=math.inf)


def _seed_sd(repeats: Sequence[BaselineScores], best: str, others: Sequence[str]) -> float:
    """Return the spread over seeds of a difference of two baselines' mean losses: the smallest of those that seeds move at all."""
    losses = {name: [statistics.fmean(loss for _, loss in each.units[name]) for each in repeats] for name in (best, *others)}
    if len(repeats) < 2:
        return 0.0
    found = [statistics.stdev(a - b for a, b in zip(losses[best], losses[other], strict=True)) for other in others]
    return min((spread for spread in found if spread > 0), default=0.0)


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
