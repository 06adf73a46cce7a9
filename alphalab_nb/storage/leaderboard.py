"""The ranking of experiments: full-fidelity scores of one harness version, best first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alphalab_nb.metric import Metric
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.experiment import Experiment, Run


@dataclass(frozen=True)
class Row:
    """One line of the leaderboard."""

    rank: int
    id: int
    name: str
    family: str
    score: float
    """Mean over the full search runs of the experiment's newest attempt, in the unit of the metric."""
    fidelity: str
    evaluator: str
    """Version of the harness that measured it; rows of different versions are never ranked together."""
    code: str
    seconds: float


@dataclass(frozen=True)
class Ranked:
    """An experiment with what its ranking rests on."""

    experiment: Experiment
    value: float
    runs: tuple[Run, ...]


def full_runs(board: Board, experiment: int, harness: str | None) -> list[Run]:
    """Return the scored full-fidelity search runs of the newest attempt."""
    runs = [
        run for run in board.runs(experiment, status="ended")
        if run.fidelity == "full" and run.partition == "search" and run.kind != "verify" and run.score is not None and run.score.ok
        and (harness is None or run.score.harness == harness)
    ]
    return [run for run in runs if run.attempt == runs[-1].attempt] if runs else []


def values_of(runs: Sequence[Run]) -> list[float]:
    """Return what runs were scored, without those that have no value."""
    return [run.score.value for run in runs if run.score is not None and run.score.value is not None]


def ranking(board: Board, metric: Metric, harness: str | None = None) -> list[Ranked]:
    """Return the ranked experiments, best first. Smoke scores and quarantined experiments never rank."""
    entries: list[Ranked] = []
    for experiment in board.list():
        runs = full_runs(board, experiment.id, harness)
        values = values_of(runs)
        if values and not experiment.quarantined:
            entries.append(Ranked(experiment, sum(values) / len(values), tuple(runs)))
    return metric.ranked(entries, lambda entry: entry.value)


def leaderboard(board: Board, metric: Metric, harness: str | None = None) -> list[Row]:
    """Return the leaderboard's rows, best first."""
    codes = {attempt.id: attempt.commit for attempt in board.attempts()}
    return [
        Row(rank=number, id=entry.experiment.id, name=entry.experiment.name, family=entry.experiment.family, score=entry.value,
            fidelity="full", evaluator=entry.runs[-1].score.harness if entry.runs[-1].score else "",
            code=codes[entry.runs[-1].attempt][:12], seconds=round(sum(run.seconds for run in entry.runs), 3))
        for number, entry in enumerate(ranking(board, metric, harness), start=1)
    ]
