"""The shipped notebooks read as documents: prose before every step, no machinery, nothing left over from a run."""

from __future__ import annotations

import ast
import itertools
import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from alphalab_nb import phases
from alphalab_nb.workspace import PHASES

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NAMES = [f"{number}_{phase}.ipynb" for number, phase in enumerate(PHASES)]

every_notebook = pytest.mark.parametrize("name", [*NAMES, "campaign.ipynb", "verify.ipynb", "truth.ipynb"])
every_of_a_campaign = pytest.mark.parametrize("name", [*NAMES, "campaign.ipynb", "verify.ipynb"])
every_phase = pytest.mark.parametrize("name", NAMES)


def load(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def code(notebook: Any) -> list[str]:
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


@every_notebook
def test_valid_and_named_cells(name: str) -> None:
    notebook = load(name)
    nbformat.validate(notebook)
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)


@every_notebook
def test_written_as_our_tools_write_it(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert text == json.dumps(json.loads(text), indent=1, ensure_ascii=False) + "\n"


@every_notebook
def test_no_outputs(name: str) -> None:
    for cell in load(name)["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@every_notebook
def test_prose_before_every_step(name: str) -> None:
    cells = load(name)["cells"]
    assert cells[0]["cell_type"] == "markdown"
    for before, cell in itertools.pairwise(cells):
        assert cell["cell_type"] == "markdown" or before["cell_type"] == "markdown", cell["id"]


@every_of_a_campaign
def test_one_cell_of_parameters_and_the_first_is_the_folder(name: str) -> None:
    tagged = [cell for cell in load(name)["cells"] if "parameters" in cell["metadata"].get("tags", [])]
    assert len(tagged) == 1
    tree = ast.parse("".join(tagged[0]["source"]))
    assert [type(node) for node in tree.body] == [ast.AnnAssign] * (2 if name in ("verify.ipynb", "4_report.ipynb") else 1)
    assert ast.unparse(tree).startswith("workspace: str = ")


@every_notebook
def test_no_machinery(name: str) -> None:
    for source in code(load(name)):
        assert not any(isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Try) for node in ast.walk(ast.parse(source)))
        assert len(source.splitlines()) <= 12


@every_phase
def test_short(name: str) -> None:
    assert 5 <= len(code(load(name))) <= 12


def test_every_step_has_its_place() -> None:
    used = {name for notebook in NAMES for source in code(load(notebook)) for name in phases.__all__ if f"{name}(" in source}
    assert used == set(phases.__all__)
