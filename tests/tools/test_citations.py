"""Every number an Explorer writes stands in the output of the cell it cites."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alphalab_nb.errors import ToolError
from alphalab_nb.tools import TOOLS
from alphalab_nb.tools.citations import CHECKED, cell_outputs, numbers, uncited
from tests.desk import desk

OUTPUTS = {"3": "gap of 216 rows (9 days) from 2019-07-28 08:00\nchange -12.5 %", "4": "{'PC1': 0.91, 'n': 1e-05}"}


@pytest.mark.parametrize(("text", "expected"), [
    ("from 2019-07-28 08:00 on", ["2019-07-28", "08:00"]),
    ("PC1 of item_4 carries 91.1 %", ["91.1"]),
    ("fell by -12.5 to 3e-05, 1,372 rows", ["-12.5", "3e-05", "1,372"]),
    ("24-hour days, v2", ["24"]),
    ("no number", []),
])
def test_numbers_are_read_as_they_are_written(text: str, expected: list[str]):
    assert numbers(text) == expected


@pytest.mark.parametrize("line", [
    "- A gap of 216 rows (9 days) from 2019-07-28 on [cell 3]",
    "- It fell by 12.5 % [cell 3]",
    "- 216 rows, correlation 0.91 [cell 3] [cell 4]",
    "## 3. A heading",
    "- [x] 12. a plan item",
    "No number, no citation.",
])
def test_a_line_that_keeps_the_rule_passes(line: str):
    assert not uncited("learnings.md", line, OUTPUTS)


@pytest.mark.parametrize(("line", "problem"), [
    ("- A gap of 217 rows [cell 3]", "217 is not in the output of cell 3"),
    ("- A gap of 16 rows [cell 3]", "16 is not in the output"),  # part of 216
    ("- A gap of 216 rows", "216 without"),
    ("- A gap of 216 rows [cell 9]", "there is no cell 9"),
    ("- A gap of 216 rows [cell 4]", "216 is not in the output of cell 4"),
    ("- It rose by -12.5 from -9 [cell 3]", "-9 is not"),
])
def test_a_number_that_no_cell_shows_is_found(line: str, problem: str):
    (found,) = uncited("learnings.md", f"# Learnings\n\n{line}\n", OUTPUTS)
    assert found.line == 3
    assert problem in found.problem


def test_outputs_are_read_by_the_number_of_the_cell(tmp_path: Path):
    made = desk(tmp_path)
    deps = made.as_role("explorer", made.workspace.explore)
    try:
        TOOLS["run_cell"](deps, "count", "print(216); 9")
    finally:
        deps.close()
    assert numbers(cell_outputs(deps.notebook)["1"]) == ["216", "9"]
    with pytest.raises(ToolError, match=r"learnings\.md:0: is missing"):
        TOOLS["check_citations"](deps)
    for name in CHECKED:
        TOOLS["write_file"](deps, name, "- 216 rows, 9 days [cell 1]\n")
    assert TOOLS["check_citations"](deps).startswith("all numbers")
    TOOLS["write_file"](deps, "learnings.md", "- 217 rows [cell 1]\n")
    with pytest.raises(ToolError, match="217 is not in the output of cell 1"):
        TOOLS["check_citations"](deps)
    assert json.loads(deps.notebook.read_text(encoding="utf-8"))["cells"]
