"""Partitions follow each other in time, and only explore is laid out where agents can read it."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from alphalab_nb.errors import ConfigError, DataError
from alphalab_nb.partitions import (
    HIDDEN,
    NAMES,
    Panel,
    SeriesSpec,
    load_report,
    load_series,
    make_partitions,
    plan_partitions,
    read_panel,
)
from alphalab_nb.workspace import Workspace

ETTH1 = {"explore": [0, 8639], "search": [8640, 10079], "confirm": [10080, 11519], "sealed": [11520, 14399]}
TRONDHEIM = {"explore": [0, 12019], "search": [12020, 13363], "confirm": [13364, 14035], "sealed": [14036, 17543]}


def panel(rows: int = 200, items: int = 2) -> Panel:
    """Return daily rows whose values are their own row numbers."""
    target = np.arange(rows)[:, None] + 1000.0 * np.arange(items)
    names = tuple(f"s{n}" for n in range(items))
    return Panel(target=target, times=86400 * np.arange(rows), items=names, freq="D", seasons=(7,), season=7)


def test_default_shares_in_time_order() -> None:
    assert plan_partitions(panel(), {}, 10) == {"explore": (0, 120), "search": (120, 150), "confirm": (150, 170), "sealed": (170, 200)}


@pytest.mark.parametrize(("split", "expected"), [
    ({"fractions": [40, 20, 20, 20]}, [80, 40, 40, 40]),
    ({"fractions": [0.4, 0.2, 0.2, 0.2]}, [80, 40, 40, 40]),
    ({"search": 30, "confirm": 30, "sealed": 30}, [110, 30, 30, 30]),
    ({"search_rows": 30, "confirm_rows": 30, "sealed_rows": 30}, [110, 30, 30, 30]),
    ({"sealed": 0.25}, [105, 26, 17, 50]),
    ({"explore": [20, 99], "search": [100, 129], "confirm": [130, 149], "sealed": [150, 179]}, [80, 30, 20, 30]),
])
def test_shares_counts_and_rows(split: dict[str, Any], expected: list[int]) -> None:
    bounds = plan_partitions(panel(), split, 10)
    sizes = [bounds[name][1] - bounds[name][0] for name in NAMES]
    assert sum(sizes) <= 200
    assert sizes[1:] == expected[1:]
    assert sizes[0] >= expected[0]
    assert all(bounds[a][1] == bounds[b][0] for a, b in pairwise(NAMES))


@pytest.mark.parametrize(("path", "split"), [("ett/ETTh1.csv.gz", ETTH1), ("trondheim_traffic/traffic.csv.gz", TRONDHEIM)])
def test_ready_rules_of_the_literature(shared_data: Path, path: str, split: dict[str, list[int]]) -> None:
    bounds = plan_partitions(load_series(SeriesSpec(path), shared_data), split, 24)
    assert {name: [first, end - 1] for name, (first, end) in bounds.items()} == split


@pytest.mark.parametrize(("split", "error", "message"), [
    ({"serach": 20}, ConfigError, "did you mean 'search"),
    ({"fractions": [1, 2]}, ConfigError, "four numbers"),
    ({"fractions": [0.5, 0.5, 0.5, 0.5]}, ConfigError, "add up to 2"),
    ({"search": 30, "search_rows": 30}, ConfigError, "set twice"),
    ({"search": "some"}, ConfigError, "a number of rows"),
    ({"search": 5}, DataError, "less than one forecast of 10"),
    ({"search": 500}, DataError, "ask for 500 rows but there are 200"),
    ({"explore": [0, 99], "search": [110, 139], "confirm": [140, 159], "sealed": [160, 199]}, DataError, "must connect in time"),
    ({"explore": [0, 99], "search": [90, 139], "confirm": [140, 159], "sealed": [160, 199]}, DataError, "may not overlap"),
    ({"sealed": [160, 250]}, DataError, "the data ends at row 199"),
])
def test_a_split_that_cannot_be_made_is_refused(split: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        plan_partitions(panel(), split, 10)


def test_planning_writes_nothing_and_sees_blank_partitions(tmp_path: Path) -> None:
    held = panel()
    held.target[150:170] = np.nan
    with pytest.raises(DataError, match=r"partition confirm .* holds no value"):
        plan_partitions(held, {}, 10)
    assert list(tmp_path.iterdir()) == []


def test_short_data_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"lower task\.horizon"):
        make_partitions(panel(20), {}, 10, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_partitions_hold_their_rows_and_no_others(tmp_path: Path) -> None:
    make_partitions(panel(), {}, 10, tmp_path)
    workspace, next_row = Workspace(tmp_path), 0
    for name in NAMES:
        folder = workspace.explore_data if name == "explore" else workspace.vault / name
        part = read_panel(folder)
        assert part.t0 == next_row
        assert part.target[:, 0].tolist() == list(range(next_row, next_row + part.rows))
        about = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        assert (about["partition"], about["rows"], about["items"], about["freq"]) == (name, part.rows, 2, "D")
        next_row += part.rows
    assert next_row == 200


def test_visible_files_hold_nothing_of_later_rows(tmp_path: Path) -> None:
    make_partitions(panel(), {}, 10, tmp_path)
    visible = Workspace(tmp_path).data
    assert {path.name for path in visible.rglob("*") if path.is_file()} == {"panel.npz", "panel.parquet", "meta.json", "repairs.json"}
    frame = pd.read_parquet(visible / "explore" / "panel.parquet")
    assert frame["s0"].max() == 119
    assert frame.columns.tolist() == ["time", "s0", "s1"]
    with np.load(visible / "explore" / "panel.npz") as held:
        assert held["target"].max() == 1119


def test_vault_is_closed_to_other_users(tmp_path: Path) -> None:
    make_partitions(panel(), {}, 10, tmp_path)
    vault = Workspace(tmp_path).vault
    assert [oct(folder.stat().st_mode & 0o777) for folder in (vault, *(vault / name for name in HIDDEN))] == ["0o700"] * 4


def test_repairs_of_hidden_rows_are_hidden(tmp_path: Path) -> None:
    source = tmp_path / "d.csv"
    stamps = pd.date_range("2021-01-01", periods=200, freq="D")
    frame = pd.DataFrame({"date": stamps, "y": range(200)}).drop([50, 130, 190])
    frame.to_csv(source, index=False)
    report = make_partitions(load_series(SeriesSpec("d.csv"), tmp_path), {}, 10, tmp_path / "ws")
    repairs = json.loads((tmp_path / "ws/data/explore/repairs.json").read_text(encoding="utf-8"))
    assert [(repair["kind"], repair["t"]) for repair in repairs] == [("gap", 50)]
    assert report.repairs == {"explore": {"gap": 1}, "search": {"gap": 1}, "confirm": {}, "sealed": {"gap": 1}}


def test_season_is_chosen_from_explore_alone(tmp_path: Path) -> None:
    rows = np.arange(400)
    weekly = np.where(rows < 240, np.sin(2 * np.pi * rows / 7), np.sin(2 * np.pi * rows / 30) * 50)
    held = Panel(target=weekly[:, None], times=86400 * rows, items=("y",), freq="D", seasons=(7, 30), season=30)
    assert make_partitions(held, {}, 10, tmp_path).season == 7


def test_making_them_again_reads_them_back(tmp_path: Path) -> None:
    first = make_partitions(panel(), {}, 10, tmp_path)
    stamp = (tmp_path / "vault" / "search" / "panel.npz").stat().st_mtime_ns
    assert make_partitions(panel(), {}, 10, tmp_path) == first == load_report(tmp_path)
    assert (tmp_path / "vault" / "search" / "panel.npz").stat().st_mtime_ns == stamp


def test_other_data_or_another_split_in_the_same_workspace_is_refused(tmp_path: Path) -> None:
    make_partitions(panel(), {}, 10, tmp_path)
    with pytest.raises(DataError, match="data differs"):
        make_partitions(panel(201), {}, 10, tmp_path)
    with pytest.raises(DataError, match="split into other rows"):
        make_partitions(panel(), {"search": 40}, 10, tmp_path)


def test_interrupted_split_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "data" / "explore").mkdir(parents=True)
    (tmp_path / ".partitions-left").mkdir()
    make_partitions(panel(), {}, 10, tmp_path)
    assert read_panel(tmp_path / "data" / "explore").rows == 120
    assert not list(tmp_path.glob(".partitions-*"))


def test_series_without_values_in_explore_are_left_out(tmp_path: Path) -> None:
    held = panel(items=3)
    held.target[:130, 1] = np.nan
    report = make_partitions(held, {"search": 30, "confirm": 20, "sealed": 30}, 10, tmp_path)
    assert report.dropped_items == ("s1",)
    assert read_panel(tmp_path / "vault" / "sealed").items == ("s0", "s2")
    assert "s1" in report.to_markdown()


def test_covariates_and_own_stamps_survive_the_split(tmp_path: Path) -> None:
    base = panel()
    times = base.times[:, None] + np.array([0, 3600])
    covariates = np.stack([base.target, -base.target], axis=-1)
    held = Panel(target=base.target, times=times, items=base.items, freq="D", seasons=(7,), season=7,
                 covariates=covariates, covariate_names=("plan", "wind"), known=(True, False))
    make_partitions(held, {}, 10, tmp_path)
    part = read_panel(tmp_path / "vault" / "confirm")
    assert part.times.shape == (20, 2)
    assert part.covariates[0, :, 0].tolist() == [150, 1150]
    assert (part.covariate_names, part.known) == (("plan", "wind"), (True, False))
    assert pd.read_parquet(tmp_path / "data/explore/panel.parquet").columns.tolist() == ["time", "item", "target", "plan", "wind"]
