"""Small phase notebooks, run as the campaign runs its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

Write = Callable[..., Path]


@pytest.fixture
def phase(tmp_path: Path) -> Write:
    """Write a phase notebook; a cell that begins with # is markdown."""

    def write(*cells: str) -> Path:
        first = new_code_cell('workspace: str = "nowhere"  # campaign folder', metadata={"tags": ["parameters"]})
        rest = [new_markdown_cell(cell) if cell.startswith("#") else new_code_cell(cell) for cell in cells]
        notebook = new_notebook(cells=[first, *rest])
        notebook.metadata.kernelspec = {"name": "python3", "language": "python", "display_name": "Python 3"}
        path = tmp_path / "source" / "1_explore.ipynb"
        path.parent.mkdir(exist_ok=True)
        nbformat.write(notebook, path)
        return path

    return write


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "notebooks" / "1_explore.ipynb"
