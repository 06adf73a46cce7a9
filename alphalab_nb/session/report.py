"""Reports: from the cells of a conversation to a notebook that runs top to bottom, and running it.

A raw notebook holds everything that was tried. The report keeps what worked, in order, with the number each cell has in the
raw notebook, so that a citation `[cell N]` can be followed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from alphalab_nb.errors import PhaseFailed
from alphalab_nb.sandbox import Sandbox
from alphalab_nb.session.document import Cell, Document, joined, own
from alphalab_nb.session.outputs import Output, plain_text

SCRATCH = "scratch"
"""Tag of cells that a report leaves out."""
CELL_TIMEOUT_S = 600.0
_LONGEST_HEADING = 120


_COPIED = ("title", "role", "provider", "model", "experiment")


def compile_report(raw: Path, out: Path, keep: Collection[int] | None = None) -> list[int]:
    """Write the kept cells of a conversation as a report, not yet executed. The same notebook gives the same report.

    Args:
        keep: numbers of the cells to keep; by default every cell that ended ok, is not tagged `scratch` and does not repeat
            an earlier one (same code, same output).

    Returns:
        The numbers of the kept cells.
    """
    source = Document(raw)
    opening, blocks = _parts(source.cells)
    kept = [block for block in blocks if block.number in keep] if keep is not None else _worth_keeping(blocks)
    out.unlink(missing_ok=True)
    report = Document(out, {"source": raw.name, **{key: source.own[key] for key in _COPIED if key in source.own}})
    report.add_markdown(f"# Report of {source.own.get('title') or raw.stem}", "title")
    for text in opening:
        report.add_markdown(text, "note")
    report.add_markdown(_contents(kept), "contents")
    for block in kept:
        _add_block(report, block)
    report.save()
    return [block.number for block in kept]


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


@dataclass
class _Block:
    """A code cell with the reason before it and the notes after it."""

    number: int
    reason: str
    code: Cell
    notes: list[str] = field(default_factory=list[str])

    @property
    def source(self) -> str:
        return joined(self.code["source"])

    @property
    def heading(self) -> str:
        """The first line of the reason, else of the code."""
        lines = (self.reason or self.source).strip().splitlines() or ["(empty cell)"]
        return lines[0].lstrip("# ")[:_LONGEST_HEADING]


def _parts(cells: list[Cell]) -> tuple[list[str], list[_Block]]:
    """Return the notes before the first cell (who speaks), and the blocks."""
    opening: list[str] = []
    blocks: list[_Block] = []
    reason = ""
    for cell in cells:
        text, role = joined(cell["source"]), own(cell).get("role")
        if cell["cell_type"] == "code":
            blocks.append(_Block(own(cell).get("cell", len(blocks) + 1), reason, cell))
            reason = ""
        elif role == "reason":
            reason = text
        elif role != "title":
            (blocks[-1].notes if blocks else opening).append(text)
    return opening, blocks


def _worth_keeping(blocks: list[_Block]) -> list[_Block]:
    kept: dict[str, _Block] = {}
    for block in blocks:
        if own(block.code).get("status") != "ok" or SCRATCH in block.code["metadata"].get("tags", []):
            continue
        first = kept.setdefault(f"{block.source}\0{plain_text(block.code['outputs'])}", block)
        if first is not block:
            first.notes += block.notes
    return list(kept.values())


def _add_block(report: Document, block: _Block) -> None:
    body = "" if block.reason.strip() in ("", block.heading) else f"\n\n{block.reason}"
    report.add_markdown(f"## {block.heading} [cell {block.number}]{body}", "reason", cell=block.number)
    report.add_code(block.source, cell=block.number)
    for text in block.notes:
        report.add_markdown(text, "note", cell=block.number)


def _contents(blocks: list[_Block]) -> str:
    lines = [f"{i}. {block.heading} [cell {block.number}]" for i, block in enumerate(blocks, start=1)]
    return "\n".join(["**Contents** (cell numbers are those of the conversation)", "", *lines])


def _last_line(outputs: list[Output]) -> str:
    errors = [output for output in outputs if output["output_type"] == "error"]
    return f"{errors[-1]['ename']}: {errors[-1]['evalue']}" if errors else "no error output"
