"""What people ask for at the desk: applied or refused with the reason, never lost, and never the end of the loop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alphalab_nb.agents.minds import is_live
from alphalab_nb.campaign import Campaign
from alphalab_nb.dispatch.commands import Desk
from alphalab_nb.dispatch.plans import carry_out
from alphalab_nb.dispatch.triggers import StopReason
from alphalab_nb.dispatch.view import board_view
from alphalab_nb.errors import BadInput
from alphalab_nb.storage.board import VERBS
from alphalab_nb.storage.experiment import State
from alphalab_nb.strategies.base import Lesson, Plan
from alphalab_nb.strategies.wishes import wishes
from tests.boards import finished, proposal
from tests.dispatch.loops import ends, in_background, until
from tests.support import ready, sleepers, small_campaign

pytestmark = pytest.mark.timeout(180)
BRIEF = "Fit a line through the last twelve values of every series by least squares, damp its slope by a tenth, and go on along it."
THINKING = {"default": "offline", "worker_implement": "openai:gpt-5.2"}


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    return small_campaign(tmp_path)


def applied(campaign: Campaign) -> None:
    Desk(campaign.parts, {r.family: r for r in campaign.parts.recipes}, lambda id: False).apply_all()


def told(campaign: Campaign) -> list[tuple[str, str]]:
    return [(command.state, command.result) for command in campaign.board.commands()]


# -- whatever is asked ---------------------------------------------------------------------------------------

HOSTILE: list[dict[str, Any]] = [
    {}, {"id": 10**30}, {"id": "1; drop table commands"}, {"id": [1]}, {"id": 1, "priority": 10**30}, {"id": 1, "priority": 1.5},
    {"id": 1, "priority": True}, {"name": "x", "config": [1]}, {"name": "drift_x", "priority": 10**30}, {"text": ["a"]},
    {"claim": "c", "kind": "\ud800"}, {"claim": "c", "evidence": [99]},
    {"claim": "c", "evidence": "1"}, {"claim": " "}, {"entry": 7}, {"entry": 10**30, "evidence": []},
    {"max_runs": 10**30, "usd": "much"}, {"check_in_every": {}},
]


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in ("pause", "resume", "stop", "ask")])
def test_arguments_that_cannot_be_used_are_refused_with_an_event_of_who_asked(campaign: Campaign, verb: str):
    campaign.board.move(finished(campaign.board, 1.0).id, State.ANALYZED, by="worker")
    before = [campaign.board.list(), campaign.board.notes(), campaign.playbook.entries(retired=True), campaign.status()["limits"]]
    for args in HOSTILE:
        campaign.board.command(verb, by="mallory", **args)
    applied(campaign)
    commands = campaign.board.commands()
    assert {command.state for command in commands} == {"refused"}
    events = campaign.board.events(kind="command")
    assert [event["role"] for event in events] == ["mallory"] * len(commands)
    assert all(event["text"].startswith(f"{verb} refused: ") for event in events)
    assert before == [campaign.board.list(), campaign.board.notes(), campaign.playbook.entries(retired=True), campaign.status()["limits"]]


def test_half_a_character_in_a_note_becomes_a_question_mark(campaign: Campaign):
    campaign.board.command("note", by="mallory", text="half \ud800")
    applied(campaign)
    assert [note.text for note in campaign.board.notes()] == ["half ?"]


def test_what_is_applied_leaves_an_event_with_who_and_the_experiment(campaign: Campaign):
    id = campaign.board.add(proposal("x"), by="strategy").id
    campaign.priority(id, -3, by="ada")
    campaign.note("try it with a longer window", id, by="bob")
    campaign.policy(after_s=30, by="cyd")
    campaign.budget(max_experiments=30, usd=0, by="dan")
    campaign.playbook_add("differences beat levels", by="eve")
    applied(campaign)
    events = campaign.board.events(kind="command")
    asked = [(event["role"], event["experiment"]) for event in events]
    assert asked == [("ada", id), ("bob", id), ("cyd", None), ("dan", None), ("eve", None)]
    assert [event["text"] for event in events] == [
        f"priority: experiment {id} has priority -3 (was 0)", "note: noted; agents read it at their next turn",
        "policy: after_s 30 (was 0)", "budget: max_experiments 30 (was 8)", "playbook_add: playbook entry 1 added",
    ]


# -- priority, pin -------------------------------------------------------------------------------------------


def test_a_higher_priority_runs_next(tmp_path: Path):
    campaign = ready(small_campaign(tmp_path, sleepers(3, 3, 3), executor={"slots": 1}))
    thread = in_background(campaign)
    until(lambda: campaign.board.counts()[State.IMPLEMENTED] == 2 and campaign.board.list(State.RUNNING))
    first, (next_, last) = campaign.board.list(State.RUNNING)[0].id, [e.id for e in campaign.board.list(State.IMPLEMENTED)]
    campaign.priority(last, 5, by="ada")
    assert ends(thread, campaign) == StopReason.EXPERIMENTS
    order = [run.experiment for run in sorted(campaign.board.runs(), key=lambda run: run.started) if run.kind == "full"]
    assert order == [first, last, next_]


@pytest.mark.parametrize("state", [State.ANALYZED, State.DONE, State.CANCELLED])
def test_what_has_ended_has_no_priority_and_cannot_be_pinned(campaign: Campaign, state: State):
    ended = campaign.board.add(proposal("x"), by="strategy")
    campaign.board.database.connection().execute("update experiments set state = ? where id = ?", (state, ended.id))
    for ask in (lambda: campaign.priority(ended.id, 2), lambda: campaign.pin(ended.id)):
        with pytest.raises(BadInput, match=f"experiment 1 is {state}: it has ended.*inject it anew"):
            ask()
    campaign.board.command("priority", by="ada", id=ended.id, priority=2)
    campaign.board.command("pin", by="ada", id=ended.id)
    applied(campaign)
    assert [state for state, _ in told(campaign)] == ["refused", "refused"]
    assert campaign.board.get(ended.id).priority == 0


# -- inject --------------------------------------------------------------------------------------------------


def test_a_brief_stands_in_for_a_recipe_where_a_language_model_writes_programs(tmp_path: Path):
    campaign = small_campaign(tmp_path, llm=THINKING)
    assert is_live("worker_implement", campaign.config)
    with pytest.raises(BadInput, match="in 100 characters or more"):
        campaign.inject("damped_line", family="line", hypothesis="h", brief="a line", by="ada")
    campaign.inject("damped_line", family="line", hypothesis="h", brief=BRIEF, config={"damping": 0.9}, priority=4, by="ada")
    applied(campaign)
    (made,) = campaign.board.list()
    assert (made.family, made.brief, made.config, made.priority, made.author) == ("line", BRIEF, {"damping": 0.9}, 4, "ada")
    campaign.board.command("inject", by="ada", name="drfit_2", family="drfit", hypothesis="h")
    applied(campaign)
    assert "did you mean 'drift'" in told(campaign)[-1][1]


def test_rules_cannot_build_from_a_brief_and_say_what_would(campaign: Campaign):
    with pytest.raises(BadInput, match="give the role worker_implement a language model"):
        campaign.inject("damped_line", family="line", hypothesis="h", brief=BRIEF)
    campaign.board.command("inject", by="ada", name="damped_line", family="line", hypothesis="h", brief=BRIEF)
    applied(campaign)
    ((state, result),) = told(campaign)
    assert (state, "worker_implement" in result, campaign.board.list()) == ("refused", True, [])


# -- what reaches the strategy ---------------------------------------------------------------------------------


def test_a_veto_and_a_note_reach_the_next_turn_of_any_strategy(tmp_path: Path):
    campaign = ready(small_campaign(tmp_path))
    vetoed, other = (campaign.board.add(proposal(name), by="strategy", state=State.PROPOSED).id for name in ("one", "other"))
    campaign.veto(vetoed, reason="no drift, please", by="ada")
    campaign.note("prefer a longer window", other, by="bob")
    applied(campaign)
    view = board_view(campaign.parts, list(campaign.parts.recipes))
    assert view.notes == ["ada: vetoed #1 (one): no drift, please", "bob of #2: prefer a longer window"]
    assert wishes(view).avoided == {"drift"}, "the offline strategy obeys"


def test_a_note_on_an_experiment_that_does_not_exist_is_refused(campaign: Campaign):
    with pytest.raises(BadInput, match="no experiment 9"):
        campaign.note("look", 9)
    campaign.board.command("note", by="ada", text="look", id=9)
    applied(campaign)
    assert (told(campaign)[0][0], campaign.board.notes()) == ("refused", [])


# -- the playbook --------------------------------------------------------------------------------------------


def test_people_add_edit_and_retire_lessons_and_every_version_stays(campaign: Campaign):
    done = finished(campaign.board, 1.0)
    campaign.playbook_add("differences beat levels", kind="works", evidence=[done.id], by="ada")
    applied(campaign)
    campaign.playbook_edit(1, claim="differences beat levels by far", by="bob")
    applied(campaign)
    campaign.playbook_retire(1, by="cyd")
    applied(campaign)
    assert [(v.claim, v.kind, v.evidence, v.author, v.human, v.status) for v in campaign.playbook.versions(1)] == [
        ("differences beat levels", "works", (done.id,), "ada", True, "active"),
        ("differences beat levels by far", "works", (done.id,), "bob", True, "active"),
        ("differences beat levels by far", "works", (done.id,), "cyd", True, "retired"),
    ]
    assert "by far" not in campaign.workspace.playbook.read_text(encoding="utf-8")


@pytest.mark.parametrize(("verb", "args", "said"), [
    ("playbook_add", {"claim": "c", "evidence": [9]}, "no experiment 9"),
    ("playbook_add", {"claim": "c", "kind": "work"}, "did you mean 'works'"),
    ("playbook_add", {"claim": ""}, "says something"), ("playbook_edit", {"entry": 9, "claim": "c"}, "no playbook entry 9;.*playbook"),
    ("playbook_edit", {"entry": 1}, "nothing to change"), ("playbook_retire", {"entry": 9}, "no playbook entry 9"),
])
def test_a_lesson_that_cannot_be_is_refused_at_once(campaign: Campaign, verb: str, args: dict[str, Any], said: str):
    with pytest.raises(BadInput, match=said):
        getattr(campaign, verb)(**args)
    assert campaign.board.commands() == []


@pytest.mark.parametrize("change", ["edit", "retire"])
def test_what_a_person_made_of_a_strategys_lesson_stands(campaign: Campaign, change: str):
    done = finished(campaign.board, 1.0)
    lesson = Lesson(rule="best_family", claim="drift is best", kind="works", evidence=(done.id,))

    def turn(claim: str) -> None:
        plan = Plan(lessons=(Lesson(rule=lesson.rule, claim=claim, kind="works", evidence=(done.id,)),))
        carry_out(campaign.parts, plan, by="offline", saw=(), busy=lambda id: False)

    turn("drift is best")
    turn("drift is best by far")
    assert [entry.version for entry in campaign.playbook.entries()] == [2]
    campaign.playbook_retire(1, by="ada") if change == "retire" else campaign.playbook_edit(1, claim="drift is lucky", by="ada")
    applied(campaign)
    turn("drift is best of all")
    assert [entry.claim for entry in campaign.playbook.entries()] == ([] if change == "retire" else ["drift is lucky"])
