"""A small notebook, executed in this process by papermill with our engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from papermill.execute import execute_notebook

Execute = Callable[..., nbformat.NotebookNode]


@pytest.fixture
def executed(tmp_path: Path) -> Execute:
    """Execute cells and return the notebook that is then on disk; errors of papermill are the notebook's business here."""

    def execute(*cells: str, **options: Any) -> nbformat.NotebookNode:
        notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
        notebook.metadata.kernelspec = {"name": "python3", "language": "python", "display_name": "Python 3"}
        out = tmp_path / "out.ipynb"
        try:
            execute_notebook(notebook, str(out), engine_name="alphalab", progress_bar=False, cwd=str(tmp_path), **options)
        except Exception as error:
            print(error)
        written = nbformat.read(out, as_version=4)
        written.cells = [cell for cell in written.cells if cell.cell_type == "code"]  # without papermill's error markers
        return written

    return execute
