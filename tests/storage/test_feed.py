"""The feed gives a reader every change of a card once, and the numbers of the ranking."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alphalab_nb.metric import Metric
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.database import Database
from alphalab_nb.storage.experiment import State
from alphalab_nb.storage.feed import CARD, Feed
from alphalab_nb.storage.leaderboard import ranking
from tests.boards import finished, proposal, scored


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board(Database.create(tmp_path / "board.sqlite3"))


def cards(board: Board, after: int = 0) -> list[dict[str, Any]]:
    return [dict(zip(CARD, row, strict=True)) for row in Feed(board.database).cards(after)[1]]


def test_an_empty_board_has_nothing_to_tell(board: Board):
    assert Feed(board.database).cards() == (0, [])


def test_only_what_has_changed_is_told_again(board: Board):
    feed = Feed(board.database)
    first, second = (board.add(proposal(name), by="test") for name in ("one", "two"))
    rev, rows = feed.cards()
    assert [row[0] for row in rows] == [first.id, second.id]
    assert feed.cards(rev) == (rev, [])
    board.change(second.id, priority=3)
    newer, rows = feed.cards(rev)
    assert newer > rev
    assert [row[0] for row in rows] == [second.id]


@pytest.mark.parametrize("change", ["move", "attempt", "plan", "start", "end"])
def test_every_kind_of_change_is_told(board: Board, change: str):
    made = board.add(proposal(), by="test")
    attempt = board.add_attempt(made.id, commit="c", ast_hash="h")
    run = board.plan_run(attempt, kind="smoke", partition="search", seed=0, fidelity="smoke")
    rev = Feed(board.database).rev()
    if change == "move":
        board.move(made.id, State.IMPLEMENTED, by="worker")
    elif change == "attempt":
        board.add_attempt(made.id, commit="d", ast_hash="i")
    elif change == "plan":
        board.plan_run(attempt, kind="full", partition="search", seed=0, fidelity="full")
    elif change == "start":
        board.start_run(run.id)
    else:
        board.end_run(run.id, scored(1.0), 2.0)
    assert [card["id"] for card in cards(board, rev)] == [made.id]


def test_a_card_shows_the_score_of_the_ranking(board: Board):
    made = finished(board, 2.0, name="one")
    newest = board.attempts(made.id)[-1]
    second = board.plan_run(newest, kind="replicate", partition="search", seed=1000, fidelity="full")
    board.end_run(second.id, scored(4.0), 1.0)
    other = board.plan_run(newest, kind="confirm", partition="confirm", seed=0, fidelity="full")
    board.end_run(other.id, scored(99.0), 1.0)
    (card,) = cards(board)
    (entry,) = ranking(board, Metric("rmse", "minimize"))
    assert card["score"] == entry.value == 3.0
    assert (card["n"], round(card["sd"], 6), card["evaluator"]) == (2, 1.414214, "h1")


def test_scores_of_another_evaluator_are_not_averaged_in(board: Board):
    made = finished(board, 2.0, name="one", harness="old")
    again = board.plan_run(board.attempts(made.id)[-1], kind="replicate", partition="search", seed=0, fidelity="full")
    board.end_run(again.id, scored(4.0, harness="new"), 1.0)
    (card,) = cards(board)
    assert (card["score"], card["n"], card["evaluator"]) == (4.0, 1, "new")


def test_a_failed_run_gives_no_score(board: Board):
    made = board.add(proposal(), by="test")
    attempt = board.add_attempt(made.id, commit="c", ast_hash="h")
    run = board.plan_run(attempt, kind="full", partition="search", seed=0, fidelity="full")
    board.end_run(run.id, scored(0.0, ok=False, label="crash"), 1.0)
    (card,) = cards(board)
    assert (card["score"], card["n"]) == (None, 0)


def test_events_come_once_and_in_order(board: Board):
    feed = Feed(board.database)
    for number in range(5):
        board.event("cell", f"line {number}", role="worker")
    seen = feed.events()
    assert [event[5] for event in seen] == [f"line {number}" for number in range(5)]
    assert feed.events(seen[-1][0]) == []
    assert [event[5] for event in feed.events(most=2)] == ["line 3", "line 4"]


def test_a_mark_changes_with_writes_of_this_process_and_of_others(board: Board):
    feed = Feed(board.database)
    before = feed.data_version()
    assert feed.data_version() == before
    board.event("cell", "own", role="worker")
    own = feed.data_version()
    assert own != before
    Board.open(board.database.path).event("cell", "of another connection", role="worker")
    assert feed.data_version() != own
