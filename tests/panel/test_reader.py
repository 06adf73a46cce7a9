"""The panel's picture of a board: whole, then changes only, and the same from any process."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from alphalab_nb.campaign import Campaign
from alphalab_nb.errors import BadInput, NotFound, WorkspaceError
from alphalab_nb.panel.detail import detail
from alphalab_nb.panel.reader import SAVED_CARDS, Reader
from alphalab_nb.panel.sections import SECTIONS, lab_path
from alphalab_nb.panel.steering import VERBS, steer
from alphalab_nb.process import FileLock
from alphalab_nb.storage.experiment import State
from alphalab_nb.storage.feed import CARD
from tests.boards import proposal
from tests.report.campaigns import add, add_failed, run, scored
from tests.support import sleepers, small_campaign


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    made = small_campaign(tmp_path, sleepers(0.1))
    made.board.set_fact("harness", "h1")
    return made


def card(reader: Reader, id: int) -> dict[str, Any]:
    return dict(zip(CARD, reader.cards[id], strict=True))


def test_the_whole_state_holds_every_section_and_is_json(campaign: Campaign):
    add(campaign.board, "one", 2.0)
    state = Reader(campaign.parts).whole()
    assert set(state["sections"]) == set(SECTIONS)
    assert state["reset"] is True
    assert json.loads(json.dumps(state)) == state


def test_where_nothing_has_happened_nothing_is_told(campaign: Campaign):
    reader = Reader(campaign.parts)
    reader.whole()
    assert reader.delta() is None
    assert reader.delta(force=True) is None


def test_a_change_is_told_alone(campaign: Campaign):
    first, second = (add(campaign.board, name, 2.0) for name in ("one", "two"))
    reader = Reader(campaign.parts)
    reader.whole()
    campaign.board.change(second.id, pinned=True)
    delta = reader.delta()
    assert delta is not None
    assert [held[0] for held in delta["cards"]] == [second.id]
    assert delta["sections"] == {}
    assert card(reader, first.id)["pinned"] == 0


def test_a_command_and_what_became_of_it_are_told(campaign: Campaign):
    reader = Reader(campaign.parts)
    reader.whole()
    id = steer(campaign, "note", {"text": "look at the tail"})
    delta = reader.delta()
    assert delta is not None
    assert [(c["id"], c["state"]) for c in delta["sections"]["people"]["commands"]] == [(id, "pending")]
    campaign.board.settle(id, applied=False, result="nobody listens")
    delta = reader.delta()
    assert delta is not None
    (told,) = delta["sections"]["people"]["commands"]
    assert (told["state"], told["result"]) == ("refused", "nobody listens")


def test_a_process_that_runs_the_campaign_is_seen_without_a_word_of_it(campaign: Campaign):
    reader = Reader(campaign.parts)
    assert reader.whole()["sections"]["campaign"]["running"] is False
    with FileLock(campaign.workspace.root / ".run.lock"):
        delta = reader.delta(force=True)
    assert delta is not None
    assert delta["sections"]["campaign"]["running"] is True


def test_a_saved_state_of_many_experiments_keeps_the_best_and_the_newest(campaign: Campaign):
    best = add(campaign.board, "best", 0.5)
    with campaign.board.database.transaction() as sql:
        for number in range(SAVED_CARDS + 50):
            sql.execute(
                "insert into experiments (name, family, hypothesis, config_json, brief, stage, fidelity, priority, author, state, created,"
                " moved) values (?, 'f', 'h', '{}', '', '', 'full', 0, 'x', 'to_implement', '', '')", (f"e{number}",)
            )
    saved = Reader(campaign.parts).saved()
    kept = {held[0] for held in saved["cards"]}
    assert len(kept) <= SAVED_CARDS
    assert {best.id, best.id + SAVED_CARDS + 50} <= kept
    assert saved["total"] == SAVED_CARDS + 51


def test_scores_of_another_evaluator_and_quarantined_ones_are_not_ranked(campaign: Campaign):
    good, odd = add(campaign.board, "good", 2.0), add(campaign.board, "odd", 1.0)
    campaign.board.change(odd.id, quarantined=True)
    other = campaign.board.add(proposal("other"), by="test")
    run(campaign.board, other.id, scored(0.1, harness="another"))
    reader = Reader(campaign.parts)
    reader.whole()
    assert [held[0] for held in reader.ranked()] == [good.id]


def test_an_opened_card_shows_runs_moves_notes_and_the_difference_to_its_parent(campaign: Campaign):
    parent = add(campaign.board, "parent", 2.0)
    child = campaign.board.add(proposal("child", parent=parent.id), by="ana")
    for experiment, text in ((parent, "x = 1\n"), (child, "x = 2\n")):
        newest = campaign.board.attempts(experiment.id) or [campaign.board.add_attempt(experiment.id, commit="c" * 40, ast_hash="h")]
        folder = campaign.workspace.attempt(experiment.id, newest[-1].number)
        folder.mkdir(parents=True)
        (folder / "run.py").write_text(text, encoding="utf-8")
    campaign.board.note("try this first", by="ana", experiment=child.id)
    found = detail(campaign.parts, child.id)
    assert [held["file"] for held in found["code"]] == ["run.py"]
    assert "-x = 1" in found["diff"].splitlines()
    assert "+x = 2" in found["diff"].splitlines()
    assert [note["text"] for note in found["notes"]] == ["try this first"]
    assert [move["actor"] for move in found["moves"]] == ["ana"]
    with pytest.raises(NotFound):
        detail(campaign.parts, 99)


def test_scores_on_confirm_and_sealed_stay_hidden_in_an_opened_card(campaign: Campaign):
    made = add(campaign.board, "one", 2.0)
    run(campaign.board, made.id, scored(1.625), kind="confirm", partition="confirm")
    values = {held["partition"]: held["value"] for held in detail(campaign.parts, made.id)["runs"]}
    assert values == {"search": 2.0, "confirm": None}


def test_a_link_in_the_place_of_a_file_is_not_followed(campaign: Campaign, tmp_path: Path):
    made = add_failed(campaign.board, "linked")
    folder = campaign.workspace.experiment(made.id, made.name)
    folder.mkdir(parents=True)
    (tmp_path / "secret.md").write_text("the key", encoding="utf-8")
    (folder / "debrief.md").symlink_to(tmp_path / "secret.md")
    assert detail(campaign.parts, made.id)["debrief"] == ""


def test_long_texts_are_clipped_with_a_mark(campaign: Campaign):
    made = campaign.board.add(proposal("long", hypothesis="h" * 1_000_000, brief="b" * 1_000_000), by="test")
    found = detail(campaign.parts, made.id)
    assert len(json.dumps(found)) < 100_000
    assert found["experiment"]["hypothesis"].endswith("characters left out]")
    reader = Reader(campaign.parts)
    assert len(json.dumps(reader.whole())) < 100_000


@pytest.mark.parametrize(("verb", "args", "why"), [
    ("delete_everything", {}, "there is no 'delete_everything'"),
    ("run", {}, "there is no 'run'"),
    ("veto", {"id": 1}, "reason"),
    ("pause", {"harder": True}, "harder"),
])
def test_a_click_can_call_verbs_with_their_arguments_and_nothing_else(campaign: Campaign, verb: str, args: dict[str, Any], why: str):
    with pytest.raises(BadInput, match=why):
        steer(campaign, verb, args)
    assert campaign.board.commands() == []


def test_a_page_cannot_speak_in_another_name(campaign: Campaign):
    steer(campaign, "note", {"text": "x", "by": "somebody else"})
    (command,) = campaign.board.commands()
    assert command.actor != "somebody else"


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_of_the_panel_is_one_of_the_campaign(campaign: Campaign, verb: str):
    assert callable(getattr(campaign, verb))


def test_a_proposal_of_which_nobody_has_decided_is_seen(campaign: Campaign):
    made = campaign.board.add(proposal("asked"), by="strategist", state=State.PROPOSED)
    reader = Reader(campaign.parts)
    reader.whole()
    assert card(reader, made.id)["state"] == "proposed"


def test_files_are_named_as_the_server_of_this_kernel_names_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    runtime, served = tmp_path / "runtime", tmp_path / "served"
    runtime.mkdir()
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(runtime))
    assert lab_path(served / "runs" / "demo") is None, "no server started this process"
    (runtime / f"jpserver-{os.getppid()}.json").write_text(json.dumps({"root_dir": str(served)}), encoding="utf-8")
    assert lab_path(served / "runs" / "demo") == "runs/demo"
    assert lab_path(tmp_path / "elsewhere") is None


def test_half_a_character_in_what_people_say_is_shown_as_a_question_mark(campaign: Campaign):
    campaign.note("x\ud800")
    campaign.ask("what?\udcff")
    campaign.board.set_fact("outage", {"why": "y\ud800"})
    state = Reader(campaign.parts).saved()
    json.dumps(state, ensure_ascii=False).encode()  # as the kernel sends it
    assert [row["args"]["text"] for row in state["sections"]["people"]["commands"]] == ["x?"]


def test_a_log_that_is_no_text_is_shown_and_a_link_in_its_place_is_not(campaign: Campaign, tmp_path: Path):
    made = add(campaign.board, "one", 2.0)
    newest = campaign.board.runs(made.id)[-1]
    folder = campaign.workspace.run(newest.id) / "run"
    folder.mkdir(parents=True)
    (folder / "stdout.log").write_bytes(b"epoch 1 \xff\n" + b"x" * 100_000 + b"\nthe end")
    (folder / "gone.log").symlink_to(tmp_path / "nowhere")
    (campaign.workspace.agents / f"{made.id:03d}_{made.name}_x.ipynb").symlink_to(tmp_path / "nowhere")
    log = detail(campaign.parts, made.id)["log"]
    assert log.endswith("the end")
    assert len(log) <= 8_000


def test_what_is_asked_of_a_campaign_whose_folder_is_gone_is_refused(campaign: Campaign, tmp_path: Path):
    campaign.workspace.root.rename(tmp_path / "moved")
    for verb, args in (("pause", {}), ("ask", {"text": "what is happening?"})):
        with pytest.raises(WorkspaceError, match="open it where it is now"):
            steer(campaign, verb, args)


def test_a_command_that_nobody_could_read_is_refused(campaign: Campaign):
    with pytest.raises(BadInput, match="put it into a file"):
        steer(campaign, "note", {"text": "x" * 1_000_000})
    assert campaign.board.commands() == []


def test_the_course_of_the_playbook_is_thinned_and_keeps_its_last_moment(campaign: Campaign, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("alphalab_nb.panel.sections._POINTS", 3)
    campaign.playbook.add("lags help", kind="works", evidence=[1], author="analyst")
    for _ in range(20):
        campaign.board.add(proposal(hypothesis="by playbook 1"), by="test")
    rows = Reader(campaign.parts).whole()["sections"]["learning"]
    assert len(rows) <= 5
    assert rows[-1] == [20, 1, None, 0, 20]
