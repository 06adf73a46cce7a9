"""Campaigns made by hand for the report: a real board, playbook, ledger and log of reads, without anything that ran."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alphalab_nb.config import CampaignConfig, parse_config
from alphalab_nb.metric import Direction, Metric
from alphalab_nb.partitions import Partitions
from alphalab_nb.report import write_report
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.database import Database
from alphalab_nb.storage.experiment import Experiment, RunKind, Score, State
from alphalab_nb.storage.ledger import Ledger
from alphalab_nb.storage.playbook import Playbook
from alphalab_nb.workspace import Workspace
from tests.boards import proposal, scored

TRACEBACK = "Traceback (most recent call last):\n  File \"run.py\", line 3\nValueError: the season is longer than the data"


@dataclass
class Told:
    """What a report is written from."""

    workspace: Workspace
    board: Board
    playbook: Playbook
    ledger: Ledger
    metric: Metric
    config: CampaignConfig

    def report(self) -> str:
        return write_report(self.workspace, self.board, self.playbook, self.ledger, self.metric, self.config).read_text(encoding="utf-8")


def empty(root: Path, *, direction: Direction = "minimize", unit: str = "ppm", **settings: Any) -> Told:
    """Return a campaign in which nothing has happened yet."""
    workspace = Workspace(root)
    workspace.make()
    database = Database.create(workspace.database)
    config = parse_config({"name": "a small campaign", "domain": "time_series", "objective": "forecast a series", **settings})
    metric = Metric("wMAPE", direction, unit)
    return Told(workspace, Board(database), Playbook(database, workspace.playbook), Ledger(database), metric, config)


def run(board: Board, experiment: int, score: Score, *, kind: RunKind = "full", partition: str = "search", seconds: float = 1.5) -> None:
    """Store one ended run of an experiment's newest attempt, which is made if there is none."""
    attempts = board.attempts(experiment)
    attempt = attempts[-1] if attempts else board.add_attempt(experiment, commit=f"{experiment:040x}", ast_hash=f"program {experiment}")
    planned = board.plan_run(attempt, kind=kind, partition=partition, seed=0, fidelity="smoke" if kind == "smoke" else "full")
    board.start_run(planned.id)
    board.end_run(planned.id, score, seconds)


def bring(board: Board, experiment: int, *states: State, **changes: Any) -> Experiment:
    for state in states[:-1]:
        board.move(experiment, state, by="test")
    return board.move(experiment, states[-1], by="test", **changes)


TO_CHECKED = (State.IMPLEMENTED, State.CHECKED)
TO_FINISHED = (*TO_CHECKED, State.QUEUED, State.RUNNING, State.FINISHED)


def add(board: Board, name: str, value: float, *, seconds: float = 1.5, **changes: Any) -> Experiment:
    """Put an experiment with a smoke and a full score on the board."""
    experiment = board.add(proposal(name, **changes), by="test")
    run(board, experiment.id, scored(9.9), kind="smoke", seconds=0.04)
    run(board, experiment.id, scored(value), seconds=seconds)
    return bring(board, experiment.id, *TO_FINISHED, outcome="ok")


def add_failed(board: Board, name: str, *, error: str = TRACEBACK, **changes: Any) -> Experiment:
    """Put an experiment on the board whose program crashed and was given up."""
    experiment = board.add(proposal(name, **changes), by="test")
    run(board, experiment.id, scored(0, ok=False, error=error), kind="smoke", seconds=0.26)
    return bring(board, experiment.id, State.IMPLEMENTED, State.FINISHED, outcome="failed", error=f"crash: {error}", fixes=2)


def searched(told: Told) -> Told:
    """Fill the board with a search: four families, three stages, every fate."""
    board = told.board
    board.set_fact("harness", "h1")
    board.set_fact("baselines", {"search": {"naive": 4.0, "seasonal_naive": 2.5, "broken": None}})
    board.set_fact("sandbox", {"level": "rlimits", "covers": "rlimits: resources only"})
    board.set_fact("findings", [{"round": 1, "findings": [{"what": "a leak"}, {"what": "a gate"}]}, {"round": 2, "findings": []}])
    add(board, "drift_default", 3.0, stage="defaults", seconds=0.04)
    add(board, "gbm_default", 2.0, family="gbm", stage="defaults", seconds=0.04)
    add(board, "ridge_tuned", 1.5, family="ridge", stage="refine", seconds=12.25)
    add(board, "ridge_other", 1.75, family="ridge", stage="refine")
    leak = add(board, "gbm_leak", 1.6, family="gbm", stage="refine")
    for odd in (0.001, 99.0):  # beats all either way, and must not count
        run(board, leak.id, scored(odd))
    board.change(leak.id, quarantined=True, verdict="quarantine")
    add_failed(board, "lags_long", family="lags", stage="refine")
    repaired = board.add(proposal("gbm_mended", family="gbm", stage="refine"), by="test")
    run(board, repaired.id, scored(0, ok=False, error="OutOfMemory: 5 GiB"), kind="smoke")
    run(board, repaired.id, scored(1.9))
    bring(board, repaired.id, *TO_FINISHED, outcome="ok", fixes=1)
    screened = board.add(proposal("ridge_screened", family="ridge", stage="screen", fidelity="smoke"), by="test")
    run(board, screened.id, scored(0.5), kind="smoke")
    bring(board, screened.id, *TO_CHECKED)
    vetoed = board.add(proposal("drift_vetoed", stage="screen", fidelity="smoke"), by="test")
    bring(board, vetoed.id, State.CANCELLED, outcome="vetoed", reason="same as the first")
    board.add(proposal("drift_open"), by="test")
    _learnt(told)
    return told


def _learnt(told: Told) -> None:
    told.playbook.add("a longer memory helps ridge", kind="works", evidence=[3, 4], author="analyst")
    old = told.playbook.add("trees never help", kind="avoid", evidence=[2], author="analyst")
    told.playbook.retire(old.id, author="analyst")
    told.playbook.add("never difference twice", kind="avoid", evidence=[], author="ada", human=True)
    told.board.note("the last years matter most", by="ada")
    worker = {"phase": "experiment", "role": "worker", "provider": "offline", "model": "rules:worker"}
    explorer = {"phase": "explore", "role": "explorer", "provider": "offline", "model": "rules:explorer"}
    told.ledger.add(**worker, input_tokens=1200, cached_tokens=200, output_tokens=34)
    told.ledger.add(**worker, input_tokens=300, output_tokens=6, usd=0.25)
    told.ledger.add(**explorer, input_tokens=50, output_tokens=5, usd=0.5)


def sealed(told: Told) -> Told:
    """Confirm the two best of a searched campaign and open the sealed test for #3."""
    board, vault = told.board, told.workspace.vault
    vault.mkdir()
    (vault / "manifest.json").write_text(json.dumps({"files": {}}))
    partitions = Partitions(told.workspace.root)
    partitions.open("confirm", by="phase report", reason="confirm 3 candidates")
    partitions.open("sealed", by="phase report", reason="sealed test of #3")
    run(board, 3, scored(1.625), kind="confirm", partition="confirm", seconds=2.0)
    run(board, 4, scored(0, ok=False, label="timeout", error="killed after 120 s"), kind="confirm", partition="confirm")
    run(board, 2, scored(2.25), kind="confirm", partition="confirm", seconds=2.0)
    rows = [
        {"id": 3, "name": "ridge_tuned", "family": "ridge", "stage": "refine", "search": 1.5, "confirm": 1.625},
        {"id": 4, "name": "ridge_other", "family": "ridge", "stage": "refine", "search": 1.75, "confirm": None},
        {"id": 2, "name": "gbm_default", "family": "gbm", "stage": "defaults", "search": 2.0, "confirm": 2.25},
    ]
    board.set_step("report", "confirm_best", "finished", result={"champion": 3, "default": 2, "rows": rows})
    board.set_fact("sealed", {
        "champion": 3, "score": 1.875, "fixed_score": 1.9375, "refit": True, "confirm": 1.625, "search": 1.5,
        "baselines": {"naive": 5.0, "seasonal_naive": 2.5, "broken": None}, "reads": 1,
        "secondary": {"interval": {"low": 1.5, "high": 2.25}},
        "references": [{"id": 2, "name": "gbm_default", "family": "gbm", "score": 3.0,
                        "loss_difference": {"mean": -1.125, "low": -1.5, "high": -0.75, "n": 40}}],
    })
    board.set_fact("stop_reason", "experiments")
    return told
