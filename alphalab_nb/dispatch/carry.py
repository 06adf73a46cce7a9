"""Carry planned runs through to their scores and wait: what phase 4 and verification need of the pipeline, without a loop around it."""

from __future__ import annotations

import queue
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alphalab_nb.dispatch.pipeline import Pipeline
from alphalab_nb.executors import Executor
from alphalab_nb.parts import Parts
from alphalab_nb.storage.experiment import Run, RunKind, Score


@dataclass(frozen=True, kw_only=True)
class Order:
    """One planned run, and what it shall not take from where the search takes it."""

    run: Run
    data: Path | None = None
    """Folder that the program is run on; None: the explore partition."""
    artefact: Path | None = None
    """To be scored at once, without running the program."""
    code: Path | None = None
    """Copy of the program; None: the attempt's own folder."""
    stretch: float = 1.0
    """Times the budget and the time limit of RUN."""


def carry_through(parts: Parts, executor: Executor, orders: Sequence[Order], *, score: bool = True) -> list[tuple[Run, Score]]:
    """Carry planned runs through and return their scores, in the order given; each is charged to the board."""
    ended: queue.SimpleQueue[int] = queue.SimpleQueue()
    pipeline = Pipeline(parts, executor, ended.put)
    scores: dict[int, Score] = {}
    for started, order in enumerate(orders):
        if started >= executor.slots:  # no more than there is room for: a run is charged from its start
            _collect(parts, pipeline, ended.get(), scores)
        pipeline.start(order.run, data=order.data, artefact=order.artefact, code=order.code, score=score, stretch=order.stretch)
    while len(scores) < len(orders):
        _collect(parts, pipeline, ended.get(), scores)
    return [(order.run, scores[order.run.id]) for order in orders]


def taken_up(parts: Parts, source: Run, kind: RunKind) -> Run:
    """Return the search run of this kind that an interrupted call has left for a source's program and seed; else plan one."""
    left = (run for run in parts.board.runs(source.experiment) if run.kind == kind and run.status != "ended")
    return next((run for run in left if (run.attempt, run.seed) == (source.attempt, source.seed)), None) or parts.board.plan_run(
        parts.board.attempt(source.attempt), kind=kind, partition="search", seed=source.seed, fidelity="full")


def _collect(parts: Parts, pipeline: Pipeline, id: int, scores: dict[int, Score]) -> None:
    scores[id], seconds = pipeline.collect(id)
    parts.board.end_run(id, scores[id], seconds)
