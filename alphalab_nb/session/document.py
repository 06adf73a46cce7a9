"""A notebook on disk, as the plain JSON of nbformat 4.5: read, append, save whole and atomically. It runs nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alphalab_nb.errors import BadInput
from alphalab_nb.process import write_atomic

Cell = dict[str, Any]

OWN = "alphalab"
"""Key of our metadata, in the notebook's and in each cell's."""
_STANDARD = {
    "kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3 (ipykernel)"},
    "language_info": {"name": "python"},
}


class Document:
    """Cells and metadata of one notebook. Cell ids count up, so the same conversation gives the same file."""

    def __init__(self, path: Path, metadata: Mapping[str, Any] | None = None) -> None:
        """Read the notebook at `path` if there is one, and update our block of its metadata.

        Raises:
            BadInput: the file is not a notebook.
        """
        self.path = path
        content = _read(path) if path.exists() else {"cells": [], "metadata": {**_STANDARD}}
        self.cells: list[Cell] = content["cells"]
        self.metadata: dict[str, Any] = content["metadata"]
        self.own: dict[str, Any] = self.metadata.setdefault(OWN, {})
        self.own.update(metadata or {})

    @property
    def code(self) -> list[Cell]:
        """The code cells."""
        return [cell for cell in self.cells if cell["cell_type"] == "code"]

    def add_markdown(self, text: str, role: str, **own: Any) -> Cell:
        """Append text; role says what it is: title, reason, note, contents."""
        cell: Cell = {"cell_type": "markdown", "id": self._id("text"), "metadata": {OWN: {"role": role, **own}}, "source": text}
        self.cells.append(cell)
        return cell

    def add_code(self, source: str, **own: Any) -> Cell:
        """Append a code cell that has not run."""
        cell: Cell = {
            "cell_type": "code", "id": self._id("code"), "metadata": {OWN: own}, "source": source, "outputs": [], "execution_count": None,
        }
        self.cells.append(cell)
        return cell

    def save(self) -> None:
        """Write the whole notebook; a reader sees the old one or the new one."""
        content = {"cells": self.cells, "metadata": self.metadata, "nbformat": 4, "nbformat_minor": 5}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        write_atomic(self.path, text.encode("utf-8", "replace"))  # a cell may print half a character

    def _id(self, kind: str) -> str:
        return f"{kind}-{len(self.cells) + 1}"


def joined(text: str | list[str]) -> str:
    """Return a multi-line value of a notebook as one string; both forms are legal on disk."""
    return text if isinstance(text, str) else "".join(text)


def own(cell: Cell) -> dict[str, Any]:
    """Return our block of a cell's metadata; empty if a person wrote the cell."""
    return cell["metadata"].get(OWN, {})


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return {"cells": content["cells"], "metadata": content["metadata"]}
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path} is not a notebook of nbformat 4: {error}; move it away to start a new one") from error
