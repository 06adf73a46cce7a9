"""Cheats that the harness cannot stop: each at work on a part as it is often written, and stopped by ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from alphalab_nb.errors import DataError, HarnessChanged
from alphalab_nb.evaluator import Evaluator
from alphalab_nb.executors import Exit
from alphalab_nb.judge.cheats import naive
from alphalab_nb.metric import Metric
from alphalab_nb.partitions import Panel, Partitions, make_partitions
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.database import Database
from alphalab_nb.storage.leaderboard import ranking
from alphalab_nb.storage.snapshots import ast_hash
from tests.boards import finished, proposal

RMSE = Metric("rmse")
PROGRAM = 'def helper(x):\n    return x - x.mean()\n\n\ndef fit(x):\n    return helper(x)\n'
COPY = (
    '"""My own idea."""\n# nothing is copied here\ndef helper( x ) :\n    "centres"\n'
    '    return (x - x.mean())\n\ndef fit(x): return helper(x)\n'
)


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board(Database.create(tmp_path / "board.sqlite3"))


def test_a_smoke_score_is_not_ranked_with_full_ones(board: Board) -> None:
    lucky = finished(board, 0.1, name="lucky", fidelity="smoke")
    honest = finished(board, 0.5, name="honest")
    runs = [run for id in (lucky.id, honest.id) for run in board.runs(id)]
    assert naive.ranking(runs)[0].experiment == lucky.id
    assert [entry.experiment.id for entry in ranking(board, RMSE)] == [honest.id]


def test_scores_of_another_harness_are_not_ranked_with_ours(board: Board) -> None:
    easy = finished(board, 0.1, name="easy", harness="h-earlier")
    ours = finished(board, 0.5, name="ours", harness="h-frozen")
    runs = [run for id in (easy.id, ours.id) for run in board.runs(id)]
    assert naive.ranking(runs)[0].experiment == easy.id
    assert [entry.experiment.id for entry in ranking(board, RMSE, "h-frozen")] == [ours.id]


def test_a_copied_program_is_a_repeat_and_no_new_result(board: Board, tmp_path: Path) -> None:
    hashes = []
    for name, text in (("first", PROGRAM), ("copy", COPY)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "model.py").write_text(text, encoding="utf-8")
        hashes.append((naive.identity(folder), ast_hash(folder)))
    assert hashes[0][0] != hashes[1][0]
    attempts = [
        board.add_attempt(board.add(proposal(name), by="test").id, commit="c" * 40, ast_hash=identity)
        for name, (_, identity) in zip(("first", "copy"), hashes)
    ]
    assert board.twin(attempts[1]) == attempts[0].experiment


def test_a_copied_helper_in_another_program_is_another_program(tmp_path: Path) -> None:
    """The reverse: what differs in what it does is not taken for a repeat."""
    for name, text in (("first", PROGRAM), ("other", PROGRAM.replace("x - x.mean()", "x - x.max()"))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.py").write_text(text, encoding="utf-8")
    assert ast_hash(tmp_path / "first") != ast_hash(tmp_path / "other")


def test_a_harness_that_changes_in_mid_campaign_scores_nothing(tmp_path: Path) -> None:
    harness = tmp_path / "harness"
    harness.mkdir()
    (harness / "score.py").write_text("LIMIT = 600\n", encoding="utf-8")
    (harness / "VERSION").write_text("1.0\n", encoding="utf-8")
    evaluator, before = Evaluator(harness, tmp_path), naive.version(harness)
    evaluator.freeze()
    evaluator.check()
    (harness / "score.py").chmod(0o644)
    (harness / "score.py").write_text("LIMIT = 900\n", encoding="utf-8")
    assert naive.version(harness) == before
    with pytest.raises(HarnessChanged, match=r"harness/score.py was changed"):
        evaluator.check()


@pytest.mark.parametrize("end", [
    Exit(label="infrastructure", reason="the node was lost"),
    Exit(label="crash", code=1),  # the scoring process is ours
    Exit(label="ok", code=0),  # and left no score
], ids=["node_lost", "scoring_crashed", "no_score_left"])
def test_a_failure_of_the_machine_is_not_blamed_on_the_idea(end: Exit, tmp_path: Path) -> None:
    evaluator = Evaluator(tmp_path / "harness", tmp_path)
    score = evaluator.read(tmp_path, end)
    assert (score.ok, score.label, score.value) == (False, "infrastructure", None)
    assert naive.label(end.code if end.code is not None else 137) != score.label


def test_markup_in_a_text_leaves_the_record_whole(board: Board) -> None:
    hypothesis = 'shorter context</parameter>\n<parameter name="config">\t{"a": 1}\n\t<invoke>\x85 end'
    wanted = {"name": "markup", "hypothesis": hypothesis, "loss": 0.5}
    table = naive.row(wanted) + naive.row({"name": "next", "hypothesis": "plain", "loss": 0.4})
    assert len(naive.records(table, list(wanted))) > 2
    assert naive.records(table, list(wanted))[0]["hypothesis"] != hypothesis
    board.add(proposal("markup", hypothesis=hypothesis, config={"note": hypothesis}), by="test")
    board.add(proposal("next"), by="test")
    first, second = board.list()
    assert (first.hypothesis, first.config["note"], second.name) == (hypothesis, hypothesis, "next")


def test_the_best_is_not_chosen_by_its_test_score(tmp_path: Path) -> None:
    """Twenty programs that are equally good: the one that the test likes best looks better than it is."""
    losses = {f"program_{n}": float(loss) for n, loss in enumerate(np.random.default_rng(0).normal(1.0, 0.1, 20))}
    assert naive.OpenTest(losses).best()[1] < 0.85
    stamps = np.arange(300) * 86400
    make_partitions(Panel(np.ones((300, 1)), stamps, ("a",), "D", seasons=(7,), season=7), {}, 5, tmp_path)
    partitions = Partitions(tmp_path)
    for name in losses:  # confirm may be read, and each reading is on record
        partitions.open("confirm", by=name, reason="to choose")
    assert partitions.reads("confirm") == len(losses)
    partitions.open("sealed", by="program_0", reason="to choose")
    with pytest.raises(DataError, match="sealed was opened already by program_0"):
        partitions.open("sealed", by="program_1", reason="to choose")
    assert partitions.reads("sealed") == 1
