"""The rule-based Explorer on real series: what it must find, and that every number it writes stands in its notebook."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import pytest

from alphalab_nb.agents import Finished, run_agent
from alphalab_nb.agents.tasks import ExploreTask
from alphalab_nb.partitions import SeriesSpec, load_series, make_partitions
from alphalab_nb.sandbox import Sandbox
from alphalab_nb.session import compile_report, execute_notebook
from alphalab_nb.tools.citations import CHECKED, cell_outputs, uncited
from tests.desk import desk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

HOURLY: dict[str, Any] = {"horizon": 24, "stride": 24, "season": 168, "metric": "rmse", "scale": "none"}
WEEKLY: dict[str, Any] = {"horizon": 26, "stride": 4, "season": 52, "metric": "rmse", "scale": "none"}
ROWS = {"explore": [0, 12019], "search": [12020, 13363], "confirm": [13364, 14035], "sealed": [14036, 17543]}


@dataclass(frozen=True)
class Explored:
    """What an Explorer left behind."""

    folder: Path
    finished: Finished

    def text(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")


def explore(root: Path, data: str, task: dict[str, Any], split: dict[str, Any]) -> Explored:
    at = desk(root, task=task)
    make_partitions(load_series(SeriesSpec(path=data), root), split, task["horizon"], root)
    deps = at.deps(at.workspace.explore, phase="explore", notebook="1_explorer.ipynb")
    finished = run_agent("explorer", deps, ExploreTask(folder=at.workspace.explore, data=at.workspace.explore_data, task=at.task))
    return Explored(at.workspace.explore, finished)


@pytest.fixture(scope="module")
def co2(tmp_path_factory: pytest.TempPathFactory) -> Explored:
    return explore(tmp_path_factory.mktemp("co2"), "statsmodels:co2", WEEKLY, {})


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Explored:
    return explore(tmp_path_factory.mktemp("traffic"), str(shared_data / "trondheim_traffic" / "traffic.csv.gz"), HOURLY, ROWS)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Explored:
    """The traffic with a gap of 9 days, a level shift, two dead sensors and an hour that stands there twice."""
    frame = pd.read_csv(shared_data / "trondheim_traffic" / "traffic.csv.gz").astype({"Bakkekirke": float})
    frame.loc[8000:, "Bakkekirke"] *= 1.4
    frame.loc[3000 : 3000 + 20 * 24, "Moholtlia"] = 0
    frame.loc[9500 : 9500 + 10 * 24, "Oslovegen"] = 137
    frame = pd.concat([frame.loc[:1234], frame.loc[[1234]], frame.loc[1235:4999], frame.loc[5000 + 9 * 24 :]])
    root = tmp_path_factory.mktemp("planted")
    frame.to_csv(root / "planted.csv", index=False)
    return explore(root, str(root / "planted.csv"), HOURLY, ROWS)


@pytest.fixture(params=["co2", "traffic", "planted"])
def explored(request: pytest.FixtureRequest) -> Explored:
    found: Explored = request.getfixturevalue(request.param)
    return found


def test_every_number_stands_in_the_cell_it_cites(explored: Explored):
    outputs = cell_outputs(explored.finished.notebook)
    for name in CHECKED:
        text = explored.text(name)
        assert text.count("[cell") >= 5
        assert not uncited(name, text, outputs)


def test_the_plan_is_written_first_and_done(explored: Explored):
    plan = explored.text("plan.md")
    assert 12 <= plan.count("- [x]") <= 20
    assert "- [ ]" not in plan


def test_figures_are_saved_seen_and_commented_with_numbers(explored: Explored):
    figures = list((explored.folder / "plots").glob("*.png"))
    assert len(figures) >= 6
    notebook = nbformat.read(explored.finished.notebook, as_version=4)
    notes = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    for figure in figures:
        comment = next(note for note in notes if f"plots/{figure.name}" in note)
        assert re.search(r"\d", comment)


def test_each_probe_leaves_its_code_and_its_notes(explored: Explored):
    scripts = sorted(path.name for path in (explored.folder / "scripts").glob("*.py"))
    assert len(scripts) == explored.text("plan.md").count("- [x]") + 1
    assert len(list((explored.folder / "notes").glob("*.md"))) == len(scripts) - 1


def test_the_report_runs_top_to_bottom_and_says_the_same(co2: Explored):
    out = co2.folder / "report.ipynb"
    compile_report(co2.finished.notebook, out)
    execute_notebook(out, cwd=co2.folder, sandbox=Sandbox(), read_only=[co2.folder.parent / "data" / "explore"])
    assert not uncited("learnings.md", co2.text("learnings.md"), cell_outputs(out))


def test_co2_has_a_rising_trend_a_season_and_its_long_gap(co2: Explored):
    text = co2.text("learnings.md")
    assert "18 rows (126 days) without values from 1964-01-25 to 1964-05-23" in text
    assert re.search(r"Trend: 0\.\d+ per year in the first half of 2\d full years, 1\.\d+ in the last", text)
    assert re.search(r"Season of 52 rows: its mean profile explains 9\d", text)
    assert "Month 5 is the highest, month 10 the lowest" in text
    assert "seasonal naive with drift (52)" in text
    assert "level shift of" not in text
    assert "dead or stuck" not in text


def test_traffic_shows_summer_time_slump_closures_and_its_week(traffic: Explored):
    text = traffic.text("learnings.md")
    for day, move in (("2019-03-31", "earlier"), ("2019-10-27", "later"), ("2020-03-29", "earlier")):
        assert re.search(rf"from {day} on \(Europe, \w+\) the daily profile comes 1 h {move} in 8 of 8 items", text)
    assert text.count("Summer time:") == 3
    assert re.search(r"Slump from the week of 2020-03-\d\d to that of 2020-0[45]-\d\d", text)
    assert re.search(r"Strindheim: \d+ zero rows", text)
    assert re.search(r"Grillstadtunnelen: \d+ zero rows", text)
    assert "Items correlate at 0.899" in text
    assert "Best naive forecast: seasonal naive (168)" in text
    assert "2019-12-25" in text


def test_planted_faults_are_named(planted: Explored):
    for name in ("learnings.md", "data_report/findings.md"):
        text = planted.text(name)
        assert "Bakkekirke: level shift of +4" in text
        assert "from 2019-11-30 on" in text
        assert "Moholtlia: dead or stuck sensor, 481 rows (20.042 days) of the constant 0 from 2019-05-06" in text
        assert "Oslovegen: dead or stuck sensor, 241 rows (10.042 days) of the constant 137" in text
    learnings = planted.text("learnings.md")
    assert "216 rows (9 days) without values from 2019-07-28 08:00 to 2019-08-06 07:00" in learnings
    assert "Duplicate stamp 2019-02-21 10:00" in learnings
    assert "level shift" in planted.finished.summary


def test_a_short_series_with_ragged_covariates_is_explored_without_a_failed_probe(tmp_path: Path):
    generator = np.random.default_rng(0)
    stamps = pd.date_range("2021-01-01", periods=90, freq="D")
    pd.DataFrame({"day": stamps, "sales": generator.poisson(3, 90)}).to_csv(tmp_path / "sales.csv", index=False)
    explored = explore(tmp_path / "ws", str(tmp_path / "sales.csv"), {"horizon": 7, "stride": 1, "season": 7, "metric": "mae"}, {})
    assert "failed" not in explored.finished.summary
    assert "is the highest weekday" in explored.text("learnings.md")
    assert "is the highest, month" not in explored.text("learnings.md"), "90 days hold no profile of the year"
