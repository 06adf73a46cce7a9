"""Two experiments beside each other: only what was measured by the same harness, on the same units."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from alphalab_nb.campaign import Campaign
from alphalab_nb.cli import cli
from alphalab_nb.errors import BadInput, MixedVersions, NotFound
from tests.boards import finished, proposal
from tests.boards import scored as scored_by
from tests.support import small_campaign

FIRST, SECOND = 1, 2


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    campaign = small_campaign(tmp_path)
    campaign.board.set_fact("harness", "h1")
    return campaign


def add(campaign: Campaign, losses: np.ndarray, *, harness: str = "h1") -> int:
    """Put an experiment on the board with one full run; its losses are by forecast origin."""
    board = campaign.board
    experiment = board.add(proposal("x"), by="test")
    attempt = board.add_attempt(experiment.id, commit="c" * 40, ast_hash=str(experiment.id))
    run = board.plan_run(attempt, kind="full", partition="search", seed=0, fidelity="full")
    units = tuple((f"t{place}/a", float(loss)) for place, loss in enumerate(losses))
    board.end_run(run.id, scored_by(float(np.sqrt(losses.mean())), units=units, harness=harness), 1.0)
    return experiment.id


def hard_and_easy() -> np.ndarray:
    """Losses whose spread over origins is far larger than what two programs differ by."""
    return 10 + 5 * np.random.default_rng(1).random(60)


def test_a_small_steady_gain_is_told_though_units_differ_far_more(campaign: Campaign):
    losses, jitter = hard_and_easy(), 0.02 * np.random.default_rng(2).standard_normal(60)
    add(campaign, losses - 0.1 + jitter), add(campaign, losses)
    duel = campaign.compare(FIRST, SECOND)
    assert duel.gain == pytest.approx(0.1 - jitter.mean())
    assert duel.low is not None
    assert 0 < duel.low < duel.gain < duel.high
    assert (duel.said, campaign.compare(SECOND, FIRST).said) == ("#1 is better than #2", "#2 is worse than #1")
    assert campaign.compare(SECOND, FIRST).p_value > 0.99 > 0.01 > duel.p_value


def test_luck_is_not_taken_for_a_gain(campaign: Campaign):
    losses = hard_and_easy()
    add(campaign, losses + np.random.default_rng(3).standard_normal(60)), add(campaign, losses)
    assert campaign.compare(FIRST, SECOND).said == "#1 and #2 cannot be told apart"


def test_a_single_unit_tells_nothing(campaign: Campaign):
    add(campaign, np.array([1.0])), add(campaign, np.array([2.0]))
    duel = campaign.compare(FIRST, SECOND)
    assert (duel.low, duel.high) == (None, None)
    assert duel.said.startswith("nothing tells")
    json.dumps(duel.as_dict(), allow_nan=False)


def test_different_versions_of_the_harness_are_refused_with_the_remedy(campaign: Campaign):
    add(campaign, hard_and_easy(), harness="h0"), add(campaign, hard_and_easy())
    with pytest.raises(MixedVersions, match=r"#1 was scored by harness h0, #2 by h1.*alphalab-nb rescore"):
        campaign.compare(FIRST, SECOND)


def test_what_one_retired_version_scored_can_be_compared(campaign: Campaign):
    add(campaign, hard_and_easy(), harness="h0"), add(campaign, hard_and_easy() + 1, harness="h0")
    assert campaign.compare(FIRST, SECOND).rows[0].evaluator == "h0"


def test_what_is_not_on_the_leaderboard_is_refused(campaign: Campaign):
    add(campaign, hard_and_easy())
    finished(campaign.board, 0.1, name="screened", fidelity="smoke")
    aside = add(campaign, hard_and_easy())
    campaign.board.change(aside, quarantined=1)
    for other, error, said in ((FIRST, BadInput, "two experiments"), (2, BadInput, "no full score"), (aside, BadInput, "in quarantine"),
                               (99, NotFound, "no experiment 99")):
        with pytest.raises(error, match=said):
            campaign.compare(FIRST, other)


def test_the_command_line_prints_rows_gain_and_verdict(campaign: Campaign):
    add(campaign, hard_and_easy() - 1), add(campaign, hard_and_easy())
    root = str(campaign.workspace.root)
    done = CliRunner().invoke(cli, ["compare", root, "1", "2", "--json"])
    assert json.loads(done.stdout)["said"] == "#1 is better than #2"
    assert [row["id"] for row in json.loads(done.stdout)["rows"]] == [1, 2]
    assert CliRunner().invoke(cli, ["compare", root, "1", "1"]).exit_code == BadInput.exit_code
