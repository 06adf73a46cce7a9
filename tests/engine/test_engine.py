"""The executed notebook tells the truth, however the run ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from pathlib import Path

import nbformat
import pytest

from alphalab_nb.engine import client
from alphalab_nb.process import Identity

SLEEP = """
import time, os
open("kernel.pid", "w").write(str(os.getpid()))
print("began", flush=True)
try:
    time.sleep(60)
finally:
    print("tidied up")
"""
DEAF = """
import signal, time, os
open("kernel.pid", "w").write(str(os.getpid()))
signal.signal(signal.SIGINT, signal.SIG_IGN)
print("began", flush=True)
time.sleep(60)
"""


def statuses(notebook: nbformat.NotebookNode) -> list[str]:
    return [cell.metadata.papermill.status for cell in notebook.cells]


def errors(notebook: nbformat.NotebookNode) -> list[str]:
    return [output.ename for cell in notebook.cells for output in cell.outputs if output.output_type == "error"]


def printed(notebook: nbformat.NotebookNode) -> str:
    return "".join(output.text for cell in notebook.cells for output in cell.outputs if output.output_type == "stream")


@pytest.fixture
def kernel_ends(tmp_path: Path):
    """Fail if the kernel that wrote kernel.pid outlives its run."""
    yield
    pid = int((tmp_path / "kernel.pid").read_text())
    with contextlib.suppress(ProcessLookupError):
        assert Identity.of(pid).wait(5)


def when_running(folder: Path, *signals: int) -> None:
    """Send this process signals once the cell has begun, as a terminal or a scheduler would."""

    def send() -> None:
        while not (folder / "kernel.pid").is_file():
            time.sleep(0.05)
        for number in signals:
            time.sleep(0.5)
            os.kill(os.getpid(), number)

    threading.Thread(target=send, daemon=True).start()


def test_all_cells_complete(executed) -> None:
    notebook = executed("print('one')", "1 + 1")
    assert statuses(notebook) == ["completed", "completed"]
    assert notebook.metadata.papermill.exception is None
    assert "interrupted" not in notebook.metadata.papermill


def test_cells_after_a_failing_one_stay_pending(executed) -> None:
    notebook = executed("print('one')", "1 / 0", "print('never')")
    assert statuses(notebook) == ["completed", "failed", "pending"]
    assert errors(notebook) == ["ZeroDivisionError"]
    assert notebook.metadata.papermill.exception is True


def test_dead_kernel_fails_its_cell(executed) -> None:
    notebook = executed("import os\nprint('last words', flush=True)\nos._exit(1)", "print('never')")
    assert statuses(notebook) == ["failed", "pending"]
    assert errors(notebook) == ["DeadKernelError"]


def test_cell_over_its_time_fails_and_its_kernel_ends(executed, kernel_ends) -> None:
    notebook = executed(SLEEP, "print('never')", execution_timeout=1)
    assert statuses(notebook) == ["failed", "pending"]
    assert errors(notebook) == ["CellTimeoutError"]
    assert "began" in printed(notebook)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_lets_the_cell_tidy_up(executed, kernel_ends, tmp_path: Path, number: signal.Signals) -> None:
    when_running(tmp_path, number)
    notebook = executed(SLEEP, "print('never')")
    assert statuses(notebook) == ["failed", "pending"]
    assert errors(notebook) == ["KeyboardInterrupt"]
    assert printed(notebook) == "began\ntidied up\n"
    assert notebook.metadata.papermill.interrupted == number.name


def test_deaf_cell_is_killed_after_the_grace(executed, kernel_ends, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "GRACE_S", 0.5)
    when_running(tmp_path, signal.SIGTERM)
    notebook = executed(DEAF, "print('never')")
    assert statuses(notebook) == ["failed", "pending"]
    assert errors(notebook) == ["DeadKernelError"]
    assert notebook.cells[0].outputs[-1].evalue.endswith("after SIGTERM")


def test_second_signal_kills_at_once(executed, kernel_ends, tmp_path: Path) -> None:
    when_running(tmp_path, signal.SIGINT, signal.SIGINT)
    started = time.monotonic()
    notebook = executed(DEAF, "print('never')")
    assert statuses(notebook) == ["failed", "pending"]
    assert time.monotonic() - started < client.GRACE_S


def test_swallowed_interrupt_stops_before_the_next_cell(executed, tmp_path: Path) -> None:
    when_running(tmp_path, signal.SIGTERM)
    notebook = executed(SLEEP.replace("finally", "except KeyboardInterrupt"), "print('never')", "print('never')")
    assert statuses(notebook) == ["completed", "failed", "pending"]
    assert errors(notebook) == ["Stopped"]
    assert notebook.metadata.papermill.interrupted == "SIGTERM"


def test_signal_handlers_are_put_back(executed) -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    executed("1")
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_reader_never_sees_half_a_notebook(executed, tmp_path: Path) -> None:
    out, seen, done = tmp_path / "out.ipynb", [], threading.Event()

    def read() -> None:
        while not done.is_set():
            if out.exists():
                seen.append(json.loads(out.read_text(encoding="utf-8")))
            time.sleep(0.002)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        notebook = executed(*["print('x' * 200_000)"] * 5)
    finally:
        done.set()
        reader.join()
    assert statuses(notebook) == ["completed"] * 5
    assert len(seen) > 5
    assert not list(tmp_path.glob("*.partial"))


def test_lines_are_told_whole_and_in_order(executed) -> None:
    told: list[str] = []
    executed("print('a', end='', flush=True)\nprint('b')\nprint('10%\\r20%')\nprint('c', end='')", "print('d')", told=told.append)
    assert told == ["ab", "20%", "c", "d"]


def test_kernel_is_this_interpreter(executed) -> None:
    import sys

    assert printed(executed("import sys\nprint(sys.executable)")).strip() == sys.executable


def test_works_outside_the_main_thread(executed) -> None:
    found: list[nbformat.NotebookNode] = []
    thread = threading.Thread(target=lambda: found.append(executed("1 + 1")))
    thread.start()
    thread.join()
    assert statuses(found[0]) == ["completed"]


def test_sockets_are_removed(executed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    executed("1")
    assert not list(tmp_path.glob("alphalab-*"))
