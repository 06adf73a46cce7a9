"""Openings of the sealed test on record: the first is the phase's own, a further one needs a reason, and none is lost or doubled."""

from __future__ import annotations

import pytest

from alphalab_nb.errors import BadInput
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.openings import Opening, Openings
from tests.boards import finished, scored
from tests.report.campaigns import run

RESULT = {"champion": 1, "search": 1.0, "confirm": 1.5, "score": 2.0, "reads": 1}


@pytest.fixture
def openings(board: Board) -> Openings:
    finished(board, 1.0, name="first")
    return Openings(board)


def opened(openings: Openings, champion: int = 1) -> Opening:
    taken = openings.take(champion)
    openings.finish(taken, {**RESULT, "champion": champion})
    return openings.list()[-1]


def told(openings: Openings) -> list[tuple[int, str, int | None, float | None]]:
    return [(opening.number, opening.state, opening.champion, opening.score) for opening in openings.list()]


def test_an_opening_that_was_interrupted_is_taken_up_again_and_is_the_same(openings: Openings):
    first = openings.take(1)
    again = openings.take(1)
    assert (first.number, first.told, first.at) == (again.number, again.told, again.at)
    assert told(openings) == [(1, "begun", 1, None)]


def test_what_was_opened_for_one_champion_is_not_opened_for_another(openings: Openings):
    openings.take(1)
    with pytest.raises(BadInput, match="report RUN --again --reason WHY"):
        openings.take(2)
    opened(openings)
    with pytest.raises(BadInput, match="report RUN --again --reason WHY"):
        openings.take(2)


def test_a_finished_opening_is_not_begun_again(openings: Openings):
    ended = opened(openings)
    assert openings.take(1) == ended


def test_after_a_further_search_going_on_in_silence_is_refused(openings: Openings, board: Board):
    openings.refuse_silent()
    opened(openings)
    openings.refuse_silent()
    finished(board, 0.5, name="second", fidelity="smoke")
    openings.refuse_silent()
    run(board, 1, scored(0.9))
    openings.refuse_silent()
    finished(board, 0.5, name="third")
    assert openings.newer_scores() == 1
    with pytest.raises(BadInput, match=r"full score since: 1\); open it once more with `alphalab-nb report RUN --again"):
        openings.refuse_silent()


def test_a_further_opening_lets_the_phase_begin_anew_and_keeps_the_first(openings: Openings, board: Board):
    opened(openings)
    finished(board, 0.5, name="second")
    for name in ("confirm_best", "verify_champion", "open_sealed", "phase"):
        board.set_step("report", name, "finished", result={})
    board.set_step("build", "freeze_harness", "finished")
    asked = openings.again("two more weeks of search", by="ada")
    assert (asked.by, asked.scores, asked.champion) == ("ada", 2, None)
    assert [step["name"] for step in board.steps()] == ["freeze_harness"]
    assert board.fact("sealed")["score"] == 2.0, "the blind number stays the result until there is another"
    openings.refuse_silent()
    assert openings.take(2).told == "sealed test of #2, opening 2: two more weeks of search"
    openings.finish(openings.take(2), {**RESULT, "champion": 2, "score": 1.75})
    assert told(openings) == [(1, "finished", 1, 2.0), (2, "finished", 2, 1.75)]
    assert board.fact("sealed") == {**RESULT, "champion": 2, "score": 1.75, "opening": 2}
    assert board.events(kind="sealed")[-1]["text"] == "opening 2 asked for by ada: two more weeks of search"


def test_the_same_reason_asks_for_the_same_opening(openings: Openings):
    opened(openings)
    begun = openings.again("a longer search", by="ada")
    assert openings.again("a longer search", by="bob") == begun
    with pytest.raises(BadInput, match=r"opening 2 of the sealed test \(a longer search\) has begun and not ended"):
        openings.again("another reason", by="ada")
    ended = opened(openings)
    assert openings.again("a longer search", by="ada") == ended
    assert len(openings.list()) == 2


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_a_further_opening_needs_a_reason(openings: Openings, reason: str):
    opened(openings)
    with pytest.raises(BadInput, match="needs a reason"):
        openings.again(reason, by="ada")


def test_nothing_can_be_opened_once_more_that_was_not_opened(openings: Openings):
    with pytest.raises(BadInput, match="has not been opened yet"):
        openings.again("curious", by="ada")


def test_an_opening_that_gave_no_score_can_be_taken_up_or_followed(openings: Openings):
    openings.fail(openings.take(1))
    assert told(openings) == [(1, "failed", 1, None)]
    assert openings.take(1).state == "begun"
    openings.fail(openings.list()[-1])
    assert openings.again("another champion", by="ada").number == 2


def test_a_campaign_that_ended_before_openings_were_recorded_has_one(board: Board):
    finished(board, 1.0, name="first")
    board.set_fact("sealed", RESULT)
    board.set_step("report", "open_sealed", "finished", result=RESULT)
    openings = Openings(board)
    assert (told(openings), openings.newer_scores()) == ([(1, "finished", 1, 2.0)], 0)
    assert openings.list()[0].told == "sealed test of #1"
    openings.again("a longer search", by="ada")
    assert [opening.score for opening in openings.list()] == [2.0, None]
