"""What a strategy is: a policy that proposes the next experiments, as a sampler does in hyper-parameter search.

The dispatcher calls `ask` when fewer than slots + 2 experiments are queued or five were analyzed since the last turn, and `tell`
once per verdict. A strategy sees a read-only BoardView and never slots, seeds or hidden data. It must be able to
continue from the board alone, because the process may die between any two calls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from alphalab_nb.adapter import Recipe
from alphalab_nb.metric import Metric
from alphalab_nb.storage.experiment import Experiment, Proposal
from alphalab_nb.storage.playbook import Entry

STRATEGIST = "strategist"
"""The role, and the strategy that it plays."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One experiment as a strategy may see it."""

    experiment: Experiment
    smoke: float | None
    """Smoke score, comparable only with other smoke scores."""
    score: float | None
    """Mean full-fidelity search score."""
    seconds: float
    """Compute spent on it."""
    secondary: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Secondary aggregates of the newest full score, for example by_item and by_step."""


@dataclass(frozen=True, kw_only=True)
class BoardView:
    """A read-only picture of the campaign."""

    metric: Metric
    task: Mapping[str, Any]
    """Task block plus the measured facts n_items, length, season."""
    recipes: Sequence[Recipe]
    """The adapter's recipes whose requirements are installed here."""
    experiments: Sequence[Seen]
    """All of them, by id, cancelled ones included."""
    baselines: Mapping[str, float]
    """Certified baselines on the search partition."""
    playbook: Sequence[Entry]
    notes: Sequence[str]
    """What people said, oldest first."""
    remaining: int
    """Experiments that may still be added."""
    budget: int
    """Experiments of the whole campaign."""
    seed: int
    family_share: float = 1.0
    compare_within: Literal["campaign", "family"] = "campaign"
    """family: each family solves a problem of its own, so that scores of two families do not compete."""
    turn: int = 1
    """Number of the turn that this picture is made for."""


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """A playbook entry a strategy wants: new, or a new version / retirement of its own earlier one."""

    rule: str
    """Name of the rule or role that found it; identifies the entry to replace."""
    claim: str
    kind: str
    evidence: tuple[int, ...]
    retire: bool = False


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What one strategy turn decides."""

    proposals: Sequence[Proposal] = ()
    promote: Sequence[int] = ()
    """Screened experiments (state `checked`, fidelity smoke) that shall run in full."""
    drop: Mapping[int, str] = field(default_factory=dict[int, str])
    """Experiments to cancel, with the reason."""
    lessons: Sequence[Lesson] = ()
    exhausted: bool = False
    """True when this strategy has nothing more to propose, ever."""


class Strategy(Protocol):
    """A policy that proposes experiments."""

    name: str

    def ask(self, view: BoardView, n: int) -> Plan:
        """Propose up to about n new experiments, and promote or drop screened ones."""
        ...

    def tell(self, experiment: Experiment, verdict: str, score: float | None) -> None:
        """Learn the verdict on one experiment; called once per verdict. Everything told is also on the board."""
        ...
