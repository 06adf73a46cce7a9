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
)
from harness.tests.panels import make_panel, write_panel

ROWS = 1 + np.arange(50.0)[:, None]
"""Each value is one more than its row: a rate is positive."""


def test_origins_are_every_stride_rows_and_their_windows_end_inside() -> None:
    assert origins(10, 24, Task(horizon=4, stride=5)).tolist() == [10, 15, 20]
    assert origins(10, 13, Task(horizon=4, stride=1)).size == 0


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
    assert context_rows(20, Task(horizon=4, stride=1, lookback=lookback, embargo=embargo)) == expected


def test_rows_are_shown_once_and_in_order() -> None:
    task = Task(horizon=4, stride=3, embargo=2)
    shown = list(contexts(make_panel(ROWS), np.array([20, 23, 26]), task))
    assert [len(context["new"]) for context in shown] == [18, 3, 3]
    assert np.concatenate([context["new"] for context in shown]).ravel().tolist() == list(range(1, 25))
    assert [context["start"] for context in shown] == [0, 18, 21]
    assert [context["t"] for context in shown] == [20, 23, 26]


@pytest.mark.parametrize("embargo", [0, 4])
@pytest.mark.parametrize("lookback", [None, 5, 40])
def test_no_context_shows_the_target(embargo: int, lookback: int | None) -> None:
    task = Task(horizon=4, stride=1, lookback=lookback, embargo=embargo)
    for context in contexts(make_panel(ROWS), np.arange(10, 47), task):
        assert context["new"].size == 0 or context["new"].max() - 1 < context["t"] - embargo


def test_only_known_covariates_are_shown_ahead() -> None:
    covariates = np.stack([ROWS, ROWS], axis=-1)  # (T, 1, 2)
    panel = make_panel(ROWS, known=(True, False), covariates=covariates)
    [context] = contexts(panel, np.array([20]), Task(horizon=4, stride=1))
    assert context["future_cov"][:, 0, 0].tolist() == [21, 22, 23, 24]
    assert np.isnan(context["future_cov"][:, 0, 1]).all()
    assert context["cov"].max() == 20


def test_fit_ends_before_explore_ends_and_before_the_embargo() -> None:
    scene = Scene(make_panel(ROWS), 30, 30)
    assert fit_end(scene, 30, Task(horizon=4, stride=1)) == 30
    assert fit_end(scene, 32, Task(horizon=4, stride=1, embargo=5)) == 27


def test_partitions_join_in_time_order(tmp_path: Path) -> None:
    for name, first, end in (("explore", 0, 20), ("search", 20, 30), ("confirm", 30, 40), ("sealed", 40, 50)):
        write_panel(tmp_path / name, make_panel(ROWS[first:end], t0=first))
    scene = load_scene("confirm", tmp_path / "explore", tmp_path)
    assert scene.panel.target[:, 0].tolist() == list(range(1, 41))
    assert (scene.explore_rows, scene.start) == (20, 30)


def test_partitions_that_do_not_connect_are_refused(tmp_path: Path) -> None:
    with pytest.raises(HarnessFault, match="do not connect"):
        join([make_panel(ROWS[:10]), make_panel(ROWS[12:20], t0=12)])
    with pytest.raises(HarnessFault, match="cannot read"):
        load_partition(tmp_path)


def test_a_rate_that_is_not_positive_is_refused(tmp_path: Path) -> None:
    for name, first, end in (("explore", 0, 20), ("search", 20, 30)):
        write_panel(tmp_path / name, make_panel(ROWS[first:end] - 22, t0=first))
    with pytest.raises(HarnessFault, match="not positive"):
        load_scene("search", tmp_path / "explore", tmp_path)


def test_task_is_checked() -> None:
    task = parse_task({"horizon": 4, "season": None, "refit": True, "pegged": "4"}, {"season": 5})
    assert (task.season, task.stride, task.pegged) == (5, 4, "4")
    for wrong in ({"horizon": 0}, {}, {"horizon": 4, "metric": "rmse"}, {"horizon": 4, "lookback": 0}):
        with pytest.raises(HarnessFault):
            parse_task(wrong)


def test_windows_that_overlap_are_refused() -> None:
    assert parse_task({"horizon": 4, "stride": 5}).stride == 5
    with pytest.raises(HarnessFault, match="count twice"):
        parse_task({"horizon": 4, "stride": 3})


def test_the_task_of_this_harness_can_be_used() -> None:
    try:
        task = load_task()
    except HarnessFault as fault:
        if "is missing" in str(fault):
            pytest.skip("no config.json yet: this is the reference, phase 2 writes the task")
        raise
    assert task.horizon >= 1
