"""Who may become champion."""

from __future__ import annotations

from pathlib import Path

import pytest

from alphalab_nb.metric import Metric
from alphalab_nb.phases.close import CANDIDATES, CANDIDATES_OF_MANY, LEADERS, nominees
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.database import Database
from alphalab_nb.storage.leaderboard import Ranked, ranking
from tests.boards import finished


def ranked(folder: Path, families: str, *, default: int = 0) -> list[Ranked]:
    """Rank experiments of the given families in this order; the one at place `default` is a family's default."""
    board = Board(Database.create(folder / "board.sqlite3"))
    for place, family in enumerate(families, start=1):
        finished(board, float(place), name=f"{family}_{place}", family=family, stage="defaults" if place == default else "tpe")
    return ranking(board, Metric("rmse"))


def places(entries: list[Ranked]) -> list[int]:
    return [int(entry.value) for entry in entries]


def test_leaders_come_first_then_the_best_of_further_families(tmp_path: Path):
    leaders = "a" * LEADERS
    assert places(nominees(ranked(tmp_path, leaders + "aabbccdef"))) == [1, 2, 3, 4, 5, 6, 9, 11, 13, 14]


def test_few_families_leave_room_for_the_next_ranks(tmp_path: Path):
    found = nominees(ranked(tmp_path, "a" * 14 + "b"))
    assert places(found) == [*range(1, CANDIDATES), 15]


def test_the_best_default_is_always_one(tmp_path: Path):
    found = places(nominees(ranked(tmp_path, "a" * 12 + "bcdef", default=12)))
    assert 12 in found
    assert len(found) <= CANDIDATES + 1


def test_a_short_board_is_taken_whole(tmp_path: Path):
    assert places(nominees(ranked(tmp_path, "ab"))) == [1, 2]


@pytest.mark.parametrize(("default", "found"), [(3, [1, 3]), (1, [1, 2]), (0, [1, 2])])
def test_of_many_contests_each_has_its_leader_and_its_default(tmp_path: Path, default: int, found: list[int]):
    assert places(nominees(ranked(tmp_path, "aaaa", default=default), CANDIDATES_OF_MANY)) == found
