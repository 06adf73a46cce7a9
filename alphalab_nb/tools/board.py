"""The board as an agent may see it: no unit losses, no seeds, nothing of the confirm and sealed partitions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Literal

from alphalab_nb.beneath import told
from alphalab_nb.errors import ToolError
from alphalab_nb.judge.leaders import leaderboard
from alphalab_nb.storage.experiment import OPEN, Experiment, Run
from alphalab_nb.storage.leaderboard import Row, full_runs
from alphalab_nb.tools.base import Deps, clip, tool

_ROWS = 30
"""Lines of one list."""
_FAILURES = 10
_ERROR_CHARS = 300
"""Of the error of a listed failure; its own page has more."""
_TAIL_CHARS = 1500


@tool()
def read_board(deps: Deps, section: Literal["board", "leaderboard", "experiment"] = "board", id: int | None = None) -> str:
    """Show the experiments of this campaign as they stand now.

    Args:
        section: board (counts, what waits or runs, the newest failures), leaderboard (best full scores), or experiment (one in detail).
        id: Of the experiment, for the section experiment.
    """
    if section == "experiment":
        if id is None:
            raise ToolError("give the id of the experiment")
        return _experiment(deps, deps.board.get(id))
    return _leaders(deps) if section == "leaderboard" else _overview(deps)


def _overview(deps: Deps) -> str:
    experiments = deps.board.list()
    counts = ", ".join(f"{state} {count}" for state, count in deps.board.counts().items() if count)
    waiting = [f"- {_named(e)}: {e.state}" for e in experiments if e.state in OPEN]
    failed = sorted((e for e in experiments if e.error), key=lambda e: e.moved, reverse=True)[:_FAILURES]
    failures = [f"- {_named(e)}: {_last_chars(e.error, _ERROR_CHARS)}" for e in failed]
    return "\n".join([
        counts or "no experiments yet", *_listed("Waiting or running", waiting), *_listed("Newest failures", failures),
        *(_best(deps) if experiments else []),
    ])


def _best(deps: Deps) -> list[str]:
    rows = leaderboard(deps.board, deps.metric, deps.board.fact("harness"))
    return [f"Best: #{rows[0].id} {rows[0].name} ({rows[0].family}) {rows[0].score:.6g}" if rows else "No full score yet."]


def _leaders(deps: Deps) -> str:
    metric = deps.metric
    rows = leaderboard(deps.board, metric, deps.board.fact("harness"))
    known = {experiment.id: experiment for experiment in deps.board.list()}
    lines = [f"{row.rank}. #{row.id} {row.name} ({row.family}) {row.score:.6g}, {row.fidelity}, {known[row.id].verdict or 'no verdict'},"
             f" {row.seconds:.0f} s{_luck(row)}" for row in rows[:_ROWS]]
    baselines = (deps.board.fact("baselines") or {}).get("search", {})
    said = ", ".join(f"{name} {value:.6g}" for name, value in baselines.items() if value is not None)
    aside = [f"- {_named(e)}" for e in known.values() if e.quarantined]
    return "\n".join([
        f"{metric.name} ({metric.direction}), full scores on search", *(lines or ["no full score yet"]), f"Baselines: {said or 'none'}",
        *_listed("Quarantined, not ranked", aside),
    ])


def _luck(row: Row) -> str:
    """Return what of a score may be luck or compute; nothing where it is not known."""
    shrunken = "" if row.shrunken is None else f", shrunken {row.shrunken:.6g} ({row.low:.6g} to {row.high:.6g}), n {row.n}"
    return f"{shrunken}{', ' + row.note if row.note else ''}"


def _experiment(deps: Deps, experiment: Experiment) -> str:
    parts = [
        f"{_named(experiment)}: {_standing(experiment)}", f"Hypothesis: {experiment.hypothesis}",
        f"Parent: {experiment.parent or 'none'}. By {experiment.author}. Repairs: {experiment.fixes}.",
        f"Config: {json.dumps(experiment.config, sort_keys=True)}", *([f"Brief: {experiment.brief}"] if experiment.brief else []),
        *_listed("Moves", _moves(deps, experiment)), *_listed("Runs on search", _runs(deps, experiment)),
        *([f"Error: {_last_chars(experiment.error, _TAIL_CHARS)}"] if experiment.error else []), f"Debrief: {_debrief(deps, experiment)}",
    ]
    return clip("\n".join(parts))


def _standing(experiment: Experiment) -> str:
    said = {"outcome": experiment.outcome, "verdict": experiment.verdict}
    words = [str(experiment.state), *(f"{name} {value}" for name, value in said.items() if value)]
    return ", ".join([*words, *(["quarantined"] if experiment.quarantined else [])])


def _moves(deps: Deps, experiment: Experiment) -> list[str]:
    moves = deps.board.history(experiment.id)
    return [f"- {move.at[:19]} {move.target} by {move.actor}{': ' + move.reason if move.reason else ''}" for move in moves]


def _debrief(deps: Deps, experiment: Experiment) -> str:
    folder = deps.workspace.experiment(experiment.id, experiment.name)
    return (told(deps.workspace.root, folder / "debrief.md") or "none").strip()


def _runs(deps: Deps, experiment: Experiment) -> list[str]:
    runs = [run for run in deps.board.runs(experiment.id, status="ended") if run.partition == "search"]
    ranked = full_runs(deps.board, experiment.id, deps.board.fact("harness"))
    return [*(f"- {_run(run)}" for run in runs), *_secondary(ranked or runs)]


def _run(run: Run) -> str:
    score = run.score
    what = "no score" if score is None else f"{score.metric} {score.value:.6g}" if score.ok and score.value is not None else score.label
    return f"{run.kind}, {run.fidelity}: {what}, {run.seconds:.1f} s"


def _secondary(runs: Sequence[Run]) -> list[str]:
    """Return the aggregates of the newest score; the losses of its units stay with the evaluator."""
    scored = [run.score for run in runs if run.score is not None and run.score.ok]
    return [f"Secondary: {json.dumps(scored[-1].secondary)[:_TAIL_CHARS]}"] if scored and scored[-1].secondary else []


def _named(experiment: Experiment) -> str:
    return f"#{experiment.id} {experiment.name} ({experiment.family})"


def _listed(title: str, lines: list[str]) -> list[str]:
    """Return the newest lines under a title; nothing if there are none."""
    return [f"{title}:", *lines[-_ROWS:]] if lines else []


def _last_chars(text: str, most: int) -> str:
    return text.strip()[-most:]
