"""A real board on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from alphalab_nb.storage.board import Board
from alphalab_nb.storage.database import Database


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board(Database.create(tmp_path / "board.sqlite3"))
