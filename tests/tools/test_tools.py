"""What holds for all tools, and those on cells, board and playbook."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alphalab_nb.errors import ToolError
from alphalab_nb.tools import TOOLS
from alphalab_nb.tools.base import clip
from alphalab_nb.tools.research import Report
from tests.boards import finished
from tests.desk import desk


def test_no_tool_takes_a_score():
    schemas = [*(tool.schema["parameters"] for tool in TOOLS.values()), Report.model_json_schema()]
    text = json.dumps([_names(schema) for schema in schemas])
    for word in ("score", "metric", "value", "loss", "result"):
        assert f'"{word}"' not in text


def _names(schema: dict[str, object]) -> list[str]:
    """Return every property name, at any depth."""
    found: list[str] = []
    for key, value in schema.items():
        if key == "properties" and isinstance(value, dict):
            found += value
        if isinstance(value, dict):
            found += _names(value)
    return found


@pytest.mark.parametrize("name", sorted(TOOLS))
def test_every_tool_and_argument_is_described(name: str):
    schema = TOOLS[name].schema
    assert schema["description"]
    undescribed = [key for key, value in schema["parameters"].get("properties", {}).items() if "description" not in value]
    assert not set(undescribed) - {"findings"}


def test_a_clipped_output_says_what_is_missing():
    assert clip("a" * 10, 10) == "a" * 10
    assert "80 characters left out" in clip("a" * 100, 20)


def test_a_persons_lesson_cannot_be_replaced_by_an_agent(tmp_path: Path):
    made = desk(tmp_path)
    deps = made.as_role("worker_analyze", made.workspace.experiment(1, "mine"))
    finished(made.board, 1.0)
    order = made.playbook.add("try no networks", kind="avoid", evidence=[], author="ana", human=True)
    with pytest.raises(ToolError, match="written by a person"):
        TOOLS["update_playbook"](deps, "networks are fine", "works", [1], replaces=order.id)
    TOOLS["update_playbook"](deps, "harmonics help", "works", [1])
    assert "try no networks" in TOOLS["read_playbook"](deps)
    assert [entry.human for entry in made.playbook.entries()] == [True, False]


def test_a_lesson_without_evidence_is_refused(tmp_path: Path):
    made = desk(tmp_path)
    with pytest.raises(ToolError, match="evidence"):
        TOOLS["update_playbook"](made.as_role("worker_analyze", tmp_path), "it helps", "works", [])


def test_a_verdict_with_a_blocking_finding_cannot_pass(tmp_path: Path):
    from alphalab_nb.tools import Finding

    deps = desk(tmp_path).as_role("critic", tmp_path / "build")
    finding = Finding(severity="blocking", file="harness/score.py", line=3, message="ran x, got y")
    with pytest.raises(ToolError, match="blocking"):
        TOOLS["verdict"](deps, True, [finding])
    with pytest.raises(ToolError, match="at least one finding"):
        TOOLS["verdict"](deps, False, [])
    assert deps.verdict is None
    TOOLS["verdict"](deps, False, [finding])
    assert deps.verdict is not None
    assert not deps.verdict.passed


def test_cells_share_variables_and_a_failure_is_an_observation(tmp_path: Path):
    made = desk(tmp_path)
    deps = made.as_role("worker_implement", made.workspace.experiment(1, "mine"))
    try:
        assert "[cell 1] ok" in TOOLS["run_cell"](deps, "set", "a = 41")
        assert "42" in TOOLS["run_cell"](deps, "read", "a + 1")
        with pytest.raises(ToolError, match="ZeroDivisionError"):
            TOOLS["run_cell"](deps, "fail", "1 / 0")
        shell = TOOLS["shell_exec"](deps, "list", "echo here; exit 3")
        assert "here" in shell
        assert "[exit 3]" in shell
    finally:
        deps.close()
    notebook = json.loads(deps.notebook.read_text(encoding="utf-8"))
    assert sum(cell["cell_type"] == "code" for cell in notebook["cells"]) == 4
