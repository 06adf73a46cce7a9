"""Questions: the first answer counts, and from the deadline on the default is one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from alphalab_nb.errors import BadInput, NotFound
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.questions import DEFAULT, Question, Questions


@pytest.fixture
def questions(board: Board) -> Questions:
    return Questions(board.database)


def test_the_first_answer_counts(questions: Questions):
    id = questions.ask("Is it pegged?", default="no", wait_s=60, role="explorer").id
    assert questions.answer(id, "yes", by="ana").answer == "yes"
    with pytest.raises(BadInput, match="has been answered: 'yes' by ana"):
        questions.answer(id, "no", by="bob")


@pytest.mark.parametrize("look", [
    lambda questions: questions.get(1), lambda questions: questions.list()[0],
    lambda questions: questions.list(open_only=True) or questions.list()[0],
])
def test_whoever_looks_after_the_deadline_finds_the_default_taken(questions: Questions, look: Callable[[Questions], Question]):
    questions.ask("Is it pegged?", default="no", wait_s=0, role="explorer")
    seen = look(questions)
    assert (seen.answer, seen.answered_by) == ("no", DEFAULT)


def test_a_late_answer_is_refused_with_what_was_taken(questions: Questions, board: Board):
    id = questions.ask("Is it pegged?", default="no", wait_s=60, role="explorer").id
    board.database.connection().execute("update questions set deadline = '2020-01-01T00:00:00.000+00:00'")
    with pytest.raises(BadInput, match=r"waited until 2020.*its default was taken: 'no'"):
        questions.answer(id, "yes", by="ana")
    assert questions.get(id).answer == "no"


def test_looking_before_the_deadline_writes_nothing(questions: Questions, board: Board):
    questions.ask("Is it pegged?", default="no", wait_s=60, role="explorer")
    before = board.database.connection().total_changes
    assert questions.list(open_only=True) == [questions.get(1)]
    assert board.database.connection().total_changes == before


def test_an_unknown_question_is_named_with_the_remedy(questions: Questions):
    for ask in (questions.get, lambda id: questions.answer(id, "yes", by="ana")):
        with pytest.raises(NotFound, match="no question 99; `alphalab-nb status` lists them"):
            ask(99)
