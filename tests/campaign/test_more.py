"""Experiments that have ended can go on, if somebody asks for it by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from alphalab_nb.campaign import Campaign
from alphalab_nb.cli import cli
from alphalab_nb.dispatch.triggers import StopReason
from alphalab_nb.errors import BadInput
from tests.support import ready, sleepers, small_campaign

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    campaign = ready(small_campaign(tmp_path_factory.mktemp("more"), sleepers(0, 0, 0), limits={"max_experiments": 1}))
    campaign.run("experiment")
    return campaign


def test_so_many_more_experiments_are_run_and_scored(ended: Campaign):
    with pytest.raises(BadInput, match="--more N"):
        ended.budget(max_experiments=2)
    done = CliRunner().invoke(cli, ["run", str(ended.workspace.root), "--more", "1", "--json"])
    assert done.exit_code == 0, done.output
    assert [row.name for row in sorted(ended.rows(), key=lambda row: row.id)] == ["sleeper_1", "sleeper_2"]
    assert ended.finished("experiment")
    assert ended.board.fact("stop_reason") == StopReason.EXPERIMENTS


@pytest.mark.parametrize(("more", "phase", "message"), [("0", None, "give 1 or more"), ("2", "report", "is of the phase experiment")])
def test_a_request_that_makes_no_sense_is_refused(ended: Campaign, more: str, phase: str | None, message: str):
    done = CliRunner().invoke(cli, ["run", str(ended.workspace.root), "--more", more, *(["--phase", phase] if phase else [])])
    assert done.exit_code == 2
    assert message in done.output


def test_a_search_that_has_converged_says_what_to_change_first(ended: Campaign):
    before = ended.board.fact("stop_reason")
    ended.board.set_fact("stop_reason", StopReason.CONVERGED.value)
    try:
        with pytest.raises(BadInput, match=r"limits\.convergence"):
            ended.run_more(1)
    finally:
        ended.board.set_fact("stop_reason", before)


def test_what_has_not_ended_needs_a_budget_and_no_more(tmp_path: Path):
    with pytest.raises(BadInput, match="--max-experiments"):
        small_campaign(tmp_path, sleepers(0)).run_more(1)


def test_the_demo_goes_on_with_a_campaign_that_is_there(ended: Campaign):
    for phase in ("adapt", "explore", "build", "experiment", "report"):
        ended.board.set_step(phase, "phase", "finished")
    done = CliRunner().invoke(cli, ["demo", str(ended.workspace.root), "--json"])
    assert done.exit_code == 0, done.output
