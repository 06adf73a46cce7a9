"""Carry planned runs through to their scores and wait: what phase 4 and verification need of the pipeline, without a loop around it."""

from __future__ import annotations

import queue
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alphalab_nb.dispatch.pipeline import Pipeline
from alphalab_nb.executors import Executor
from alphalab_nb.parts import Parts
from alphalab_nb.storage.experiment import Run, Score


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


def carry_through(parts: Parts, executor: Executor, orders: Sequence[Order], *, score: bool = True) -> list[tuple[Run, Score]]:
    """Carry planned runs through and return their scores, in the order given; each is charged to the board."""
    ended: queue.SimpleQueue[int] = queue.SimpleQueue()
    pipeline = Pipeline(parts, executor, ended.put)
    for order in orders:
        pipeline.start(order.run, data=order.data, artefact=order.artefact, code=order.code, score=score)
    scores: dict[int, Score] = {}
    for _ in orders:
        id = ended.get()
        scores[id], seconds = pipeline.collect(id)
        parts.board.end_run(id, scores[id], seconds)
    return [(order.run, scores[order.run.id]) for order in orders]
