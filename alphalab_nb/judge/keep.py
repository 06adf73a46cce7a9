"""The keep rule: what a finished experiment's scores mean beside the incumbent's.

This first version keeps the best so far. A sequential test that asks for replicates fits behind the same call.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from alphalab_nb.metric import Metric
from alphalab_nb.storage.experiment import Run

Decision = Literal["reject", "replicate", "keep", "quarantine"]


@dataclass(frozen=True)
class Verdict:
    """What shall become of an experiment, and why."""

    decision: Decision
    reason: str
    replicates: int = 0
    """How many more runs are wanted before deciding, with `replicate` (and with `quarantine`: runs that could release it)."""
    partition: str = ""
    """Partition of the wanted runs; the incumbent needs runs with the same seeds there."""
    alpha_spent: float = 0.0
    """What this decision takes from the campaign's alpha; the caller subtracts it from alpha_left."""
    p_value: float | None = None
    """One-sided, of the confirm test against the incumbent; None if there was none."""
    gain: float | None = None
    """Mean paired difference, incumbent minus candidate, in units of loss: positive is better. Search, or confirm once it is tested."""
    low: float | None = None
    """90 % interval of the gain."""
    high: float | None = None


def verdict(runs: Sequence[Run], incumbent_runs: Sequence[Run], alpha_left: float, *, metric: Metric) -> Verdict:
    """Decide on an experiment by its scored full runs and those of the incumbent (none: there is no incumbent yet).

    Args:
        alpha_left: the error probability that the campaign may still spend on keeping; best-so-far does not use it.
    """
    value = _mean(runs)
    if value is None:
        return Verdict("reject", "it has no score")
    if not math.isfinite(value):
        return Verdict("quarantine", f"{metric.name} {value} is not a number that can be ranked")
    best = _mean(incumbent_runs)
    if best is None:
        return Verdict("keep", f"{metric.name} {value:.6g}, the first score")
    change = f"{metric.name} {value:.6g} against {best:.6g} of the incumbent"
    if not metric.better(value, best):
        return Verdict("reject", f"{change}: not better")
    return Verdict("keep", f"{change}: {metric.improvement(value, best):.2%} better")


def _mean(runs: Sequence[Run]) -> float | None:
    values = [run.score.value for run in runs if run.score is not None and run.score.ok and run.score.value is not None]
    return sum(values) / len(values) if values else None
