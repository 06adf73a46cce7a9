"""The ranking of experiments: full-fidelity scores of one harness version, best first."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from alphalab_nb.errors import MixedVersions
from alphalab_nb.metric import Metric
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.experiment import Experiment, Run

ASIDE = ("verify", "matched")
"""Kinds of runs that prove or explain a result and are no part of it."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the leaderboard; see `judge.leaders`."""

    rank: int
    id: int
    name: str
    family: str
    score: float
    """Mean over the full search runs of the experiment's newest attempt, in the unit of the metric."""
    n: int
    """How many runs that is."""
    shrunken: float | None = None
    """The score drawn towards those of the others by as much as it may owe to luck; None where nothing tells the noise."""
    low: float | None = None
    """With `high` the 90 % interval of the shrunken score among scores on the very same units."""
    high: float | None = None
    fidelity: str
    evaluator: str
    """Version of the harness that measured it; rows of different versions are never ranked together."""
    code: str
    seconds: float
    """Wall seconds of all its runs."""
    compute_s: float | None = None
    """CPU seconds of one run, RUN and SCORE together; None where they were not recorded."""
    compute_ratio: float | None = None
    """Times the compute of the reference, see `judge.leaders.reference`."""
    matched: float | None = None
    """What the reference scored when it was given the same compute; None: it was not asked for."""
    note: str = ""
    """For people: a gain that used more compute than the reference, and what the reference makes of as much."""


@dataclass(frozen=True)
class Ranked:
    """An experiment with what its ranking rests on."""

    experiment: Experiment
    value: float
    runs: tuple[Run, ...]


def full_runs(board: Board, experiment: int, harness: str | None) -> list[Run]:
    """Return the scored full-fidelity search runs of the newest attempt.

    Args:
        harness: version that scored them; None: whichever version scored the newest of them, for two are never mixed.
    """
    return _counted(board.runs(experiment, status="ended"), harness)


def values_of(runs: Sequence[Run]) -> list[float]:
    """Return what runs were scored, without those that have no value."""
    return [run.score.value for run in runs if run.score is not None and run.score.value is not None]


def ranking(board: Board, metric: Metric, harness: str | None = None) -> list[Ranked]:
    """Return the ranked experiments, best first. Smoke scores and quarantined experiments never rank.

    Raises:
        MixedVersions: no version is given and there are scores of several.
    """
    runs = _by_experiment(board)
    entries: list[Ranked] = []
    for experiment in board.list():
        counted = _counted(runs[experiment.id], harness)
        values = values_of(counted)
        if values and not experiment.quarantined:
            entries.append(Ranked(experiment, sum(values) / len(values), tuple(counted)))
    _refuse_mixed(entries)
    return metric.ranked(entries, lambda entry: entry.value)


def unranked(board: Board, harness: str | None) -> dict[str, int]:
    """Return how many experiments only other versions of the harness have scored, by the version that scored them last."""
    if harness is None:
        return {}
    runs = _by_experiment(board)
    newest = [(_counted(runs[experiment.id], harness), _counted(runs[experiment.id], None)) for experiment in board.list()]
    return dict(Counter(version_of(other[-1]) for own, other in newest if other and not own))


def version_of(run: Run) -> str:
    """Return the version of the harness that scored a run; empty if none did."""
    return run.score.harness if run.score is not None else ""


def _counted(runs: Sequence[Run], harness: str | None) -> list[Run]:
    found = [
        run for run in runs
        if run.fidelity == "full" and run.partition == "search" and run.kind not in ASIDE and run.score is not None and run.score.ok
        and harness in (None, run.score.harness)
    ]
    return [run for run in found if (run.attempt, version_of(run)) == (found[-1].attempt, version_of(found[-1]))] if found else []


def _by_experiment(board: Board) -> defaultdict[int, list[Run]]:
    found: defaultdict[int, list[Run]] = defaultdict(list)
    for run in board.runs(status="ended"):
        found[run.experiment].append(run)
    return found


def _refuse_mixed(entries: Sequence[Ranked]) -> None:
    versions = Counter(version_of(entry.runs[-1]) for entry in entries)
    if len(versions) > 1:
        held = ", ".join(f"{version or 'unknown'} ({count})" for version, count in sorted(versions.items()))
        raise MixedVersions(f"scores of several harness versions cannot be ranked together: {held}; ask for one version, or let "
                            "`alphalab-nb rescore` score the history again with the present one")
