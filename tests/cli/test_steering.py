"""Steering from the command line: what a person types is on the board under their name, or refused with the remedy."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from alphalab_nb.campaign import Campaign
from tests.boards import finished, proposal
from tests.support import small_campaign


def call(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "alphalab_nb.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    made = small_campaign(tmp_path)
    finished(made.board, 1.0)
    made.playbook.add("levels drift", kind="works", evidence=[1], author="offline")
    made.board.add(proposal("waits"), by="offline")
    return made


@pytest.mark.parametrize(("verb", "typed", "left"), [
    ("priority", ["2", "-4"], ("priority", {"id": 2, "priority": -4})),
    ("policy", ["--approval", "ask", "--after", "90", "--check-in-every", "5"],
     ("policy", {"approval": "ask", "after_s": 90.0, "check_in_every": 5})),
    ("budget", ["--experiments", "40", "--usd", "2.5", "--runs", "0"], ("budget", {"max_experiments": 40, "max_runs": 0, "usd": 2.5})),
    ("playbook", ["--add", "avoid levels", "--kind", "avoid", "--evidence", "1", "--evidence", "2"],
     ("playbook_add", {"claim": "avoid levels", "kind": "avoid", "evidence": [1, 2]})),
    ("playbook", ["--edit", "1", "--claim", "levels wander"], ("playbook_edit", {"entry": 1, "claim": "levels wander"})),
    ("playbook", ["--retire", "1"], ("playbook_retire", {"entry": 1})),
    ("note", ["watch this", "--experiment", "2"], ("note", {"text": "watch this", "id": 2})),
    ("inject", ["drift_1", "--hypothesis", "h", "--priority", "7"],
     ("inject", {"name": "drift_1", "hypothesis": "h", "family": "", "config": {}, "brief": "", "priority": 7})),
])
def test_a_steering_verb_leaves_its_command_with_its_author(
    campaign: Campaign, verb: str, typed: list[str], left: tuple[str, dict[str, Any]]
):
    done = call(verb, campaign.workspace.root, *typed, "--by", "ada", "--json")
    assert done.returncode == 0, done.stderr
    (command,) = campaign.board.commands(state="pending")
    assert (command.id, command.verb, command.args, command.actor) == (json.loads(done.stdout)["command"], *left, "ada")


@pytest.mark.parametrize(("verb", "typed", "said"), [
    ("priority", ["9", "1"], "no experiment 9"), ("policy", ["--after", "-1"], "greater than or equal to 0"),
    ("policy", ["--approval", "never"], "'auto', 'ask'"), ("budget", ["--experiments", "0"], "greater than or equal to 1"),
    ("budget", ["--usd", "nan"], "finite"), ("playbook", ["--add", "x", "--retire", "1"], "give --add CLAIM"),
    ("playbook", ["--claim", "x"], "give --add CLAIM"), ("playbook", ["--add", "x", "--evidence", "9"], "no experiment 9"),
    ("playbook", ["--edit", "9", "--claim", "x"], "no playbook entry 9"), ("note", ["x", "--experiment", "9"], "no experiment 9"),
    ("approve", ["9" * 23], "no experiment 999"), ("priority", ["9" * 23, "1"], "no experiment 999"),
    ("playbook", ["--retire", "9" * 23], "no playbook entry 999"), ("answer", ["9" * 23, "yes"], "no question 999"),
    ("patches", ["--revert", "9" * 23], "no patch 999"),
    ("inject", ["drift_1", "--hypothesis", "h", "--priority", "9" * 23], "whole number"),
])
def test_what_cannot_be_is_exit_2_with_the_remedy_and_leaves_no_trace(campaign: Campaign, verb: str, typed: list[str], said: str):
    done = call(verb, campaign.workspace.root, *typed)
    assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (2, True, False), done.stderr
    assert campaign.board.commands() == []


def test_without_a_change_policy_budget_and_playbook_show_what_holds(campaign: Campaign):
    root = campaign.workspace.root
    campaign.board.set_fact("limits", {"usd": 4.0})
    assert json.loads(call("policy", root, "--json").stdout) == {"policy": {"approval": "auto", "after_s": 0.0, "check_in_every": 0}}
    budget = json.loads(call("budget", root, "--json").stdout)
    assert (budget["limits"]["usd"], budget["limits"]["max_experiments"], budget["spent"]["usd"]) == (4.0, 8, 0.0)
    assert "usd 4.0" in call("budget", root).stdout
    assert "levels drift" in call("playbook", root).stdout
    assert campaign.board.commands() == []


def test_a_retired_lesson_is_not_revived_by_an_edit(campaign: Campaign):
    campaign.playbook.retire(1, author="ada", human=True)
    done = call("playbook", campaign.workspace.root, "--edit", 1, "--claim", "levels wander")
    assert (done.returncode, "has been retired; add it anew" in done.stderr) == (2, True)
    assert campaign.playbook.get(1).status == "retired"
