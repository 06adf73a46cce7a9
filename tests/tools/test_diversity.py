"""The diversity quota: of four proposals in a row, one is from a family tried least, or from a new one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from alphalab_nb.storage.experiment import Experiment, Proposal, State
from alphalab_nb.tools.diversity import least_tried, owed, tried
from tests.boards import proposal
from tests.desk import Desk, desk

KNOWN = ("ets", "gbm", "drift")


@pytest.fixture
def at(tmp_path: Path) -> Desk:
    return desk(tmp_path)


def board(at: Desk, *families: str, by: str = "strategist") -> list[Experiment]:
    return [at.board.add(replace(proposal(f"{family}_{n}"), family=family), by=by) for n, family in enumerate(families, 1)]


def due(experiments: list[Experiment], *, turn: tuple[str, ...] = ()) -> set[str]:
    proposals = [Proposal(name=f"new_{n}", family=family, hypothesis="h") for n, family in enumerate(turn)]
    return owed(experiments, proposals, by="strategist", known=KNOWN)


def test_two_in_a_row_owe_nothing(at: Desk):
    assert due([]) == set()
    assert due(board(at, "gbm", "gbm")) == set()


@pytest.mark.parametrize(("past", "expected"), [
    (("gbm", "gbm", "gbm"), set()),  # the first was from a family that nobody had tried
    (("gbm", "gbm", "gbm", "gbm"), {"ets", "drift"}),
    (("gbm", "gbm", "gbm", "gbm", "ets"), set()),
    (("gbm", "ets", "gbm", "ets", "gbm", "drift", "gbm", "ets", "gbm"), {"drift"}),
    (("gbm", "new_kind", "gbm", "gbm", "gbm"), {"ets", "drift"}),
    (("gbm", "gbm", "gbm", "new_kind"), set()),
])
def test_three_in_a_row_that_did_not_explore_owe_one_that_does(at: Desk, past: tuple[str, ...], expected: set[str]):
    assert due(board(at, *past)) == expected


def test_proposals_of_the_turn_count_like_those_before(at: Desk):
    assert due(board(at, "gbm", "gbm"), turn=("gbm", "gbm")) == {"ets", "drift"}
    assert due(board(at, "ets"), turn=("gbm", "gbm", "gbm")) == set()


def test_what_people_add_counts_for_the_family_and_not_for_the_row(at: Desk):
    board(at, "ets", "drift", by="ana")
    assert due(board(at, "gbm", "gbm", "gbm", "gbm")) == {"ets", "drift"}
    assert tried(at.board.list()) == {"gbm": 4, "ets": 1, "drift": 1}


def test_a_cancelled_one_leaves_its_family_untried(at: Desk):
    made = board(at, "ets", "gbm", "gbm", "gbm", "gbm")
    at.board.move(made[0].id, State.CANCELLED, by="ana", outcome="vetoed")
    assert due(at.board.list()) == {"ets", "drift"}


def test_families_without_an_experiment_are_the_least_tried():
    assert least_tried(KNOWN, tried([])) == set(KNOWN)
