"""A small real campaign with an honest experiment and two that do not reproduce, made once and copied for every planted fault."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

from alphalab_nb.campaign import Campaign
from alphalab_nb.dispatch.carry import Order, carry_through
from alphalab_nb.executors import make_executor
from alphalab_nb.storage.experiment import State
from tests.support import TOYS, ready, small_campaign, toy_adapter

HONEST, CLOCK, STRAY, SMOKED = 1, 2, 3, 4
FULL = (State.IMPLEMENTED, State.CHECKED, State.QUEUED, State.RUNNING, State.FINISHED, State.ANALYZED)
"""What an experiment goes through until it has its score and its debrief."""


def made(folder: Path) -> Campaign:
    """Return a campaign whose experiments were written, run and scored by the parts that phase 3 uses, one after the other."""
    shutil.copytree(TOYS / "unsteady", toy_adapter(folder / "toy") / "recipes" / "unsteady")
    campaign = ready(small_campaign(folder, executor={"kind": "inline", "slots": 1}))
    with make_executor("inline") as executor:
        for source, bias in (("config", 0.5), ("clock", 0.1), ("stray", 0.0)):
            experiment(campaign, executor, source, bias)
        experiment(campaign, executor, "config", 2.0, fidelity="smoke")
    return campaign


def experiment(campaign: Campaign, executor, source: str, bias: float, *, fidelity: str = "full") -> None:
    """Write, run and score one more experiment."""
    from alphalab_nb.dispatch.worker import Worker
    from tests.boards import proposal

    parts, board = campaign.parts, campaign.board
    config = {"source": source, "bias": bias}
    added = board.add(proposal(f"unsteady_{source}", family="unsteady", config=config, fidelity=fidelity), by="test")
    attempt = Worker(parts, {recipe.family: recipe for recipe in parts.recipes}).implement(added)
    if source == "stray":
        (parts.workspace.attempt(added.id, attempt.number) / "stray.txt").write_text("1.5")
    run = board.plan_run(attempt, kind=fidelity, partition="search", seed=0, fidelity=fidelity)
    [(_, score)] = carry_through(parts, executor, [Order(run=run)])
    assert score.ok, score.error
    for state in FULL if fidelity == "full" else FULL[:2]:
        board.move(added.id, state, by="test")


def copied(campaign: Campaign, folder: Path) -> Campaign:
    shutil.copytree(campaign.workspace.root, folder / "copy", symlinks=True)
    return Campaign.open(folder / "copy")


def as_timed(campaign: Campaign) -> Campaign:
    """Return the campaign with a manifest that says that no score is measured twice alike."""
    manifest = campaign.workspace.adapter / "manifest.yaml"
    manifest.write_text(manifest.read_text() + "\nrepeatable: false\n")
    return Campaign.open(campaign.workspace.root)


def sql(campaign: Campaign, statement: str, *values: object) -> None:
    """Write to the board behind its back."""
    with sqlite3.connect(campaign.workspace.database) as connection:
        assert connection.execute(statement, values).rowcount > 0
    connection.close()
