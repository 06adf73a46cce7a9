"""Who may become champion."""

from __future__ import annotations

from pathlib import Path

from alphalab_nb.metric import Metric
from alphalab_nb.phases.close import CANDIDATES, LEADERS, nominees
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.database import Database
from alphalab_nb.storage.leaderboard import Ranked, ranking
from tests.boards import finished


def ranked(folder: Path, *families: str) -> list[Ranked]:
    board = Board(Database.create(folder / "board.sqlite3"))
    for place, family in enumerate(families, start=1):
        finished(board, float(place), name=f"{family}_{place}", family=family)
    return ranking(board, Metric("rmse"))


def places(entries: list[Ranked]) -> list[int]:
    return [int(entry.value) for entry in entries]


def test_leaders_come_first_then_the_best_of_further_families(tmp_path: Path):
    assert places(nominees(ranked(tmp_path, "a", "a", "a", "a", "a", "b", "b", "c", "d", "e"))) == [1, 2, 3, 6, 8, 9]


def test_few_families_leave_room_for_the_next_ranks(tmp_path: Path):
    found = nominees(ranked(tmp_path, "a", "a", "a", "a", "a", "a", "a", "b"))
    assert places(found) == [1, 2, 3, 4, 5, 8]
    assert len(found) == CANDIDATES


def test_a_short_board_is_taken_whole(tmp_path: Path):
    assert places(nominees(ranked(tmp_path, *"ab"))) == [1, 2]
    assert LEADERS < CANDIDATES
