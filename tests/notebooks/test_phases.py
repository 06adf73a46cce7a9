"""The five phase notebooks, executed for real on a small campaign."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from alphalab_nb.campaign import Campaign
from alphalab_nb.errors import PhaseFailed
from alphalab_nb.resources import shipped
from alphalab_nb.workspace import PHASES
from tests.support import ready, sleepers, small_campaign

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """A whole campaign with the offline strategy, run by all five notebooks."""
    campaign = small_campaign(tmp_path_factory.mktemp("whole"), limits={"max_experiments": 7})
    campaign.run()
    return Campaign.open(campaign.workspace.root)


def test_all_phases_end_and_their_executed_notebooks_are_the_record(finished: Campaign):
    assert finished.phase() == "done"
    for phase in PHASES:
        notebook = nbformat.read(finished.workspace.notebook(phase), as_version=4)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert all(cell.execution_count for cell in code)
        assert not [out for cell in code for out in cell.outputs if out.output_type == "error"]


def test_the_report_stands_alone(finished: Campaign):
    html = finished.workspace.report.read_text(encoding="utf-8")
    assert "rule-based, no language model" in html
    assert "data:image" in html or "<svg" in html
    for forbidden in ('src="http', "src='http", '<link rel="stylesheet" href'):
        assert forbidden not in html


def test_status_tells_the_sealed_test_beside_the_baselines(finished: Campaign):
    sealed = finished.status()["sealed"]
    assert sealed["reads"] == 1
    assert set(sealed["baselines"]) >= {"naive", "seasonal_naive", "seasonal_naive_drift", "holt_winters"}
    assert sealed["score"] == finished.board.fact("sealed")["score"]


def test_the_explorers_report_is_executed_top_to_bottom(finished: Campaign):
    report = nbformat.read(finished.workspace.explore / "report.ipynb", as_version=4)
    counts = [cell.execution_count for cell in report.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    figures = sum("image/png" in out.get("data", {}) for cell in report.cells if cell.cell_type == "code" for out in cell.outputs)
    assert figures + len(list((finished.workspace.explore / "plots").glob("*.png"))) >= 6


def test_agents_notebooks_say_who_played_the_role(finished: Campaign):
    for path in finished.workspace.agents.glob("*.ipynb"):
        said = nbformat.read(path, as_version=4).metadata["alphalab"]
        assert said["provider"] == "offline", path
        assert said["model"].startswith("rules:"), path


def test_running_a_finished_campaign_again_repeats_nothing(finished: Campaign):
    before = {path: path.stat().st_mtime_ns for path in finished.workspace.notebooks.glob("*.ipynb")}
    runs = len(finished.board.runs())
    finished.run()
    assert {path: path.stat().st_mtime_ns for path in finished.workspace.notebooks.glob("*.ipynb")} == before
    assert len(finished.board.runs()) == runs


def test_a_failing_phase_stops_the_campaign_and_says_why(tmp_path: Path):
    campaign = small_campaign(tmp_path)
    source = campaign.workspace.notebook_source("adapt")
    notebook = json.loads(source.read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    code[2]["source"] = ["raise RuntimeError('the disk is on fire')"]
    source.write_text(json.dumps(notebook), encoding="utf-8")
    with pytest.raises(PhaseFailed, match="the disk is on fire"):
        campaign.run()
    assert campaign.phase() == "adapt"
    assert campaign.board.step("explore", "phase") is None


def test_a_budget_without_a_result_is_exit_4(tmp_path: Path):
    campaign = ready(small_campaign(tmp_path, sleepers(0, fail="crash"), limits={"max_fixes": 0}))
    campaign.run("experiment")
    with pytest.raises(PhaseFailed) as failed:
        campaign.run("report")
    assert failed.value.exit_code == 4


def test_plain_papermill_runs_a_phase_too(tmp_path: Path):
    campaign = small_campaign(tmp_path)
    command = [sys.executable, "-m", "papermill", str(shipped("notebooks", "0_adapt.ipynb")), str(tmp_path / "out.ipynb"),
               "-p", "workspace", str(campaign.workspace.root)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    step = campaign.board.step("adapt", "make_data")
    assert step is not None
    assert step["status"] == "finished"


def test_the_quickstart_notebook_drives_a_campaign_cell_by_cell(tmp_path: Path):
    campaign = small_campaign(tmp_path, limits={"max_experiments": 4})
    notebook = nbformat.read(shipped("notebooks", "campaign.ipynb"), as_version=4)
    parameters = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    parameters.source = f"workspace = {str(campaign.workspace.root)!r}"
    copy = tmp_path / "campaign.ipynb"
    nbformat.write(notebook, copy)
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=400", "-q",
               "-p", "no:cacheprovider", str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    assert Campaign.open(campaign.workspace.root).phase() == "done"
