"""Reports: from the cells of a conversation to a notebook that runs top to bottom, and running it.

A raw notebook holds everything that was tried. The report keeps what worked, in order, with the number each cell has in the
raw notebook, so that a citation `[cell N]` can be followed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import Path

from alphalab_nb.errors import PhaseFailed
from alphalab_nb.sandbox import Sandbox
from alphalab_nb.session.document import Cell, Document, joined, own

SCRATCH = "scratch"
"""Tag of cells that a report leaves out."""
CELL_TIMEOUT_S = 600.0


def compile_report(raw: Path, out: Path, keep: Collection[int] | None = None) -> list[int]:
    """Write the kept cells of a conversation as a report, not yet executed. The same notebook gives the same report.

    Args:
        keep: numbers of the cells to keep; by default every cell that ended ok and is not tagged `scratch`.

    Returns:
        The numbers of the kept cells.
    """
    source = Document(raw)
    out.unlink(missing_ok=True)
    kept = {number: block for number, block in _blocks(source.cells).items() if _wanted(block, number, keep)}
    title = source.own.get("title") or raw.stem
    report = Document(out, {"source": raw.name, "cells": sorted(kept), **{k: v for k, v in source.own.items() if k in _COPIED}})
    report.add_markdown(f"# Report of {title}", "title")
    report.add_markdown(_contents(kept), "contents")
    for number, block in kept.items():
        _add_block(report, number, block)
    report.save()
    return list(kept)


_COPIED = ("title", "role", "provider", "model", "experiment")


def execute_notebook(
    path: Path, cwd: Path, sandbox: Sandbox, *, read_only: Iterable[Path] = (), read_write: Iterable[Path] = (),
    timeout_s: float = CELL_TIMEOUT_S,
) -> None:
    """Run a notebook top to bottom in a fresh kernel inside the sandbox and write its outputs in place.

    Raises:
        PhaseFailed: a cell failed; it is named, and the notebook shows it.
    """
    from alphalab_nb.session.kernel import Kernel

    document = Document(path)
    for cell in document.code:
        cell["outputs"], cell["execution_count"] = [], None
    kernel = Kernel(cwd, sandbox, read_only=read_only, read_write=read_write)
    kernel.start()
    try:
        for index, cell in enumerate(document.code, start=1):
            ran = kernel.execute(joined(cell["source"]), timeout_s)
            cell["outputs"], cell["execution_count"] = ran.outputs, ran.execution_count
            document.save()
            if ran.status != "ok":
                number = own(cell).get("cell", index)
                raise PhaseFailed(f"{path.name}: [cell {number}] ended with {ran.status}: {_last_line(ran.outputs)}")
    finally:
        kernel.stop()


class _Block(list[Cell]):
    """A code cell with the reason before it and the notes after it."""

    @property
    def code(self) -> Cell:
        return next(cell for cell in self if cell["cell_type"] == "code")


def _blocks(cells: list[Cell]) -> dict[int, _Block]:
    blocks: dict[int, _Block] = {}
    waiting: list[Cell] = []
    for cell in cells:
        if cell["cell_type"] == "code":
            number = own(cell).get("cell", len(blocks) + 1)
            blocks[number] = _Block([*waiting, cell])
            waiting = []
        elif own(cell).get("role") == "reason":
            waiting = [cell]
        elif own(cell).get("role") != "title" and blocks:
            blocks[max(blocks)].append(cell)
    return blocks


def _wanted(block: _Block, number: int, keep: Collection[int] | None) -> bool:
    if keep is not None:
        return number in keep
    tags = block.code["metadata"].get("tags", [])
    return own(block.code).get("status") == "ok" and SCRATCH not in tags


def _add_block(report: Document, number: int, block: _Block) -> None:
    code = block.index(block.code)
    before, after = block[:code], block[code + 1 :]
    heading = _headline(block)
    text = "\n\n".join(joined(cell["source"]) for cell in before)
    body = "" if text.strip() == heading else f"\n\n{text}"
    report.add_markdown(f"## {heading} [cell {number}]{body}", "reason", cell=number)
    report.add_code(joined(block.code["source"]), cell=number)
    for cell in after:
        report.add_markdown(joined(cell["source"]), "note", cell=number)


def _contents(blocks: dict[int, _Block]) -> str:
    lines = [f"- [cell {number}] {_headline(block)}" for number, block in blocks.items()]
    return "\n".join(["**Contents.** Numbers are those of the raw notebook.", "", *lines])


def _headline(block: _Block) -> str:
    """Return the first line of the reason, else of the code."""
    text = joined(block[0]["source"]).strip().splitlines() or [""]
    return re.sub(r"^#+\s*", "", text[0])[:120]


def _last_line(outputs: list[dict[str, object]]) -> str:
    errors = [output for output in outputs if output["output_type"] == "error"]
    return f"{errors[-1]['ename']}: {errors[-1]['evalue']}" if errors else "no error output"
