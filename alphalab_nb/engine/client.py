"""The kernel of a phase and the cells that run in it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_output
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NotebookExecutionManager

from alphalab_nb.session.manager import LabKernelManager

GRACE_S = 10.0
"""How long an interrupted cell may take to write its state before its kernel is killed."""
Told = Callable[[str], None]
"""Called with one short line: the title of a cell that begins, or a line that a cell has printed."""


class AlphaClient(PapermillNotebookClient):
    """Runs the cells in one kernel; `stop` may be called from a signal handler or another thread."""

    def __init__(self, nb_man: NotebookExecutionManager, *, told: Told | None = None, **options: Any) -> None:
        super().__init__(nb_man, **options)
        self._tell = _Lines(told) if told else None
        self._stopped_by = ""
        self._broken = False
        self._killer = threading.Timer(GRACE_S, self._signal_kernel, [signal.SIGKILL])
        self._killer.daemon = True

    def execute(self, **options: Any) -> NotebookNode:
        self.reset_execution_trackers()
        try:
            # ipykernel repeats on its own stdout what cells print; that copy is nobody's.
            with self.setup_kernel(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options):
                self.papermill_execute_cells()
                if self._broken:
                    self.shutdown_kernel = "immediate"
                else:
                    self.set_widgets_metadata()
        finally:
            self._killer.cancel()
        return self.nb

    def papermill_execute_cells(self) -> None:
        """Run the cells in order; the first that fails is marked, and those after it stay `pending`."""
        for index, cell in enumerate(self.nb.cells):
            self._begin(cell, index)
            error = self._attempt(cell, index)
            if error is not None:
                self.nb_man.cell_exception(cell, cell_index=index, exception=error)
            self.nb_man.cell_complete(cell, cell_index=index)
            if self._tell:
                self._tell.end()
            if error is not None:
                return

    def _begin(self, cell: NotebookNode, index: int) -> None:
        self.nb_man.cell_start(cell, index)
        if self._tell and cell.cell_type == "markdown":
            self._tell.title(cell.source)

    def _attempt(self, cell: NotebookNode, index: int) -> Exception | None:
        try:
            if self._stopped_by and cell.cell_type == "code":
                raise Stopped(f"{self._stopped_by} came before this cell began")
            self.execute_cell(cell, index)
        except CellExecutionError as error:
            return error
        except (CellTimeoutError, DeadKernelError, Stopped) as error:
            self._broken = True
            reason = str(error).split("\n", 1)[0]
            if self._stopped_by and isinstance(error, DeadKernelError):
                reason = f"killed {GRACE_S:.0f} s after {self._stopped_by}"
            name = type(error).__name__
            cell.outputs.append(new_output("error", ename=name, evalue=reason, traceback=[f"{name}: {reason}"]))
            return error
        return None

    def process_message(self, *args: Any, **options: Any) -> NotebookNode | None:
        output = super().process_message(*args, **options)
        if self._tell and output and output.output_type == "stream" and output.name == "stdout":
            self._tell.write(output.text)
        return output

    def output(self, outs: list[NotebookNode], msg: dict[str, Any], display_id: str | None, cell_index: int) -> NotebookNode | None:
        """Join what a stream prints in a row; nbclient's own way takes minutes for a long line (its patterns are quadratic)."""
        new = super().output(outs, msg, display_id, cell_index)
        if new and len(outs) > 1 and new.output_type == outs[-2].output_type == "stream" and new.name == outs[-2].name:
            outs[-2].text += outs.pop().text
        return new

    def stop(self, signum: int) -> None:
        """Interrupt the running cell, so that its code can put its things in order; kill what is left after the grace.

        The interrupted cell then ends by the ordinary path, with all that it has printed. A second call kills at once.
        """
        again, self._stopped_by = bool(self._stopped_by), signal.Signals(signum).name
        self.nb.metadata.papermill["interrupted"] = self._stopped_by
        if again:
            self._signal_kernel(signal.SIGKILL)
            return
        self._signal_kernel(signal.SIGINT)
        self._killer.start()

    def _signal_kernel(self, signum: int) -> None:
        group = getattr(getattr(self.km, "provisioner", None), "pgid", None)
        if group is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signum)


class Stopped(Exception):
    """A signal ended the run between two cells."""


def execute(manager: NotebookExecutionManager, kernel_name: str, *, log_output: bool = False, stdout_file: Any = None,
            stderr_file: Any = None, start_timeout: int = 60, execution_timeout: int | None = None, told: Told | None = None,
            **_: Any) -> None:
    """Run the notebook of a manager; the options are papermill's. SIGINT and SIGTERM stop it in good order."""
    client = AlphaClient(
        manager, told=told, kernel_name=kernel_name, kernel_manager_class=LabKernelManager, log_output=log_output, stdout_file=stdout_file, 
        stderr_file=stderr_file, startup_timeout=start_timeout, timeout=execution_timeout, iopub_timeout=30,
    )
    with _stopped_by_signals(client):
        client.execute()


class _Lines:
    """Cuts a stream of text into whole lines."""

    def __init__(self, told: Told) -> None:
        self._told, self._rest = told, ""

    def title(self, markdown: str) -> None:
        """Tell the first line of a markdown cell, which says what the code cell after it does."""
        first = markdown.strip().split("\n", 1)[0].lstrip("# ").strip()
        if first:
            self._told(first)

    def write(self, text: str) -> None:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._line(line)

    def end(self) -> None:
        self._line(self._rest)
        self._rest = ""

    def _line(self, line: str) -> None:
        shown = line.rsplit("\r", 1)[-1].rstrip()  # what a terminal would show after carriage returns
        if shown:
            self._told(shown)


@contextlib.contextmanager
def _stopped_by_signals(client: AlphaClient) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(signum: int, _: FrameType | None) -> None:
        client.stop(signum)

    before = {signum: signal.signal(signum, stop) for signum in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
