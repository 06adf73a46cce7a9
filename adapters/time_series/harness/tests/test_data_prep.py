"""Origins, context, embargo, missing values: what a forecaster may see."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from harness.config import HarnessFault, Task, load_task, parse_task
from harness.data_prep import (
    Scene,
    context_rows,
    contexts,
    fit_end,
    join,
    load_partition,
    load_scene,
    origins,
    thin,
    trailing_volatility,
)
from harness.tests.panels import make_panel, write_panel

ROWS = np.arange(50.0)[:, None]


def test_origins_are_every_stride_rows_and_their_windows_end_inside() -> None:
    assert origins(10, 24, Task(horizon=4, stride=5)).tolist() == [10, 15, 20]
    assert origins(10, 13, Task(horizon=4)).size == 0


def test_first_origin_lies_behind_the_embargo() -> None:
    assert origins(10, 24, Task(horizon=4, stride=5, embargo=3)).tolist() == [13, 18]


def test_smoke_origins_are_the_same_every_time_and_reach_both_ends() -> None:
    rows = np.arange(100, 200)
    assert thin(rows, 5).tolist() == [100, 125, 150, 174, 199]
    assert thin(rows, 500) is rows


@pytest.mark.parametrize(("lookback", "embargo", "expected"), [
    (None, 0, (0, 20)), (8, 0, (12, 20)), (30, 0, (0, 20)), (None, 5, (0, 15)), (8, 5, (7, 15)), (30, 25, (0, 0)),
])
def test_first_context_ends_before_the_origin(lookback: int | None, embargo: int, expected: tuple[int, int]) -> None:
    assert context_rows(20, Task(horizon=4, lookback=lookback, embargo=embargo)) == expected


def test_rows_are_shown_once_and_in_order() -> None:
    task = Task(horizon=4, stride=3, embargo=2)
    shown = list(contexts(make_panel(ROWS), np.array([20, 23, 26]), task))
    assert [len(context["new"]) for context in shown] == [18, 3, 3]
    assert np.concatenate([context["new"] for context in shown]).ravel().tolist() == list(range(24))
    assert [context["start"] for context in shown] == [0, 18, 21]
    assert [context["t"] for context in shown] == [20, 23, 26]


@pytest.mark.parametrize("embargo", [0, 4])
@pytest.mark.parametrize("lookback", [None, 5, 40])
def test_no_context_shows_the_target(embargo: int, lookback: int | None) -> None:
    task = Task(horizon=4, lookback=lookback, embargo=embargo)
    for context in contexts(make_panel(ROWS), np.arange(10, 47), task):
        assert context["new"].size == 0 or context["new"].max() < context["t"] - embargo


def test_only_known_covariates_are_shown_ahead() -> None:
    covariates = np.stack([ROWS, ROWS], axis=-1)  # (T, 1, 2)
    panel = make_panel(ROWS, known=(True, False), covariates=covariates)
    [context] = contexts(panel, np.array([20]), Task(horizon=4))
    assert context["future_cov"][:, 0, 0].tolist() == [20, 21, 22, 23]
    assert np.isnan(context["future_cov"][:, 0, 1]).all()
    assert context["cov"].max() == 19


def test_fit_ends_before_explore_ends_and_before_the_embargo() -> None:
    scene = Scene(make_panel(ROWS), 30, 30)
    assert fit_end(scene, 30, Task(horizon=4)) == 30
    assert fit_end(scene, 32, Task(horizon=4, embargo=5)) == 27


def test_trailing_volatility_by_hand() -> None:
    target = np.array([[1.0], [3.0], [2.0], [6.0], [np.nan], [5.0], [9.0]])
    found = trailing_volatility(target, 3)[:, 0]
    assert np.isnan(found[:3]).all()
    assert found[3] == pytest.approx(np.std([2.0, -1.0]))
    assert found[4] == pytest.approx(np.std([2.0, -1.0, 4.0]))


def test_trailing_volatility_does_not_move_with_the_row_itself() -> None:
    target = np.random.default_rng(0).normal(size=(30, 2))
    later = target.copy()
    later[12:] += 100
    # not bit for bit: running sums are centred on the mean of all rows against rounding
    np.testing.assert_allclose(trailing_volatility(target, 5)[:13], trailing_volatility(later, 5)[:13], rtol=1e-9)


def test_partitions_join_in_time_order(tmp_path: Path) -> None:
    for name, first, end in (("explore", 0, 20), ("search", 20, 30), ("confirm", 30, 40), ("sealed", 40, 50)):
        write_panel(tmp_path / name, make_panel(ROWS[first:end], t0=first))
    scene = load_scene("confirm", tmp_path / "explore", tmp_path)
    assert scene.panel.target[:, 0].tolist() == list(range(40))
    assert (scene.explore_rows, scene.start) == (20, 30)


def test_partitions_that_do_not_connect_are_refused(tmp_path: Path) -> None:
    with pytest.raises(HarnessFault, match="do not connect"):
        join([make_panel(ROWS[:10]), make_panel(ROWS[12:20], t0=12)])
    with pytest.raises(HarnessFault, match="cannot read"):
        load_partition(tmp_path)


def test_task_is_checked() -> None:
    assert parse_task({"horizon": 4, "season": None, "refit": True}, {"season": 24}).season == 24
    for wrong in ({"horizon": 0}, {}, {"horizon": 4, "metric": "r2"}, {"horizon": 4, "scale": "log"}, {"horizon": 4, "lookback": 0}):
        with pytest.raises(HarnessFault):
            parse_task(wrong)


def test_the_task_of_this_harness_can_be_used() -> None:
    try:
        task = load_task()
    except HarnessFault as fault:
        if "is missing" in str(fault):
            pytest.skip("no config.json yet: this is the reference, phase 2 writes the task")
        raise
    assert task.horizon >= 1
