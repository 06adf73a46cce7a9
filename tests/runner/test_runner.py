"""A phase runs in a process of its own, ends with a result that is true, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import nbformat
import pytest

from alphalab_nb.process import Identity, stat
from alphalab_nb.runner import PhaseResult, archive, exit_code, run_phase

SLEEP = """
import os, time
open("kernel.pid", "w").write(str(os.getpid()))
print("began", flush=True)
time.sleep(60)
"""
PARAMETERS = {"workspace": "there"}


def statuses(path: Path) -> list[str]:
    cells = nbformat.read(path, as_version=4).cells
    return [cell.metadata.papermill.status for cell in cells if cell.cell_type == "code"]


def kernel_of(output: Path, timeout_s: float = 30) -> Identity:
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        text = (output.parent / "kernel.pid").read_text() if (output.parent / "kernel.pid").is_file() else ""
        if text:
            return Identity.of(int(text))
        time.sleep(0.05)
    raise AssertionError("no kernel began")


def test_success(phase, output: Path) -> None:
    result = run_phase(phase("print(workspace)"), output, {"workspace": "wörk space"})
    assert result.ok
    assert result.exit_code == 0
    assert result.failing_cell is None
    assert 0 < result.seconds < 60
    notebook = nbformat.read(output, as_version=4)
    assert notebook.cells[-1].outputs[0].text == "wörk space\n"
    assert set(statuses(output)) == {"completed"}


def test_lines_arrive_while_the_cell_runs(phase, output: Path) -> None:
    told: list[tuple[str, float]] = []
    source = phase("## Look at the data\n\nSlowly.", "import time\nprint('first', flush=True)\ntime.sleep(1.5)\nprint('second')")
    assert run_phase(source, output, PARAMETERS, on_cell=lambda text: told.append((text, time.monotonic()))).ok
    assert [text for text, _ in told] == ["Look at the data", "first", "second"]
    assert told[2][1] - told[1][1] > 1


def test_failing_cell_is_named(phase, output: Path) -> None:
    result = run_phase(phase("x = 1", "raise ValueError('no such thing')", "print('never')"), output, PARAMETERS)
    assert result == PhaseResult(False, 4, "ValueError", "no such thing", result.seconds, 1)
    assert statuses(output) == ["completed", "completed", "completed", "failed", "pending"]


def test_class_of_the_error_becomes_the_exit_code(phase, output: Path) -> None:
    result = run_phase(phase("from alphalab_nb.errors import DataError\nraise DataError('no column y; name another')"), output, PARAMETERS)
    assert (result.exit_code, result.ename, result.evalue) == (2, "DataError", "no column y; name another")


@pytest.mark.parametrize(("ename", "code"), [
    ("BadInput", 2), ("ConfigError", 2), ("WorkspaceError", 2), ("ProviderOutage", 3), ("BudgetEnded", 4),
    ("PhaseFailed", 1), ("HarnessChanged", 1), ("ValueError", 1), ("annotations", 1), ("", 1),
])
def test_exit_codes(ename: str, code: int) -> None:
    assert exit_code(ename) == code


def test_dead_kernel_fails_the_phase(phase, output: Path) -> None:
    result = run_phase(phase("import os\nos._exit(1)", "print('never')"), output, PARAMETERS)
    assert (result.ok, result.failing_cell, result.ename, result.exit_code) == (False, 3, "DeadKernelError", 1)
    assert statuses(output)[-2:] == ["failed", "pending"]


def test_cell_that_exits_ends_the_phase_as_failed(phase, output: Path) -> None:
    result = run_phase(phase("import sys\nsys.exit(0)", "print('never')"), output, PARAMETERS)
    assert (result.ok, result.ename, result.exit_code) == (False, "SystemExit", 1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_in_good_order(phase, output: Path, number: int) -> None:
    threading.Thread(target=lambda: (kernel_of(output), os.kill(os.getpid(), number)), daemon=True).start()
    result = run_phase(phase(SLEEP, "print('never')"), output, PARAMETERS)
    assert (result.ok, result.ename, result.exit_code) == (False, "KeyboardInterrupt", 130)
    assert statuses(output)[-2:] == ["failed", "pending"]
    assert nbformat.read(output, as_version=4).metadata.papermill.interrupted == signal.Signals(number).name
    assert not _is_alive(output)


def test_signal_before_anything_runs(phase, output: Path) -> None:
    threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGTERM]).start()
    result = run_phase(phase("print('never')"), output, PARAMETERS)
    assert (result.ok, result.failing_cell, result.exit_code) == (False, None, 130)


def test_phase_dies_with_its_caller(phase, output: Path) -> None:
    program = f"from alphalab_nb.runner import run_phase\nrun_phase({str(phase(SLEEP))!r}, {str(output)!r}, {PARAMETERS!r})"
    caller = subprocess.Popen([sys.executable, "-c", program])
    kernel = kernel_of(output)
    caller.kill()
    caller.wait()
    assert kernel.wait(20)
    _until(lambda: statuses(output)[-1] == "failed")


def test_killed_runner_is_written_into_the_notebook(phase, output: Path) -> None:
    found: list[PhaseResult] = []
    source = phase(SLEEP, "print('never')")
    thread = threading.Thread(target=lambda: found.append(run_phase(source, output, PARAMETERS)))
    thread.start()
    kernel = kernel_of(output)
    os.kill(Identity.of(_parent(kernel.pid)).pid, signal.SIGKILL)
    thread.join(30)
    assert (found[0].ok, found[0].failing_cell, found[0].ename, found[0].exit_code) == (False, 3, "RunnerDied", 1)
    assert statuses(output)[-2:] == ["failed", "pending"]
    assert kernel.wait(10)


def test_error_of_the_listener_ends_the_phase(phase, output: Path) -> None:
    def listener(text: str) -> None:
        raise RuntimeError(f"cannot show {text}")

    with pytest.raises(RuntimeError, match="cannot show began"):
        run_phase(phase(SLEEP), output, PARAMETERS, on_cell=listener)
    assert not _is_alive(output)


def test_earlier_copy_is_archived(phase, output: Path) -> None:
    output.parent.mkdir()
    output.write_text("the first")
    assert run_phase(phase("1"), output, PARAMETERS).ok
    archived = list((output.parent / "archive").iterdir())
    assert [path.read_text() for path in archived] == ["the first"]
    assert archived[0].name.startswith("1_explore_20")


def test_nothing_to_archive(output: Path) -> None:
    assert archive(output) is None
    assert not output.parent.exists()


def test_missing_source_is_explained(tmp_path: Path, output: Path) -> None:
    result = run_phase(tmp_path / "none.ipynb", output, PARAMETERS)
    assert (result.ok, result.ename, result.exit_code) == (False, "FileNotFoundError", 1)
    assert "none.ipynb" in result.evalue


def _is_alive(output: Path) -> bool:
    try:
        return Identity.of(int((output.parent / "kernel.pid").read_text())).alive()
    except ProcessLookupError:
        return False


def _parent(pid: int) -> int:
    known = stat(pid)
    assert known is not None
    return known.parent


def _until(holds, timeout_s: float = 20) -> None:
    end = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)
