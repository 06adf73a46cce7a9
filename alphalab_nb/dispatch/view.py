"""Make the read-only picture of the campaign that a strategy sees: aggregates, never per-unit losses."""

from __future__ import annotations

from collections import defaultdict

from alphalab_nb.adapter import Recipe
from alphalab_nb.partitions import with_facts
from alphalab_nb.parts import Parts
from alphalab_nb.storage.experiment import Experiment, Run, State
from alphalab_nb.storage.leaderboard import full_runs
from alphalab_nb.strategies.base import BoardView, Seen


def board_view(parts: Parts, recipes: list[Recipe]) -> BoardView:
    """Return the present view."""
    experiments = parts.board.list()
    limits, harness = parts.limits(), parts.board.fact("harness")
    by_experiment: dict[int, list[Run]] = defaultdict(list)
    for run in parts.board.runs(status="ended"):
        by_experiment[run.experiment].append(run)
    return BoardView(
        metric=parts.metric,
        task=with_facts(parts.task, parts.workspace.explore_data),
        recipes=recipes,
        experiments=[_seen(parts, experiment, by_experiment[experiment.id], harness) for experiment in experiments],
        baselines=(parts.board.fact("baselines") or {}).get("search", {}),
        playbook=parts.playbook.entries(),
        notes=[f"{note.author}{note.about}: {note.text}" for note in parts.board.notes()],
        remaining=remaining(parts, experiments),
        budget=limits.max_experiments,
        seed=parts.config.strategy.seed,
        family_share=limits.family_share,
        compare_within=parts.adapter.manifest.compare_within,
        turn=1 + len(parts.board.events(kind="strategy")),
    )


def remaining(parts: Parts, experiments: list[Experiment]) -> int:
    """Experiments that may still be added."""
    return max(0, parts.limits().max_experiments - len(counted(parts, experiments)))


def counted(parts: Parts, experiments: list[Experiment]) -> list[Experiment]:
    """Return what takes from the budget: what was cancelled before it cost anything does not."""
    charged = {run.experiment for run in parts.board.runs() if run.status != "planned"}
    return [e for e in experiments if e.state is not State.CANCELLED or e.id in charged]


def _seen(parts: Parts, experiment: Experiment, runs: list[Run], harness: str | None) -> Seen:
    smoke = [r.score.value for r in runs if r.fidelity == "smoke" and r.score and r.score.ok and r.score.value is not None]
    full = full_runs(parts.board, experiment.id, harness)
    values = [r.score.value for r in full if r.score and r.score.value is not None]
    return Seen(
        experiment=experiment,
        smoke=smoke[-1] if smoke else None,
        score=sum(values) / len(values) if values else None,
        seconds=sum(r.seconds for r in runs),
        secondary=full[-1].score.secondary if full and full[-1].score else {},
    )
