"""What agents see of the board: everything that was measured on search, nothing that an idea is judged by later."""

from __future__ import annotations

from pathlib import Path

import pytest

from alphalab_nb.errors import NotFound, ToolError
from alphalab_nb.storage.experiment import State
from alphalab_nb.tools import TOOLS, Deps
from tests.boards import finished, proposal, scored
from tests.desk import Desk, desk


@pytest.fixture
def at(tmp_path: Path) -> Desk:
    made = desk(tmp_path)
    made.board.set_fact("harness", "h1")
    return made


def deps_of(at: Desk) -> Deps:
    return at.as_role("strategist", at.workspace.root / "scratch")


def read(at: Desk, *args: object) -> str:
    said: str = TOOLS["read_board"](deps_of(at), *args)
    return said


def test_an_empty_board_says_so(at: Desk):
    assert "no experiments yet" in read(at)
    assert "no full score yet" in read(at, "leaderboard")


def test_the_overview_counts_lists_what_is_open_and_the_newest_failures(at: Desk):
    finished(at.board, 2.0, name="good")
    at.board.add(proposal("later"), by="strategist")
    broken = at.board.add(proposal("broken"), by="strategist")
    at.board.move(broken.id, State.FINISHED, by="test", error="crash: Traceback ... ModuleNotFoundError: No module named 'lightnin'")
    said = read(at)
    assert "to_implement 1" in said
    assert "finished 2" in said
    assert "#2 later (drift): to_implement" in said
    assert "No module named 'lightnin'" in said
    assert "Best: #1 good (drift) 2" in said


def test_the_leaderboard_holds_full_scores_with_verdict_best_first(at: Desk):
    finished(at.board, 3.0, name="worse")
    best = finished(at.board, 2.0, name="better")
    at.board.change(best.id, verdict="keep")
    finished(at.board, 0.1, name="screened", fidelity="smoke")
    doubtful = finished(at.board, 0.2, name="doubtful")
    at.board.change(doubtful.id, quarantined=True)
    at.board.set_fact("baselines", {"search": {"naive": 4.5}, "sealed": {"naive": 77.125}})
    ranked = read(at, "leaderboard")
    assert ranked.index("1. #2 better (drift) 2, full, keep") < ranked.index("2. #1 worse")
    assert "screened" not in ranked
    assert "Quarantined, not ranked:\n- #4 doubtful" in ranked
    assert "naive 4.5" in ranked
    assert "77.125" not in ranked


def test_one_experiment_is_shown_with_all_that_is_known_of_it(at: Desk):
    known = finished(at.board, 2.0, name="known", config={"lags": 3}, brief="build it so")
    at.board.change(known.id, verdict="keep", error="timeout: 60 s")
    folder = at.workspace.experiment(known.id, known.name)
    folder.mkdir(parents=True)
    (folder / "debrief.md").write_text("It gains at night.", encoding="utf-8")
    said = read(at, "experiment", known.id)
    for part in ("#1 known (drift): finished, verdict keep", "a fair start", '{"lags": 3}', "build it so", "queued by test",
                 "full, full: rmse 2,", "timeout: 60 s", "It gains at night."):
        assert part in said
    with pytest.raises(NotFound, match="no experiment 9"):
        read(at, "experiment", 9)
    with pytest.raises(ToolError, match="give the id"):
        read(at, "experiment")


def test_nothing_hidden_is_shown(at: Desk):
    known = finished(at.board, 2.0, name="known")
    (attempt,) = at.board.attempts(known.id)
    for partition, value in (("confirm", 31.125), ("sealed", 32.125)):
        run = at.board.plan_run(attempt, kind="confirm", partition=partition, seed=4711, fidelity="full")
        at.board.start_run(run.id)
        at.board.end_run(run.id, scored(value, units=(("t0/a", 33.125),), secondary={"mae": 34.125}), 1.0)
    (search, *_) = at.board.runs(known.id)
    assert search.partition == "search"
    for said in (read(at), read(at, "leaderboard"), read(at, "experiment", known.id)):
        assert not [secret for secret in ("31.125", "32.125", "33.125", "34.125", "4711", "t0/a", "confirm", "sealed") if secret in said]


def test_aggregates_of_the_score_are_shown_without_its_units(at: Desk):
    known = at.board.add(proposal("known"), by="test")
    attempt = at.board.add_attempt(known.id, commit="c", ast_hash="h")
    run = at.board.plan_run(attempt, kind="full", partition="search", seed=0, fidelity="full")
    at.board.start_run(run.id)
    at.board.end_run(run.id, scored(2.0, units=(("t0/a", 33.125),), secondary={"by_step": [1.5, 2.5]}), 1.0)
    said = read(at, "experiment", known.id)
    assert '"by_step": [1.5, 2.5]' in said
    assert "33.125" not in said
