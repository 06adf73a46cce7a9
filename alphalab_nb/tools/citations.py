"""The rule that every number an Explorer writes stands in the output of the cell it cites: `- claim [cell N]`.

Pure functions on texts and a notebook; also the tool `check_citations`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from alphalab_nb.beneath import text_of
from alphalab_nb.errors import ToolError
from alphalab_nb.tools.base import Deps, readable, tool
from alphalab_nb.tools.files import files_in

CHECKED: tuple[str, ...] = ("learnings.md", "data_report/schema.md", "data_report/statistics.md", "data_report/findings.md")
"""Files that the rule holds for."""

_CITATION = re.compile(r"\[cell (\S+?)\]")
_LISTED = re.compile(r"^\s*(#+ |[-*] (\[[ x]\] )?|\d+[.)] )+")
# digits inside of a word (PC1, item_4) belong to a name, not to a measurement
_NUMBER = re.compile(r"(?<![\w.])-?(?:\d{4}-\d{2}(?:-\d{2})?|\d{1,2}:\d{2}(?::\d{2})?|\d+(?:[.,]\d+)*(?:[eE][-+]?\d+)?)(?![A-Za-z_])")
_SHOWN = 20


class Uncited(NamedTuple):
    """A number that no cited cell shows."""

    file: str
    line: int
    problem: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.problem}"


def numbers(text: str) -> list[str]:
    """Return the numbers, dates and times of a text, as they are written."""
    return _NUMBER.findall(text)


def uncited(file: str, text: str, outputs: Mapping[str, str]) -> list[Uncited]:
    """Return where a text breaks the rule.

    Args:
        outputs: text output of each cell by its N.
    """
    found: list[Uncited] = []
    for at, line in enumerate(text.splitlines(), start=1):
        cells = _CITATION.findall(line)
        claimed = numbers(_CITATION.sub("", _LISTED.sub("", line)))
        if claimed and not cells:
            found.append(Uncited(file, at, f"{', '.join(claimed)} without [cell N]"))
        absent = [cell for cell in cells if cell not in outputs]
        found += [Uncited(file, at, f"there is no cell {cell}") for cell in absent]
        if cells and not absent:
            shown = {number for cell in cells for number in _shown(outputs[cell])}
            missing = [number for number in claimed if number not in shown]
            found += [Uncited(file, at, f"{number} is not in the output of cell {', '.join(cells)}") for number in missing]
    return found


def _shown(output: str) -> set[str]:
    """Return the numbers of an output; a negative one may be told without its sign (fell by 3)."""
    found = numbers(output)
    return {*found, *(number.removeprefix("-") for number in found)}


def cell_outputs(notebook: Path) -> dict[str, str]:
    """Return the text output of each code cell of an agent's notebook by its N."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return {_number(cell): "".join(map(_text, cell["outputs"])) for cell in cells if cell["cell_type"] == "code"}


def _number(cell: dict[str, Any]) -> str:
    return str(cell["metadata"].get("alphalab", {}).get("cell"))


def _text(output: dict[str, Any]) -> str:
    held = output.get("text") or output.get("data", {}).get("text/plain", "")
    return held if isinstance(held, str) else "".join(held)


@tool()
def check_citations(deps: Deps) -> str:
    """Check that every number in learnings.md and data_report/ stands in the output of the cell that its line cites."""
    problems = find_uncited(deps)
    if problems:
        more = f"\n[{len(problems) - _SHOWN} more]" if len(problems) > _SHOWN else ""
        raise ToolError("\n".join(map(str, problems[:_SHOWN])) + more)
    return "all numbers stand in the cells they cite"


def find_uncited(deps: Deps) -> list[Uncited]:
    """Return every breach of the rule in the files of an Explorer's folder."""
    outputs = cell_outputs(deps.notebook) if deps.notebook.is_file() else {}
    problems: list[Uncited] = []
    for name in CHECKED:
        if files_in(source := readable(deps, name)):
            problems += uncited(name, text_of(source), outputs)
        else:
            problems.append(Uncited(name, 0, "is missing"))
    return problems
