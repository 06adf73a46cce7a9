"""Questions to people: answered by them, or by their default when the time is up; never a wait for ever."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from alphalab_nb.errors import NotFound
from alphalab_nb.storage.questions import DEFAULT
from alphalab_nb.tools import TOOLS, Deps, people
from tests.desk import desk


def deps_of(root: Path, **limits: Any) -> Deps:
    made = desk(root, limits=limits)
    return made.as_role("explorer", made.workspace.explore)


def ask(deps: Deps, **changes: Any) -> str:
    said: str = TOOLS["ask_human"](deps, **{"question": "Is item 4 pegged?", "default": "no", "options": ["yes", "no"], **changes})
    return said


def test_an_answer_is_returned_as_soon_as_it_is_there(tmp_path: Path):
    deps = deps_of(tmp_path)
    threading.Timer(1.0, lambda: deps.questions.answer(1, "yes", by="ana")).start()
    began = time.monotonic()
    assert ask(deps) == "ana answers question 1: yes"
    assert time.monotonic() - began < 5
    (event,) = deps.board.events(kind="question")
    assert "Is item 4 pegged?" in event["text"]
    assert deps.questions.get(1).options == ("yes", "no")


def test_the_default_is_taken_at_the_deadline_and_stays(tmp_path: Path):
    deps = deps_of(tmp_path)
    assert ask(deps, deadline_s=0.5) == "nobody answered question 1 in time; the default holds: no"
    known = deps.questions.get(1)
    assert (known.answer, known.answered_by) == ("no", DEFAULT)


def test_a_campaign_without_people_takes_the_default_at_once(tmp_path: Path):
    deps = deps_of(tmp_path, answer_s=0)
    began = time.monotonic()
    assert "the default holds: no" in ask(deps, deadline_s=10_000)
    assert time.monotonic() - began < 5


def test_no_wait_is_longer_than_the_campaign_allows(tmp_path: Path):
    deps = deps_of(tmp_path, answer_s=0.5)
    assert "the default holds" in ask(deps, deadline_s=10_000)


def test_a_long_deadline_is_waited_for_in_several_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(people, "_CALL_S", 0.3)
    deps = deps_of(tmp_path)
    assert "ask again with question_id=1" in ask(deps)
    deps.questions.answer(1, "yes", by="ana")
    assert ask(deps, question_id=1) == "ana answers question 1: yes"
    assert len(deps.questions.list()) == 1, "the same question was not put twice"


def test_a_stopping_campaign_waits_no_longer_and_leaves_the_question_open(tmp_path: Path):
    deps = deps_of(tmp_path)
    threading.Timer(0.5, lambda: deps.board.set_fact("stopping", True)).start()
    began = time.monotonic()
    assert "no answer yet" in ask(deps)
    assert time.monotonic() - began < 5
    assert deps.questions.get(1).answer is None


def test_an_unknown_question_is_refused(tmp_path: Path):
    with pytest.raises(NotFound, match="no question 7"):
        ask(deps_of(tmp_path), question_id=7)
