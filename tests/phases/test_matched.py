"""A gain that used more compute says so, and the reference can be given as much: real programs that work for the time they are given."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from alphalab_nb.campaign import Campaign
from alphalab_nb.cli import cli
from alphalab_nb.dispatch.carry import Order, carry_through
from alphalab_nb.dispatch.worker import Worker
from alphalab_nb.errors import BadInput
from alphalab_nb.executors import make_executor
from alphalab_nb.judge.leaders import MATCHED
from alphalab_nb.storage.leaderboard import Row, full_runs
from tests.boards import finished, proposal
from tests.support import TOYS, ready, small_campaign, toy_adapter
from tests.verify.campaigns import FULL, copied

REFERENCE, GREEDY, FRUGAL = 1, 2, 3


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """A reference that works for a fifth of its budget, one that takes seconds of its own, and one that is worse and cheaper."""
    folder = tmp_path_factory.mktemp("matched")
    shutil.copytree(TOYS / "worker", toy_adapter(folder / "toy") / "recipes" / "worker")
    campaign = ready(small_campaign(folder, executor={"kind": "inline", "slots": 1, "budget_s": 5}))
    with make_executor("inline") as executor:
        for config, stage in (({"share": 0.2}, "defaults"), ({"seconds": 6.0}, "refine"), ({"seconds": 0.01}, "refine")):
            _experiment(campaign, executor, config, stage)
    return campaign


def _experiment(campaign: Campaign, executor, config: dict[str, float], stage: str) -> None:
    parts, board = campaign.parts, campaign.board
    experiment = board.add(proposal("worker", family="worker", config=config, stage=stage), by="test")
    attempt = Worker(parts, {recipe.family: recipe for recipe in parts.recipes}).implement(experiment)
    run = board.plan_run(attempt, kind="full", partition="search", seed=0, fidelity="full")
    [(_, score)] = carry_through(parts, executor, [Order(run=run)])
    assert score.ok, score.error
    for state in FULL:
        board.move(experiment.id, state, by="test")


@pytest.fixture
def campaign(sound: Campaign, tmp_path: Path) -> Campaign:
    return copied(sound, tmp_path)


def row_of(campaign: Campaign, id: int) -> Row:
    return next(row for row in campaign.rows() if row.id == id)


def test_the_cpu_seconds_of_run_and_score_are_recorded(sound: Campaign):
    reference, greedy = row_of(sound, REFERENCE), row_of(sound, GREEDY)
    assert greedy.compute_s > 6.0
    assert greedy.compute_s - reference.compute_s > 4.0
    assert greedy.compute_ratio > 1.5
    assert greedy.note == f"used {greedy.compute_ratio:.1f} x the compute of #{REFERENCE}"


def test_the_reference_with_the_same_compute_stands_beside_the_gain(campaign: Campaign):
    before = campaign.rows()
    found = campaign.match(GREEDY)
    reference, greedy = row_of(campaign, REFERENCE), row_of(campaign, GREEDY)
    assert greedy.score < found["value"] < reference.score, "more work made it better, but its share of the budget is smaller"
    assert found["compute_s"] > reference.compute_s
    assert (greedy.matched, reference.matched) == (found["value"], None)
    assert f"#{REFERENCE} used" in greedy.note
    assert [(row.id, row.score, row.n, row.compute_s) for row in campaign.rows()] == [
        (row.id, row.score, row.n, row.compute_s) for row in before], "it ranks nothing and changes no row"
    [run] = [run for run in campaign.board.runs() if run.kind == "matched"]
    assert (run.experiment, run.status) == (REFERENCE, "ended")
    assert run.seconds > 0, "it is charged"
    assert run.id not in [each.id for each in full_runs(campaign.board, REFERENCE, None)]
    assert greedy.note in campaign.report().read_text(encoding="utf-8")
    assert campaign.verify().holds


def test_what_another_harness_measured_is_not_shown(campaign: Campaign):
    found = {"reference": REFERENCE, "runs": [], "stretch": 2.0, "value": 1.0, "compute_s": 9.0, "harness": "h-before"}
    campaign.board.set_fact(MATCHED, {str(GREEDY): found})
    assert row_of(campaign, GREEDY).matched is None
    campaign.board.set_fact(MATCHED, {str(GREEDY): {**found, "harness": campaign.parts.evaluator.version}})
    assert row_of(campaign, GREEDY).matched == 1.0


@pytest.mark.parametrize(("id", "said"), [(REFERENCE, "is itself the reference"), (FRUGAL, "used no more compute"), (9, "is not ranked")])
def test_what_cannot_be_matched_is_refused(sound: Campaign, id: int, said: str):
    with pytest.raises(BadInput, match=said):
        sound.match(id)


def test_compute_that_was_not_recorded_cannot_be_matched(campaign: Campaign):
    old = finished(campaign.board, 0.001, name="from_before", harness=campaign.parts.evaluator.version)
    with pytest.raises(BadInput, match="were not recorded"):
        campaign.match(old.id)


def test_the_command_line_prints_both_scores(campaign: Campaign):
    done = CliRunner().invoke(cli, ["match", str(campaign.workspace.root), str(GREEDY), "--json"])
    answer = json.loads(done.stdout)
    assert f"#{GREEDY} worker" in answer["message"]
    assert f"{answer['matched']:.6g}" in answer["message"]
