"""What the Judge answers: the decision on an experiment, with the numbers it was made by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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
