"""The chapter on what people decided: every decision once, with who, when and why, and what came of it as the board has it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from alphalab_nb.report.decisions import Decision, decisions
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.experiment import Experiment, State
from alphalab_nb.storage.patches import Patches
from alphalab_nb.storage.questions import Questions
from alphalab_nb.storage.snapshots import Snapshots
from tests.boards import proposal, scored
from tests.dispatch.test_dispatcher import in_background, until
from tests.report import campaigns
from tests.report.campaigns import TO_FINISHED, Told
from tests.report.pages import Page
from tests.support import ready, sleepers, small_campaign

HEADING = "What people decided"
BEST = "the best at that time (#1, 2)"


@pytest.fixture
def told(tmp_path: Path) -> Told:
    """A campaign with one score, 2, before anybody decides anything."""
    told = campaigns.empty(tmp_path)
    told.board.set_fact("harness", "h1")
    campaigns.add(told.board, "first", 2.0)
    return told


def settled(board: Board, verb: str, *, result: str = "", applied: bool = True, **args: Any) -> int:
    """Leave a command of ada's that was carried out."""
    time.sleep(0.002)  # times have milliseconds, and what comes later must be later
    id = board.command(verb, by="ada", **args)
    board.settle(id, applied=applied, result=result)
    time.sleep(0.002)
    return id


def later(board: Board, name: str, value: float | None = None, *, state: State = State.TO_IMPLEMENT, **changes: Any) -> Experiment:
    """Put an experiment on the board, scored if a value is given."""
    time.sleep(0.002)
    made = board.add(proposal(name, **changes), by="strategist", state=state)
    return measured(board, made.id, value) if value is not None else made


def measured(board: Board, id: int, value: float) -> Experiment:
    campaigns.run(board, id, scored(value))
    return campaigns.bring(board, id, *TO_FINISHED, outcome="ok", verdict="keep")


def chapter(told: Told) -> list[Decision]:
    patches = Patches(told.board.database, told.workspace, Snapshots(told.workspace)).list()
    return decisions(told.board, told.playbook, patches, told.metric)


def only(told: Told) -> Decision:
    (decision,) = chapter(told)
    return decision


# -- what came of it -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "said"), [
    (1.5, f"keep, wMAPE 1.5, 25.0% better than {BEST}"), (3.0, f"keep, wMAPE 3, 50.0% worse than {BEST}"),
    (2.0, f"keep, wMAPE 2, as good as {BEST}"),
])
@pytest.mark.parametrize("verb", ["approve", "pin", "priority"])
def test_an_experiment_that_a_person_wanted_is_measured_against_the_best_of_that_time(told: Told, verb: str, value: float, said: str):
    wanted = later(told.board, "wanted")
    settled(told.board, verb, id=wanted.id)
    later(told.board, "better_still", 0.5)  # not known when it was decided
    measured(told.board, wanted.id, value)
    decision = only(told)
    assert (decision.who, decision.state, decision.outcome) == ("ada", "applied", said)
    assert decision.what == f"{verb} #2 wanted"


def test_larger_is_better_where_the_metric_says_so(tmp_path: Path):
    told = campaigns.empty(tmp_path, direction="maximize")
    campaigns.add(told.board, "first", 2.0)
    wanted = later(told.board, "wanted")
    settled(told.board, "approve", id=wanted.id)
    measured(told.board, wanted.id, 3.0)
    assert only(told).outcome == f"keep, wMAPE 3, 50.0% better than {BEST}"


def test_what_gave_no_score_is_said_as_it_ended(told: Told):
    failed, aside, waits = (later(told.board, name) for name in ("failed", "aside", "waits"))
    for made in (failed, aside, waits):
        settled(told.board, "approve", id=made.id)
    campaigns.bring(told.board, failed.id, State.FINISHED, outcome="failed", error="crash: x")
    measured(told.board, aside.id, 0.001)
    told.board.change(aside.id, quarantined=True)
    assert [decision.outcome for decision in chapter(told)] == ["failed: crash", "quarantined, not ranked", "no full score (to_implement)"]


def test_an_injected_experiment_is_found_and_measured(told: Told):
    made = later(told.board, "mine")
    wish = {"name": "mine", "family": "drift", "hypothesis": "it grows", "config": {"k": 2}}
    settled(told.board, "inject", **wish, result=f"experiment {made.id} injected")
    measured(told.board, made.id, 1.0)
    decision = only(told)
    assert decision.outcome == f"#2: keep, wMAPE 1, 50.0% better than {BEST}"
    assert (decision.words, decision.what) == ("it grows", 'inject mine family drift, config {"k": 2}')


def test_a_veto_tells_whether_the_idea_came_again(told: Told):
    vetoed = later(told.board, "lags", family="lags", config={"n": 9}, state=State.PROPOSED)
    settled(told.board, "veto", id=vetoed.id, reason="too slow")
    assert only(told).outcome == "nothing was proposed after it"
    later(told.board, "other", config={"n": 9})
    assert only(told).outcome == "nothing of that name or configuration came again in 1 later experiment(s)"
    later(told.board, "lags")  # becomes lags_2
    later(told.board, "renamed", family="lags", config={"n": 9})
    assert only(told).outcome == "it came again: #4 lags_2 by strategist (to_implement), #5 renamed by strategist (to_implement)"
    assert only(told).words == "too slow"


def test_a_note_tells_the_turn_that_had_it(told: Told):
    told.board.event("strategy", "2 accepted", role="strategist")
    settled(told.board, "note", text="try less", result="noted")
    assert only(told).outcome == "no turn of the strategy ended after it"
    for _ in range(2):
        told.board.event("strategy", "1 accepted", role="strategist")
    assert (only(told).words, only(told).outcome) == ("try less", "turn 2 of the strategy was the first to end after it")


def test_pause_and_stop_tell_what_followed(told: Told):
    settled(told.board, "pause", result="paused")
    told.board.set_fact("paused", True)
    assert only(told).outcome == "still paused"
    settled(told.board, "resume", result="resumed")
    told.board.set_fact("paused", False)
    settled(told.board, "stop", result="stopping")
    told.board.set_fact("stop_reason", "stopped_by_person")
    assert [decision.outcome for decision in chapter(told)] == [
        "resumed by ada after 0 s", "resumed", "the experiments ended: stopped_by_person",
    ]


@pytest.mark.parametrize(("verb", "args", "result"), [
    ("budget", {"usd": 5}, "usd 5 (was 2)"), ("policy", {"approval": "ask"}, "approval ask (was auto)"),
    ("ask", {"text": "best?"}, "It is #1."),
])
def test_budget_policy_and_questions_tell_the_value_or_the_answer(told: Told, verb: str, args: dict[str, Any], result: str):
    settled(told.board, verb, result=result, **args)
    assert only(told).outcome == result


def test_what_was_refused_or_waits_is_there_too_with_the_reason(told: Told):
    settled(told.board, "approve", id=99, applied=False, result="there is no experiment 99")
    told.board.command("pin", by="eve", id=1)
    assert [(d.who, d.what, d.state, d.outcome) for d in chapter(told)] == [
        ("ada", "approve #99", "refused", "there is no experiment 99"), ("eve", "pin #1 first", "waiting", "nobody has carried it out"),
    ]


def test_an_approval_by_policy_is_told_apart_from_that_of_a_person(told: Told):
    mine, other = (later(told.board, name, state=State.PROPOSED) for name in ("mine", "other"))
    settled(told.board, "approve", id=mine.id)
    told.board.move(mine.id, State.TO_IMPLEMENT, by="ada", reason="approved")
    told.board.move(other.id, State.TO_IMPLEMENT, by="policy", reason="nobody decided within 30 s")
    measured(told.board, other.id, 1.0)
    assert [(d.who, d.what, d.words) for d in chapter(told)] == [
        ("ada", "approve #2 mine", ""), ("policy", "approve #3 other by policy", "nobody decided within 30 s"),
    ]
    assert chapter(told)[1].outcome == f"keep, wMAPE 1, 50.0% better than {BEST}"


def test_questions_of_agents_tell_who_answered_or_the_default(told: Told):
    questions = Questions(told.board.database)
    answered, missed, waits = (questions.ask(f"{n}?", default="no", wait_s=wait, role="explorer") for n, wait in enumerate((60, 0, 60)))
    questions.answer(answered.id, "yes", by="ada")
    told.board.event("answer", f"question {answered.id}: yes", role="ada")
    found = {d.what: (d.who, d.state, d.outcome) for d in chapter(told)}
    assert found == {
        f"question {answered.id} of explorer": ("ada", "applied", "answered: yes"),
        f"question {missed.id} of explorer": ("nobody", "applied", "default taken: no"),
        f"question {waits.id} of explorer": ("nobody yet", "waiting", "by default: no"),
    }


def test_lessons_by_hand_are_told_once_and_those_of_agents_never(told: Told):
    told.playbook.add("of an agent", kind="works", evidence=[1], author="analyst")
    by_hand = told.playbook.add("never difference twice", kind="avoid", evidence=[], author="ada", human=True)
    time.sleep(0.005)
    told.playbook.edit(by_hand.id, claim="difference once", author="ada", human=True)
    time.sleep(0.005)  # what happens within a millisecond has no order
    command = told.board.command("playbook_add", by="ada", claim="short is good", kind="insight")
    entry = told.playbook.add("short is good", kind="insight", evidence=[], author="ada", human=True)
    told.board.settle(command, applied=True, result=f"playbook entry {entry.id} added")
    told.playbook.retire(entry.id, author="analyst", human=True)
    assert [(d.who, d.what, d.words, d.outcome) for d in chapter(told)] == [
        ("ada", "playbook add entry 2", "never difference twice", "now at version 2 by ada"),
        ("ada", "playbook edit entry 2", "difference once", "in force"),
        ("ada", 'playbook add kind insight', "short is good", "playbook entry 3 added; now retired"),
        ("analyst", "playbook retire entry 3", "short is good", "now retired"),
    ]


def test_a_change_that_was_taken_back_is_told_and_one_that_stands_is_not(tmp_path: Path):
    campaign = small_campaign(tmp_path)
    file = campaign.workspace.adapter / "domain_knowledge.md"
    for line in ("one", "two"):
        text = f"{file.read_text(encoding='utf-8')}\n- {line}\n"
        campaign.patches.apply(file, lambda text=text: file.write_text(text, encoding="utf-8"), reason=f"add {line}", by="supervisor")
    campaign.revert_patch(2, by="ada")
    (decision,) = decisions(campaign.board, campaign.playbook, campaign.patches.list(), campaign.parts.metric)
    assert (decision.who, decision.what, decision.words) == ("ada", "revert change 2 of supervisor", "add two")
    assert decision.at == campaign.board.events(kind="patch")[-1]["at"]


# -- the page --------------------------------------------------------------------------------------------------


def test_the_page_has_a_row_for_each_decision_in_the_order_of_time(told: Told):
    for name in ("b", "a"):
        settled(told.board, "note", text=f"note {name}", result="noted")
    table = Page(told.report()).table(HEADING)
    assert table.columns == ["when", "who", "what", "reason or words", "state", "outcome"]
    assert [row["reason or words"] for row in table.rows] == ["note b", "note a"]
    assert [row["when"] for row in table.rows] == sorted(row["when"] for row in table.rows)


def test_where_nothing_was_decided_one_sentence_says_so(told: Told):
    page = Page(told.report())
    assert HEADING in page.headings
    assert "Nothing was decided by people in this campaign." in page.text
    assert not [table for table in page.tables if table.heading == HEADING]


def test_words_of_people_are_never_markup_and_long_ones_are_cut(told: Told):
    evil = "\"><script>alert('x')</script>\u202e" + "y" * 100_000
    orders = {"note": {"text": evil}, "inject": {"name": evil, "config": {evil: evil}}, "veto": {"id": [evil], "reason": evil},
              "approve": {"id": {"a": evil}}, "budget": {evil: evil}}
    for verb, args in orders.items():
        told.board.settle(told.board.command(verb, by=evil, **args), applied=verb != "veto", result=evil)
    told.playbook.add(evil, kind="avoid", evidence=[], author=evil, human=True)
    Questions(told.board.database).ask(evil, default=evil, wait_s=0, role=evil)
    html = told.report()
    page = Page(html)
    assert page.faults == []
    assert "script" not in {tag for tag, _ in page.tags}
    rows = page.table(HEADING).rows
    assert len(rows) == 7
    assert all(len(cell) <= 320 for row in rows for cell in row.values())


def test_half_a_character_does_not_keep_the_report_from_being_written(told: Told):
    settled(told.board, "note", text="half \ud800 of it", result="noted")
    assert Page(told.report()).table(HEADING).rows[0]["reason or words"] == "half ? of it"


def test_decisions_on_a_running_campaign_are_in_its_report(tmp_path: Path):
    campaign = ready(small_campaign(tmp_path, sleepers(0, 0, 0), limits={"max_experiments": 4, "family_share": 1.0}, approval="ask"))
    thread = in_background(campaign)
    until(lambda: len(campaign.board.list(State.PROPOSED)) == 3)  # the third stays: nothing ends before it is stopped
    campaign.approve(1, by="ada")
    campaign.veto(2, reason="too slow", by="ada")
    campaign.inject("drift_mine", hypothesis="it grows", family="drift", by="eve")
    until(lambda: any(e.name == "drift_mine" and e.state in (State.ANALYZED, State.DONE) for e in campaign.board.list()))
    campaign.stop(by="ada")
    thread.join(60)
    page = Page(campaign.report().read_text(encoding="utf-8"))
    rows = {row["what"].split()[0]: row for row in page.table(HEADING).rows}
    assert [rows[verb]["state"] for verb in ("approve", "veto", "inject", "stop")] == ["applied"] * 4
    assert "rmse" in rows["approve"]["outcome"]
    assert rows["veto"]["outcome"] == "nothing of that name or configuration came again in 1 later experiment(s)"
    assert rows["inject"]["outcome"].startswith("#4: ")
    assert (rows["inject"]["who"], rows["stop"]["outcome"]) == ("eve", "the experiments ended: stopped_by_person")
