"""The central abstraction: an experiment, its lifecycle as data, its attempts, runs and scores."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal


class State(StrEnum):
    """The nine columns of the paper's board, plus `proposed`, which is used only when people approve."""

    PROPOSED = "proposed"
    """Waits for a person."""
    TO_IMPLEMENT = "to_implement"
    """Accepted; waits for a Worker."""
    IMPLEMENTED = "implemented"
    """Code is written and snapshotted; its smoke run comes next."""
    CHECKED = "checked"
    """A smoke RUN + SCORE by the evaluator passed."""
    QUEUED = "queued"
    """Waits for a slot."""
    RUNNING = "running"
    FINISHED = "finished"
    """All planned runs have ended, well or badly."""
    ANALYZED = "analyzed"
    """Its debrief is written and it has a verdict."""
    DONE = "done"
    """Its debrief was used by a strategy turn."""
    CANCELLED = "cancelled"


TRANSITIONS: dict[State, frozenset[State]] = {
    State.PROPOSED: frozenset({State.TO_IMPLEMENT, State.CANCELLED}),
    State.TO_IMPLEMENT: frozenset({State.IMPLEMENTED, State.FINISHED, State.CANCELLED}),
    State.IMPLEMENTED: frozenset({State.CHECKED, State.FINISHED, State.CANCELLED}),
    State.CHECKED: frozenset({State.QUEUED, State.CANCELLED}),
    State.QUEUED: frozenset({State.RUNNING, State.CANCELLED}),
    State.RUNNING: frozenset({State.FINISHED, State.QUEUED, State.CANCELLED}),
    State.FINISHED: frozenset({State.ANALYZED, State.TO_IMPLEMENT, State.CANCELLED}),
    State.ANALYZED: frozenset({State.DONE}),
    State.DONE: frozenset(),
    State.CANCELLED: frozenset(),
}
"""Every legal move. running -> queued: the machine failed, not the idea. finished -> to_implement: a fix."""

WAITING = (State.TO_IMPLEMENT, State.IMPLEMENTED, State.CHECKED, State.QUEUED)
"""Accepted, and not running."""
OPEN = (State.PROPOSED, *WAITING, State.RUNNING, State.FINISHED)
"""Without a verdict so far."""

Outcome = Literal["ok", "failed", "vetoed", "cancelled"]
Fidelity = Literal["smoke", "full"]
RunKind = Literal["smoke", "full", "replicate", "confirm", "sealed", "verify", "rescore", "matched"]
"""verify proves a result, rescore judges a stored artefact by a newer harness, matched gives a reference the compute of another."""
Label = Literal["ok", "crash", "timeout", "oom", "invalid_output", "gate_missed", "infrastructure"]


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What the author of a proposal expects of it: the gain over the best so far in units of the metric, positive is better."""

    expected: float
    low: float
    """With `high` the interval that holds the gain in four of five cases."""
    high: float
    model: str = ""
    """Who was asked: a language model by its name, or rules."""
    over: float | None = None
    """The best so far, set when the proposal is accepted; None: there was none, and nothing can be said of a gain."""


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """An experiment before it is accepted."""

    name: str
    """Short, unique on the board after cleaning; letters, digits, underscore."""
    family: str
    hypothesis: str
    config: dict[str, Any] = field(default_factory=dict[str, Any])
    brief: str = ""
    """What to build, in words, for a Worker with a language model."""
    parent: int | None = None
    stage: str = ""
    """Stage of the search that asked for it, for the budget table."""
    fidelity: Fidelity = "full"
    """smoke: a screening experiment; it waits in `checked` until the strategy promotes or drops it."""
    priority: int = 0
    """Higher runs first."""
    predicted: Prediction | None = None


@dataclass(frozen=True, kw_only=True)
class Experiment(Proposal):
    """One hypothesis made code, run and scored."""

    id: int
    state: State
    author: str
    outcome: Outcome | None = None
    verdict: str = ""
    """Of the Judge: keep, reject, replicate, quarantine; empty before."""
    quarantined: bool = False
    pinned: bool = False
    fixes: int = 0
    """Repairs so far."""
    error: str = ""
    """Label and last lines of the newest failure; cleared by a fix."""
    created: str = ""
    moved: str = ""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A code snapshot of an experiment."""

    id: int
    experiment: int
    number: int
    commit: str
    """Commit in the workspace's own git."""
    ast_hash: str
    """Hash of the canonical syntax trees: equal for identical programs."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """What the frozen harness measured. Only the evaluator makes one."""

    ok: bool
    label: Label
    metric: str
    value: float | None
    units: tuple[tuple[str, float], ...] = ()
    """Per-unit losses, the paired units of comparison; for people the values of explore-visible aggregates only."""
    gates: tuple[dict[str, Any], ...] = ()
    secondary: dict[str, Any] = field(default_factory=dict[str, Any])
    resources: dict[str, float] = field(default_factory=dict[str, float])
    harness: str = ""
    """Version of the harness, stamped by the evaluator."""
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One RUN + SCORE of an attempt."""

    id: int
    experiment: int
    attempt: int
    kind: RunKind
    partition: str
    seed: int
    fidelity: Fidelity
    status: Literal["planned", "started", "ended"]
    started: str = ""
    ended: str = ""
    seconds: float = 0.0
    """Wall seconds of RUN and SCORE together; what compute is charged by."""
    score: Score | None = None
