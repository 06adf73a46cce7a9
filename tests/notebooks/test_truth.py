"""truth.ipynb, executed: it measures a few worlds and shows them, or shows the table of a bench."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest

from alphalab_nb.resources import shipped

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
FIGURES = ("null-world", "power", "regret", "ahead", "optimism", "coverage", "course", "kills")


def executed(folder: Path, **parameters: Any) -> dict[str, dict[str, str]]:
    """Return what each cell shows, by its name."""
    papermill.execute_notebook(shipped("notebooks", "truth.ipynb"), folder / "truth.ipynb", parameters, cwd=folder, progress_bar=False)
    cells = nbformat.read(folder / "truth.ipynb", as_version=4).cells
    return {cell.id: cell.outputs[-1]["data"] for cell in cells if cell.cell_type == "code" and cell.outputs}


def test_it_shows_a_figure_for_every_question(tmp_path: Path):
    shown = executed(tmp_path, worlds=2, null_campaigns=4)
    assert "4 campaigns" in shown["measure"]["text/plain"]
    assert all("image/png" in shown[name] for name in FIGURES)
    assert not [name for name in FIGURES if "not measured" in shown[name]["text/plain"]]
    assert "16 of 16 planted cheats killed" in shown["kills"]["text/plain"]


def test_it_shows_the_numbers_of_a_bench(tmp_path: Path):
    rows = [{"id": "null_world", "value": 0.031, "n": 2000, "detail": {"greedy": 0.93, "nominal": 0.04}},
            {"id": "sealed_cover", "value": 0.9, "n": 240, "detail": {"noise/effect 1": 0.9, "noise/effect 4": 0.9}},
            {"id": "power", "value": None, "n": 0, "detail": {"error": "ended"}},
            {"id": "real_scores", "value": True, "n": 9, "detail": {
                "etth1 campaign": {"wall_s": 1}, "etth1 sealed": {"skill": 0.05, "skill_interval": [0.02, 0.08]}}}]
    (tmp_path / "bench.json").write_text(json.dumps(rows), encoding="utf-8")
    shown = executed(tmp_path, bench=str(tmp_path / "bench.json"))
    assert "ours 3.1%" in shown["null-world"]["text/plain"]
    assert "greedy 93.0%" in shown["null-world"]["text/plain"]
    assert "0.90" in shown["coverage"]["text/plain"]
    assert "sealed 0.05 [0.02, 0.08] at etth1" in shown["real"]["text/plain"]
    assert all("not measured" in shown[name]["text/plain"] for name in ("power", "regret", "ahead", "optimism"))
