"""Who is recommended at the end, and what it is worth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alphalab_nb.metric import Metric
from alphalab_nb.phases.choice import choose_champion
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.database import Database
from alphalab_nb.storage.leaderboard import ranking
from tests.boards import finished

RMSE, SHARPE = Metric("rmse"), Metric("sharpe", "maximize")


def certificate(search: float, confirm: float) -> dict[str, Any]:
    """Return a certificate with these standard errors of one program on search and on confirm."""
    noises = [{"seed_sd": 0.0, "unit_sd": sd * 2**0.5, "df": None, "unit_df": None} for sd in (search, confirm)]
    return {"noise": noises[0], "confirm_noise": noises[1], "band": 1.0, "band_loss": 1.0, "repeats": 5}


def chosen(folder: Path, metric: Metric, search: list[float], confirm: list[float], record: dict[str, Any] | None) -> tuple[int, Any]:
    board = Board(Database.create(folder / "board.sqlite3"))
    ids = [finished(board, value, name=f"e{n}").id for n, value in enumerate(search)]
    if record:
        board.set_fact("certificate", record)
    ranked = ranking(board, metric)
    values = dict(zip(ids, confirm, strict=False))
    champion, worth = choose_champion(board, metric, ranked, [entry for entry in ranked if entry.experiment.id in values], values)
    return ids.index(champion), {ids.index(id): each for id, each in worth.items()}


def test_a_noisy_search_leaves_the_word_to_confirm(tmp_path: Path):
    assert chosen(tmp_path, RMSE, [1.0, 1.3, 1.6], [2.0, 1.9, 2.2], certificate(search=2.0, confirm=0.01))[0] == 1


def test_a_noisy_confirm_leaves_the_word_to_search(tmp_path: Path):
    assert chosen(tmp_path, RMSE, [1.0, 1.3, 1.6], [2.0, 1.9, 2.2], certificate(search=0.01, confirm=2.0))[0] == 0


@pytest.mark.parametrize(("metric", "best"), [(RMSE, 1), (SHARPE, 2)])
def test_either_direction_of_a_metric_is_understood(tmp_path: Path, metric: Metric, best: int):
    index, worth = chosen(tmp_path, metric, [1.0, 0.9, 1.1], [1.0, 0.9, 1.1], certificate(0.05, 0.05))
    assert index == best
    assert all(each["low"] < each["value"] < each["high"] for each in worth.values())


def test_without_a_certificate_both_partitions_count_alike(tmp_path: Path):
    assert chosen(tmp_path, RMSE, [1.0, 1.2, 1.5], [1.3, 1.0, 0.9], None)[0] == 1


def test_what_the_best_of_many_is_worth_is_less_than_it_scored(tmp_path: Path):
    search = [1.0 + 0.1 * n for n in range(20)]
    _, worth = chosen(tmp_path, RMSE, search, [1.0, 1.1], certificate(0.5, 0.5))
    assert worth[0]["value"] > 1.0
