"""Session: runs an agent's cells in a kernel of its own and keeps every one, with its reason and output, in a notebook.

    with Session(path, cwd, sandbox, title="explorer") as session:
        result = session.run("frame.describe()", timeout_s=60, reason="What does the data look like?")
        session.note("Three series have gaps.")

The kernel starts with the first cell. The notebook is saved after every change; a session on an existing one continues it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphalab_nb.sandbox import Sandbox
from alphalab_nb.session.document import Cell, Document, own
from alphalab_nb.session.outputs import Output, pictures, plain_text

if TYPE_CHECKING:
    from alphalab_nb.session.kernel import Kernel, Ran, Status

_LOST = "the kernel was killed and restarted: all variables are lost"
_NOTES: dict[str, str] = {
    "timeout": "The cell was stopped at its limit of {limit:g} s; variables are kept.",
    "flooded": "The cell was stopped because it wrote too much; variables are kept.",
    "killed": "The cell ran into its limit of {limit:g} s and did not stop when interrupted; " + _LOST + ".",
    "died": "The kernel's process ended during this cell (exit, signal or out of memory); " + _LOST.replace("killed and ", "") + ".",
    "exited": "The cell ended its kernel; " + _LOST.replace("killed and ", "") + ".",
}
_INTERRUPTED = "The process that ran this cell ended before the cell did; it was not run again."
_RESTARTED = ("killed", "died", "exited")


@dataclass(frozen=True)
class CellResult:
    """What came of one cell."""

    status: Status
    text: str
    """Streams, results and tracebacks as plain text."""
    images: tuple[bytes, ...]
    """PNG files."""
    outputs: list[Output]
    """As in the notebook."""
    seconds: float
    restarted: bool
    """The kernel is a new one; no variable is left."""
    note: str
    """What a reader must know beside the output; empty if there is nothing."""
    cell_id: int
    """Number of the code cell in its notebook, from 1; citations `[cell N]` mean it."""

    @property
    def ok(self) -> bool:
        return self.status == "ok"


class Session:
    """One notebook and, from the first cell on, one kernel. Safe to call from several threads; cells run one at a time."""

    def __init__(
        self, notebook: Path, cwd: Path, sandbox: Sandbox, *, title: str = "", metadata: Mapping[str, Any] | None = None,
        read_only: Iterable[Path] = (), read_write: Iterable[Path] = (),
    ) -> None:
        """Open the notebook; nothing is written or started yet.

        Args:
            cwd: the kernel's working folder, which it may write.
            read_only, read_write: what else the kernel sees.
        """
        self._cwd, self._sandbox = cwd, sandbox
        self._read_only, self._read_write = tuple(read_only), tuple(read_write)
        self._document = Document(notebook, {"title": title, "sandbox": sandbox.level, "restarts": 0, **(metadata or {})})
        self._kernel: Kernel | None = None
        self._lock = threading.Lock()
        self._saving = threading.Lock()
        for cell in self._document.code:
            if own(cell).get("status") == "running":  # its process is gone: nobody else writes this notebook
                self._mark_interrupted(cell)
        if title and not self._document.cells:
            self._document.add_markdown(f"# {title}", "title")

    @property
    def notebook(self) -> Path:
        """The conversation's raw notebook."""
        return self._document.path

    @property
    def started(self) -> bool:
        """Whether a kernel is running."""
        return self._kernel is not None

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, code: str, timeout_s: float = 120, reason: str = "") -> CellResult:
        """Run a cell and keep it.

        Args:
            timeout_s: at this limit the cell is interrupted, and its kernel killed if that does not help.
            reason: becomes the text before the cell.

        Raises:
            AlphaLabError: the kernel does not start.
        """
        with self._lock:
            fresh = self._kernel is None and bool(self._document.code)
            kernel = self._started_kernel()
            cell = self._open_cell(code, reason)
            ran = kernel.execute(code, timeout_s)
            note = _NOTES.get(ran.status, "").format(limit=timeout_s)
            if fresh:
                note = f"A new kernel was started for this notebook: variables of earlier cells are not there. {note}".rstrip()
            if ran.status in _RESTARTED:
                self._restart()
            self._close_cell(cell, ran, note)
            return _result(ran, note, own(cell)["cell"])

    def note(self, text: str) -> None:
        """Put text after the last cell."""
        with self._saving:
            self._document.add_markdown(text, "note")
            self._document.save()

    def interrupt(self) -> None:
        """Stop the running cell, from another thread; it ends with a KeyboardInterrupt."""
        if self._kernel is not None:
            self._kernel.interrupt()

    def restart(self) -> None:
        """Start anew with an empty kernel."""
        with self._lock:
            if self._kernel is not None:
                self._restart()
                self._document.save()

    def close(self) -> None:
        """Stop the kernel, if there is one. The notebook stays."""
        kernel, self._kernel = self._kernel, None
        if kernel is not None:
            kernel.stop()

    def _started_kernel(self) -> Kernel:
        if self._kernel is None:
            from alphalab_nb.session.kernel import Kernel

            kernel = Kernel(self._cwd, self._sandbox, read_only=self._read_only, read_write=self._read_write)
            kernel.start()
            self._kernel = kernel
        return self._kernel

    def _restart(self) -> None:
        assert self._kernel is not None
        self._document.own["restarts"] += 1
        self._kernel.restart()

    def _mark_interrupted(self, cell: Cell) -> None:
        own(cell).update(status="interrupted", note=_INTERRUPTED)
        cell["outputs"] = [{"output_type": "error", "ename": "Interrupted", "evalue": _INTERRUPTED, "traceback": [_INTERRUPTED]}]

    def _open_cell(self, code: str, reason: str) -> Cell:
        """Keep the cell before it runs, so that a reader sees what is being done."""
        with self._saving:
            if reason:
                self._document.add_markdown(reason, "reason")
            cell = self._document.add_code(code, cell=len(self._document.code) + 1, status="running")
            self._document.save()
        return cell

    def _close_cell(self, cell: Cell, ran: Ran, note: str) -> None:
        own(cell).update(status=ran.status, seconds=round(ran.seconds, 3))
        if note:
            own(cell)["note"] = note
        cell["execution_count"] = ran.execution_count
        cell["outputs"] = [*ran.outputs, *_said(ran, note)]
        with self._saving:
            self._document.save()


def _said(ran: Ran, note: str) -> list[Output]:
    """Return the note as an output, so that readers of the notebook see it where it happened."""
    if not note:
        return []
    if ran.status in _RESTARTED:
        return [{"output_type": "error", "ename": "KernelRestarted", "evalue": note, "traceback": [note]}]
    return [{"output_type": "stream", "name": "stderr", "text": f"[{note}]\n"}]


def _result(ran: Ran, note: str, number: int) -> CellResult:
    return CellResult(
        status=ran.status, text=plain_text(ran.outputs), images=pictures(ran.outputs), outputs=ran.outputs, seconds=ran.seconds,
        restarted=ran.status in _RESTARTED, note=note, cell_id=number,
    )
