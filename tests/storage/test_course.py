"""The course of the playbook: what it held when, by the number of experiments that had been proposed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from alphalab_nb.storage.board import Board
from alphalab_nb.storage.course import Moment, course
from alphalab_nb.storage.database import Database
from alphalab_nb.storage.playbook import WEIGHINGS, Playbook, Standing
from tests.boards import proposal

FIRM, DOUBTED = Standing("firm", ""), Standing("tentative", "one run")


@pytest.fixture
def playbook(tmp_path: Path) -> Playbook:
    return Playbook(Database.create(tmp_path / "board.sqlite3"), tmp_path / "playbook.md")


def propose(board: Board, hypothesis: str = "a fair start") -> None:
    time.sleep(0.002)  # times are stored in milliseconds, and what comes before must have an earlier one
    board.add(proposal(hypothesis=hypothesis), by="test")


def test_nothing_learnt_has_no_course(playbook: Playbook):
    propose(playbook.board, "as playbook 1 says")
    assert course(playbook) == []


def test_growth_weighing_use_and_retirement_are_told_at_the_experiment_they_came_with(playbook: Playbook):
    board = playbook.board
    propose(board)
    playbook.add("ridge works", kind="works", evidence=[1], author="worker")
    propose(board)
    playbook.set_standings({1: DOUBTED})
    propose(board, "more of it (playbook 1 and 7)")
    playbook.set_standings({1: FIRM})
    propose(board)
    playbook.add("trees fail", kind="fails", evidence=[2], author="worker")
    playbook.add("never difference twice", kind="avoid", evidence=[], author="ada", human=True)
    propose(board, "as before, by playbook entry 1")
    playbook.retire(1, author="review")
    assert course(playbook) == [
        Moment(1, in_force=1, tentative=None, retired=0, cited=0),
        Moment(2, in_force=1, tentative=1, retired=0, cited=0),
        Moment(3, in_force=1, tentative=0, retired=0, cited=1),
        Moment(4, in_force=3, tentative=1, retired=0, cited=1),
        Moment(5, in_force=2, tentative=1, retired=1, cited=2),
    ]


def test_a_campaign_weighed_before_this_was_recorded_tells_all_but_the_tentative(playbook: Playbook):
    propose(playbook.board)
    playbook.add("ridge works", kind="works", evidence=[1], author="worker")
    playbook.board.set_fact("playbook_standings", {"1": {"word": "firm", "why": "", "against": []}})
    assert course(playbook) == [Moment(1, in_force=1, tentative=None, retired=0, cited=0)]


def test_a_weighing_that_finds_the_same_entries_firm_adds_nothing_to_the_record(playbook: Playbook):
    playbook.add("ridge works", kind="works", evidence=[1], author="worker")
    for standing in (FIRM, FIRM, DOUBTED, DOUBTED):
        playbook.set_standings({1: standing})
    assert [firm for _, firm in playbook.board.fact(WEIGHINGS)] == [[1], []]
