"""Reports: what is kept of a conversation, and running it."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from alphalab_nb.errors import PhaseFailed
from alphalab_nb.sandbox import Sandbox
from alphalab_nb.session import Session, compile_report, execute_notebook
from alphalab_nb.session.document import Document


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """A conversation with a failure, a repetition and a scratch cell, as a session leaves it."""
    document = Document(tmp_path / "raw.ipynb", {"title": "explorer", "role": "explorer"})
    document.add_markdown("# explorer", "title")
    document.add_markdown("Played by rules.", "note")
    for number, (reason, code, status) in enumerate(
        [("Load", "x = 1", "ok"), ("Try", "y", "error"), ("Look\nclosely", "x + 1", "ok"), ("", "x + 1", "ok"), ("Draft", "x + 5", "ok")], 1
    ):
        if reason:
            document.add_markdown(reason, "reason")
        document.add_code(code, cell=number, status=status)
        document.add_markdown(f"after {number}", "note")
    document.code[-1]["metadata"]["tags"] = ["scratch"]
    document.save()
    return document.path


def sources(path: Path) -> list[str]:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return [cell.source for cell in notebook.cells]


def test_a_report_keeps_what_worked_with_its_number(raw: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.ipynb"
    assert compile_report(raw, out) == [1, 3]
    assert sources(out) == [
        "# Report of explorer", "Played by rules.",
        "**Contents** (cell numbers are those of the conversation)\n\n1. Load [cell 1]\n2. Look [cell 3]",
        "## Load [cell 1]", "x = 1", "after 1", "## Look [cell 3]\n\nLook\nclosely", "x + 1", "after 3", "after 4",
    ]
    code = [cell for cell in nbformat.read(out, as_version=4).cells if cell.cell_type == "code"]
    assert [cell.metadata.alphalab["cell"] for cell in code] == [1, 3]


def test_the_same_conversation_gives_the_same_report(raw: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.ipynb"
    compile_report(raw, out)
    first = out.read_bytes()
    compile_report(raw, out)
    assert out.read_bytes() == first


def test_cells_can_be_chosen(raw: Path, tmp_path: Path) -> None:
    assert compile_report(raw, tmp_path / "report.ipynb", keep=[3, 5]) == [3, 5]


def test_a_report_runs_top_to_bottom(level: str, raw: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.ipynb"
    compile_report(raw, out)
    execute_notebook(out, tmp_path / "cwd", Sandbox(level))
    code = [cell for cell in nbformat.read(out, as_version=4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == [1, 2]
    assert code[1].outputs[0].data["text/plain"] == "2"


def test_a_failing_cell_is_named(raw: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.ipynb"
    compile_report(raw, out, keep=[2, 3])
    with pytest.raises(PhaseFailed, match=r"report.ipynb: \[cell 2\] ended with error: NameError: name 'y'"):
        execute_notebook(out, tmp_path / "cwd", Sandbox())
    code = [cell for cell in nbformat.read(out, as_version=4).cells if cell.cell_type == "code"]
    assert code[0].outputs[0].ename == "NameError"
    assert code[1].outputs == []


def test_a_notebook_of_a_session_can_be_compiled(level: str, tmp_path: Path) -> None:
    with Session(tmp_path / "raw.ipynb", tmp_path / "cwd", Sandbox(level), title="explorer") as session:
        session.run("x = 2", reason="Set x")
        session.run("nonsense", reason="A slip")
        session.run("print(x)", reason="Show x")
    assert compile_report(session.notebook, tmp_path / "report.ipynb") == [1, 3]
    execute_notebook(tmp_path / "report.ipynb", tmp_path / "cwd", Sandbox(level))
