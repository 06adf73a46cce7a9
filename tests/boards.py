"""Boards for tests: real ones on disk, filled without running anything."""

from __future__ import annotations

from alphalab_nb.storage.board import Board
from alphalab_nb.storage.experiment import Experiment, Proposal, Score, State


def proposal(name: str = "drift_default", **changes) -> Proposal:
    return Proposal(**{"name": name, "family": "drift", "hypothesis": "a fair start", **changes})


def scored(value: float, *, harness: str = "h1", ok: bool = True, **changes) -> Score:
    return Score(**{"ok": ok, "label": "ok" if ok else "crash", "metric": "rmse", "value": value if ok else None, "harness": harness,
                    "units": (("t0/a", value), ("t1/a", value)), **changes})


def finished(board: Board, value: float, *, name: str = "x", fidelity: str = "full", harness: str = "h1", **changes) -> Experiment:
    """Put an experiment on the board that has been run and scored."""
    experiment = board.add(proposal(name, **changes), by="test")
    attempt = board.add_attempt(experiment.id, commit="c" * 40, ast_hash=name)
    run = board.plan_run(attempt, kind="full" if fidelity == "full" else "smoke", partition="search", seed=0, fidelity=fidelity)
    board.start_run(run.id)
    board.end_run(run.id, scored(value, harness=harness), 1.5)
    for state in (State.IMPLEMENTED, State.CHECKED, State.QUEUED, State.RUNNING, State.FINISHED):
        board.move(experiment.id, state, by="test")
    return board.get(experiment.id)
