"""The sealed test of a real campaign: opened once, taken up again after a kill, and once more only if somebody says why."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from alphalab_nb.campaign import Campaign
from alphalab_nb.errors import BadInput
from alphalab_nb.executors import make_executor
from alphalab_nb.phases import confirm_best, open_sealed
from tests.faults.kill import kill_tree
from tests.report.pages import Page
from tests.verify.campaigns import STRAY, copied, experiment

CLOSE = """
import sys
from alphalab_nb.campaign import Campaign
from alphalab_nb.executors import make_executor
from alphalab_nb.phases import confirm_best, open_sealed
campaign = Campaign.open(sys.argv[1])
with make_executor("inline") as executor:
    confirm_best(campaign.parts, executor)
    open_sealed(campaign.parts, executor)
"""


def close(campaign: Campaign) -> dict:
    """Do what the notebook of phase 4 does, without the verification in between."""
    with make_executor("inline") as executor:
        confirm_best(campaign.parts, executor)
        return open_sealed(campaign.parts, executor)


def search_on(campaign: Campaign) -> None:
    with make_executor("inline") as executor:
        experiment(campaign, executor, "config", 1.5)


@pytest.fixture(scope="module")
def ended(sound: Campaign, tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """A campaign whose sealed test was opened, and whose search went on after that and found something better."""
    campaign = copied(sound, tmp_path_factory.mktemp("ended"))
    for phase in ("adapt", "explore", "build", "experiment"):
        campaign.board.set_step(phase, "phase", "finished")
    campaign.board.change(STRAY, quarantined=1)  # else it would be the champion, and what comes after it no better
    close(campaign)
    campaign.board.set_step("report", "phase", "finished")
    search_on(campaign)
    return campaign


@pytest.fixture
def after(ended: Campaign, tmp_path: Path) -> Campaign:
    return copied(ended, tmp_path)


def killed_in_the_opening(campaign: Campaign) -> None:
    """Close in a process of its own, and kill it as soon as the log says that sealed is being read."""
    before = campaign.parts.partitions.reads("sealed")
    process = subprocess.Popen([sys.executable, "-c", CLOSE, str(campaign.workspace.root)], start_new_session=True,
                               env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])})
    while campaign.parts.partitions.reads("sealed") == before:
        assert process.poll() is None
        time.sleep(0.005)
    kill_tree(process)
    assert process.returncode == -signal.SIGKILL, "it had ended before it could be killed"


def test_an_opening_killed_in_the_middle_is_finished_as_the_same_one(campaign: Campaign):
    killed_in_the_opening(campaign)
    assert [opening.state for opening in campaign.openings.list()] == ["begun"]
    assert campaign.status()["sealed"] is None
    sealed = close(campaign)
    [opening] = campaign.openings.list()
    assert (opening.state, opening.champion, opening.score) == ("finished", sealed["champion"], sealed["score"])
    assert list(campaign.parts.partitions.openings("sealed").values()) == [2]
    page = Page(campaign.report().read_text(encoding="utf-8"))
    assert page.terms["Sealed opened"] == "1 time; read 2 times: an opening was interrupted and taken up again"
    assert "not blind" not in page.text
    assert campaign.verify().holds


def test_without_again_nothing_is_opened_a_second_time(after: Campaign):
    reads = after.parts.partitions.reads("sealed")
    with pytest.raises(BadInput, match="report RUN --again --reason WHY"):
        after.run("report")
    for name in ("confirm_best", "open_sealed"):  # somebody takes the record of the steps away
        after.board.set_step("report", name, "failed")
    with pytest.raises(BadInput, match="report RUN --again --reason WHY"):
        close(after)
    assert after.parts.partitions.reads("sealed") == reads
    assert "1 full score has come since the sealed test was opened" in Page(after.report().read_text(encoding="utf-8")).text


def test_with_a_reason_it_is_opened_once_more_and_both_numbers_stay(after: Campaign):
    first = after.board.fact("sealed")
    after.open_again("another week of search", by="ada")
    killed_in_the_opening(after)
    assert after.board.fact("sealed") == first
    assert after.phase() == "report"
    second = close(after)
    assert second["champion"] != first["champion"]
    assert [(o.number, o.by, o.champion, o.score) for o in after.openings.list()] == [
        (1, "phase report", first["champion"], first["score"]), (2, "ada", second["champion"], second["score"])]
    assert list(after.parts.partitions.openings("sealed").values()) == [1, 2]
    assert [row["reason"] for row in after.status()["openings"]][1:] == ["another week of search"]
    assert after.verify().holds

    page = Page(after.report().read_text(encoding="utf-8"))
    rows = page.table("Openings of the sealed test").rows
    assert [(row["by"], row["champion"], row["state"], row["reads"]) for row in rows] == [
        ("phase report", f"#{first['champion']}", "finished", "1"), ("ada", f"#{second['champion']}", "finished", "2")]
    assert "This number is not blind." in page.text
    assert f"by experiment #{first['champion']}." in page.text
    assert page.terms["Sealed opened"].startswith("2 times – more than once, so the result is no blind test")


def test_an_opening_that_is_on_no_record_is_named_by_the_check_of_the_campaign(after: Campaign):
    after.parts.partitions.open("sealed", by="somebody", reason="curious", again=True)
    faults = {line.what: line.found for line in after.verify().faults}
    assert faults["openings of sealed that are not on record"] == "somebody: curious"
    rows = Page(after.report().read_text(encoding="utf-8")).table("Openings of the sealed test").rows
    assert (rows[1]["by"], rows[1]["state"]) == ("somebody", "outside of phase 4")


def call(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "alphalab_nb.cli", *map(str, arguments), "--json"]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.slow
def test_the_verb_runs_the_whole_phase_anew_and_refuses_to_do_so_twice_for_one_reason(after: Campaign):
    workspace = after.workspace.root
    for arguments in (["--again"], ["--reason", "curious"], ["--again", "--reason", " "]):
        refused = call("report", workspace, *arguments)
        assert (refused.returncode, "reason" in refused.stderr) == (2, True)
    done = call("report", workspace, "--again", "--reason", "another week", "--by", "ada")
    assert done.returncode == 0, done.stderr
    status = json.loads(done.stdout.splitlines()[-1])
    assert [(row["by"], row["state"]) for row in status["openings"]] == [("phase report", "finished"), ("ada", "finished")]
    assert status["sealed"]["score"] == status["openings"][1]["score"] != status["openings"][0]["score"]
    assert after.board.step("report", "verify_champion")["result"]["champion"] == status["openings"][1]["champion"]
    parameters = json.loads(after.workspace.notebook("report").read_text(encoding="utf-8"))["metadata"]["papermill"]["parameters"]
    assert parameters == {"workspace": str(workspace), "again": "another week"}
    assert "not blind" in after.workspace.report.read_text(encoding="utf-8")
    twice = call("report", workspace, "--again", "--reason", "another week")
    assert (twice.returncode, "a reason of its own" in twice.stderr) == (2, True)
    assert after.parts.partitions.reads("sealed") == 2
