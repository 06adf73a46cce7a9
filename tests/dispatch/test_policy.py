"""When work begins without a person: approval that comes by itself, check-ins, and the change of either while the loop runs."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

import pytest

from alphalab_nb.campaign import Campaign
from alphalab_nb.dispatch.commands import Desk, Switches
from alphalab_nb.dispatch.gate import Gate
from alphalab_nb.dispatch.triggers import StopReason
from alphalab_nb.errors import BadInput
from alphalab_nb.storage.experiment import State
from alphalab_nb.storage.questions import DEFAULT
from tests.boards import proposal
from tests.dispatch.loops import ends, in_background, run, until
from tests.support import ready, sleepers, small_campaign

pytestmark = pytest.mark.timeout(180)
PROPOSED_FOR_S = 1.5


def applied(campaign: Campaign) -> None:
    Desk(campaign.parts, recipes={}, cancel_job=lambda id: False).apply_all()


def analyzed(campaign: Campaign, count: int) -> None:
    """Put experiments on the board that have come to their end."""
    for number in range(count):
        id = campaign.board.add(proposal(f"ended_{number}"), by="strategy").id
        campaign.board.move(id, State.FINISHED, by="worker", outcome="failed")
        campaign.board.move(id, State.ANALYZED, by="worker")


# -- approval ------------------------------------------------------------------------------------------------


def test_a_proposal_that_nobody_decides_on_goes_on_by_itself_and_a_veto_in_time_holds(tmp_path: Path):
    campaign = ready(small_campaign(tmp_path, sleepers(0, 0), approval="ask", approval_after_s=PROPOSED_FOR_S))
    thread = in_background(campaign)
    until(lambda: len(campaign.board.list(State.PROPOSED)) == 2)
    campaign.veto(2, reason="too slow", by="ada")
    assert ends(thread, campaign) == StopReason.EXHAUSTED
    put, accepted = campaign.board.history(1)[:2]
    assert (accepted.target, accepted.actor, accepted.reason) == (State.TO_IMPLEMENT, "policy", "nobody decided within 1.5 s")
    waited_s = (datetime.fromisoformat(accepted.at) - datetime.fromisoformat(put.at)).total_seconds()
    assert PROPOSED_FOR_S - 0.01 <= waited_s < PROPOSED_FOR_S + 10  # stamps are rounded
    assert (campaign.board.get(1).outcome, campaign.board.get(2).outcome) == ("ok", "vetoed")


def test_switching_to_auto_accepts_what_waits_in_the_name_of_who_switched(tmp_path: Path):
    campaign = ready(small_campaign(tmp_path, sleepers(0, 0, 0), approval="ask", limits={"max_experiments": 2}))
    thread = in_background(campaign)
    until(lambda: len(campaign.board.list(State.PROPOSED)) == 2)
    time.sleep(0.5)
    assert len(campaign.board.list(State.PROPOSED)) == 2, "with ask and no time, a proposal waits for ever"
    campaign.policy(approval="auto", by="ada")
    assert ends(thread, campaign) == StopReason.EXPERIMENTS
    assert [campaign.board.history(id)[1].actor for id in (1, 2)] == ["ada", "ada"]
    assert len(campaign.rows()) == 2


def test_a_policy_that_is_changed_to_ask_holds_what_is_proposed_from_then_on(tmp_path: Path):
    campaign = ready(small_campaign(tmp_path, sleepers(0)))
    campaign.policy(approval="ask", by="ada")
    thread = in_background(campaign)
    until(lambda: campaign.board.list(State.PROPOSED))
    campaign.approve(1, by="ada")
    assert ends(thread, campaign) == StopReason.EXPERIMENTS
    assert Campaign.open(campaign.workspace.root).status()["policy"]["approval"] == "ask", "the change outlives the process"


@pytest.mark.parametrize(("changes", "said"), [
    ({"approval": "perhaps"}, "'auto' or 'ask'"), ({"after_s": -1}, "greater than or equal to 0"), ({"check_in_every": 1.5}, "integer"),
    ({"after_s": float("inf")}, "finite"), ({}, "nothing to change; give one or more of approval, after_s, check_in_every"),
])
def test_a_policy_that_the_configuration_would_refuse_is_refused_at_once_and_at_the_desk(tmp_path: Path, changes: dict, said: str):
    campaign = small_campaign(tmp_path)
    with pytest.raises(BadInput, match=said):
        campaign.policy(**changes, by="ada")
    assert campaign.board.commands() == []
    campaign.board.command("policy", by="ada", **changes)
    applied(campaign)
    (command,) = campaign.board.commands(state="refused")
    assert said in command.result
    assert campaign.parts.policy() == campaign.config.policy


# -- check-ins -----------------------------------------------------------------------------------------------


def test_a_check_in_starts_nothing_new_until_a_person_says_go_on(tmp_path: Path):
    campaign = ready(small_campaign(tmp_path, sleepers(0, 0, 0, 0), check_in_every=2, executor={"slots": 1}))
    thread = in_background(campaign)
    until(lambda: campaign.questions.list(open_only=True))
    until(lambda: not campaign.board.runs(status="started"))
    begun = [run.id for run in campaign.board.runs() if run.status != "planned"]
    time.sleep(1)
    assert [run.id for run in campaign.board.runs() if run.status != "planned"] == begun
    (question,) = campaign.questions.list()
    assert (question.role, question.options, question.default) == ("dispatcher", ("go on", "stop here"), "go on")
    campaign.answer(question.id, "go on", by="ada")
    assert ends(thread, campaign) == StopReason.EXPERIMENTS
    assert len(campaign.rows()) == 4
    assert len(campaign.questions.list()) == 1, "after the last experiment there is nothing to ask"


def test_a_check_in_that_is_answered_with_stop_ends_the_experiments_and_a_later_run_goes_on(tmp_path: Path):
    campaign = ready(small_campaign(tmp_path, sleepers(0, 0, 0), check_in_every=2, executor={"slots": 1}))
    thread = in_background(campaign)
    until(lambda: campaign.questions.list(open_only=True))
    campaign.answer(1, "stop here", by="ada")
    assert ends(thread, campaign) == StopReason.PERSON
    assert ("check_in", "ada") in [(event["kind"], event["role"]) for event in campaign.board.events()]
    assert run(Campaign.open(campaign.workspace.root)) is StopReason.EXPERIMENTS
    assert len(campaign.rows()) == 3


def test_without_an_answer_the_campaign_goes_on_so_that_a_headless_run_never_blocks(tmp_path: Path):
    campaign = ready(small_campaign(tmp_path, sleepers(0, 0, 0), check_in_every=1, limits={"answer_s": 0.3}))
    assert run(campaign) is StopReason.EXPERIMENTS
    assert {question.answered_by for question in campaign.questions.list()} == {DEFAULT}


def test_a_check_in_survives_a_restart_and_is_not_asked_twice(tmp_path: Path):
    campaign = small_campaign(tmp_path, check_in_every=2)
    analyzed(campaign, 2)
    assert Gate(campaign.parts, Switches()).holds()
    again = Campaign.open(campaign.workspace.root)
    gate = Gate(again.parts, Switches())
    gate.hears()
    assert (gate.is_asking(), gate.holds()) == (True, True)
    assert 500 < gate.due_s() <= 600
    assert len(again.questions.list()) == 1
    again.answer(1, "go on", by="ada")
    gate.hears()
    assert (gate.is_asking(), gate.holds()) == (False, False)
    analyzed(again, 1)
    assert not gate.holds(), "the next one comes after as many again"
    analyzed(again, 1)
    assert gate.holds()


@pytest.mark.parametrize(("said", "stops", "notes"), [
    ("go on", False, []), ("Stop here", True, []), ("no!", True, []), ("note the season", False, ["ada: note the season"]),
    ("now the small ones", False, ["ada: now the small ones"]),
])
def test_a_free_answer_is_understood_as_stop_or_read_by_the_agents(tmp_path: Path, said: str, stops: bool, notes: list[str]):
    campaign = small_campaign(tmp_path, check_in_every=1)
    analyzed(campaign, 1)
    switches = Switches()
    gate = Gate(campaign.parts, switches)
    assert gate.holds()
    campaign.answer(1, said, by="ada")
    gate.hears()
    assert switches.stopped is stops
    assert [f"{note.author}: {note.text}" for note in campaign.board.notes()] == notes


def test_another_rhythm_answers_the_open_question_and_counts_from_now(tmp_path: Path):
    campaign = small_campaign(tmp_path, check_in_every=1)
    analyzed(campaign, 3)
    gate = Gate(campaign.parts, Switches())
    assert gate.holds()
    campaign.policy(check_in_every=2, by="ada")
    applied(campaign)
    assert not gate.holds()
    assert campaign.questions.get(1).answered_by == "ada"
    analyzed(campaign, 2)
    assert gate.holds()
