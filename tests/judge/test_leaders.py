"""The leaderboard's columns beside the score: what may be luck, and what was spent."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alphalab_nb.judge.leaders import RUN_CPU, Sample, estimates, leaderboard
from alphalab_nb.judge.shrink import shrunken
from alphalab_nb.metric import Metric
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.database import Database
from alphalab_nb.storage.experiment import Experiment, RunKind
from alphalab_nb.storage.leaderboard import Row
from tests.boards import proposal, scored

RMSE = Metric("rmse")


def certificate(seed_sd: float = 0.0, unit_sd: float | None = 0.0, *, scale: float = 0.5, **changes: Any) -> dict[str, Any]:
    """Return the record of a certificate in which a gain of 1 in loss is one of `scale` in the metric."""
    noise = {"seed_sd": seed_sd, "unit_sd": unit_sd, "df": None}
    return {"noise": noise, "band": 3.0 * scale, "band_loss": 3.0, "repeats": 5, "harness": "h1", **changes}


def errors(samples: list[Sample], record: dict[str, Any] | None) -> list[float]:
    found = estimates(samples, record)
    assert found is not None
    return [round(each.se, 9) for each in found]


# -- noise ---------------------------------------------------------------------------------------------------


def test_one_program_has_half_the_variance_of_a_difference_in_units_of_the_metric():
    assert errors([Sample(1.0, 1, None)], certificate(unit_sd=2.0)) == [round(0.5 * 2.0 / math.sqrt(2), 9)]


def test_more_runs_shrink_the_noise_of_seeds_but_not_that_of_units():
    one, four = errors([Sample(1.0, 1, None), Sample(1.0, 4, None)], certificate(seed_sd=2.0, unit_sd=1.0))
    units, seeds = 0.5**2 * 1.0 / 2, 0.5**2 * 4.0 / 2
    assert (one, four) == (pytest.approx(math.sqrt(seeds + units)), pytest.approx(math.sqrt(seeds / 4 + units)))


def test_who_ran_once_gets_the_spread_of_those_who_ran_more_often():
    once, often = errors([Sample(1.0, 1, None), Sample(2.0, 3, 0.6)], None)
    assert (once, often) == (0.6, pytest.approx(0.6 / math.sqrt(3)))


def test_repeats_and_certificate_are_weighed_by_degrees_of_freedom():
    [se] = errors([Sample(2.0, 5, 0.3)], certificate(seed_sd=2.0, scale=1.0))
    assert se == pytest.approx(math.sqrt((4 * 0.3**2 + 4 * 2.0) / 8 / 5))


@pytest.mark.parametrize("record", [None, certificate(unit_sd=None, band=None, band_loss=None)], ids=["no certificate", "no units"])
def test_equal_repeats_alone_never_give_a_band_of_no_width(record: dict[str, Any] | None):
    assert estimates([Sample(1.0, 3, 0.0), Sample(2.0, 1, None)], record) is None


def test_a_certified_exact_function_has_no_noise():
    assert errors([Sample(1.0, 1, None), Sample(2.0, 1, None)], certificate(band=0.0, band_loss=0.0)) == [0.0, 0.0]


def test_the_intervals_hold_the_truth_and_the_best_is_not_flattered():
    """1,000 leaderboards of 20 whose noise is as large as the differences between the programs."""
    generator, inside, raw, drawn = np.random.default_rng(7), 0, 0.0, 0.0
    for _ in range(1000):
        truth = generator.normal(10, 1, 20)
        values = truth + generator.normal(0, 1, 20)
        known = estimates([Sample(value, 1, None) for value in values], certificate(unit_sd=math.sqrt(2), scale=1.0))
        assert known is not None
        rows, best = shrunken(known), int(values.argmin())
        raw, drawn = raw + truth[best] - values[best], drawn + truth[best] - rows[best].value
        inside += sum(row.low <= true <= row.high for row, true in zip(rows, truth, strict=True))
    assert 0.85 < inside / 20_000 < 0.92  # nominal 0.9; that the prior is estimated from 20 costs a little
    assert abs(drawn / 1000) < 0.2 < 0.8 < raw / 1000


# -- rows ----------------------------------------------------------------------------------------------------


@pytest.fixture
def board(tmp_path: Path) -> Board:
    board = Board(Database.create(tmp_path / "board.db"))
    board.set_fact("certificate", certificate(unit_sd=0.2))
    return board


def add(board: Board, name: str, *values: float, run_cpu: float | None = 9.0, stage: str = "refine") -> Experiment:
    """Put an experiment with runs of RUN and SCORE on the board; SCORE took one CPU second."""
    experiment = board.add(proposal(name, stage=stage), by="test")
    board.add_attempt(experiment.id, commit="c" * 40, ast_hash=name)
    for seed, value in enumerate(values):
        add_run(board, experiment, value, run_cpu=run_cpu, seed=seed)
    return experiment


def add_run(board: Board, experiment: Experiment, value: float, *, run_cpu: float | None, kind: RunKind = "full", seed: int = 0,
            harness: str = "h1") -> None:
    run = board.plan_run(board.attempts(experiment.id)[-1], kind=kind, partition="search", seed=seed, fidelity="full")
    resources = {"cpu_s": 1.0, **({} if run_cpu is None else {RUN_CPU: run_cpu})}
    board.end_run(run.id, scored(value, resources=resources, harness=harness), 2.0)


def by_name(board: Board, harness: str = "h1") -> dict[str, Row]:
    return {row.name: row for row in leaderboard(board, RMSE, harness)}


def test_a_row_shows_runs_interval_and_compute(board: Board):
    add(board, "lucky", 1.0)
    add(board, "usual", 1.4, 1.4)
    add(board, "poor", 1.8)
    rows = by_name(board)
    assert [(row.n, row.compute_s) for row in rows.values()] == [(1, 10.0), (2, 10.0), (1, 10.0)]
    assert 1.0 < rows["lucky"].shrunken < 1.4 < rows["poor"].shrunken < 1.8
    assert all(row.low < row.shrunken < row.high for row in rows.values())


def test_the_certificate_of_another_harness_says_nothing(board: Board):
    add(board, "old", 1.0)
    add_run(board, add(board, "new"), 1.0, run_cpu=1.0, harness="h2")
    assert by_name(board, "h2")["new"].shrunken is None
    assert by_name(board, "h1")["old"].shrunken is not None


def test_a_gain_with_more_compute_than_the_best_default_says_so(board: Board):
    add(board, "costly", 1.0, run_cpu=29.0)
    add(board, "frugal", 1.1, run_cpu=13.0)
    default = add(board, "good_default", 1.5, stage="defaults")
    add(board, "poor_default", 1.6, run_cpu=99.0, stage="defaults")
    rows = by_name(board)
    assert {name: row.compute_ratio for name, row in rows.items()} == {
        "costly": 3.0, "frugal": 1.4, "good_default": 1.0, "poor_default": 10.0}
    assert {name: row.note for name, row in rows.items() if row.note} == {"costly": f"used 3.0 x the compute of #{default.id}"}


def test_without_defaults_the_first_score_is_the_reference(board: Board):
    add(board, "first", 2.0)
    add(board, "second", 1.0, run_cpu=39.0)
    assert by_name(board)["second"].note == "used 4.0 x the compute of #1"


def test_an_artefact_that_is_scored_again_costs_what_making_it_did(board: Board):
    experiment = add(board, "kept", 1.0, run_cpu=29.0)
    add_run(board, experiment, 1.2, run_cpu=None, harness="h2")
    assert by_name(board, "h2")["kept"].compute_s == 30.0


def test_compute_that_was_not_recorded_is_not_made_up(board: Board):
    add(board, "default", 2.0, stage="defaults")
    add(board, "before", 1.0, run_cpu=None)
    row = by_name(board)["before"]
    assert (row.compute_s, row.compute_ratio, row.note) == (None, None, "")
