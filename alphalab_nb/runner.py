"""Run one phase notebook in a process of its own. The only door to papermill.

The executed notebook is the record: how the run ended is read from it, by whoever wants to know.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import IO, Any

from alphalab_nb import errors
from alphalab_nb.process import set_pdeathsig, write_atomic

_PACKAGE_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class PhaseResult:
    """How the run of a phase notebook ended."""

    ok: bool
    failing_cell: int | None = None
    """Number of the code cell that failed, counted from 1 as in `In [n]`; None if no cell did."""
    ename: str = ""
    """Name of the exception's class."""
    evalue: str = ""
    """Message of the exception."""
    seconds: float = 0.0
    exit_code: int = 0
    """0 done, 1 failed, 2 bad input, 3 provider outage, 4 budget ended, 130 interrupted."""


def run_phase(source: str | Path, output: str | Path, parameters: Mapping[str, Any], *,
              on_cell: Callable[[str], None] | None = None) -> PhaseResult:
    """Execute a notebook; `on_cell` is told the title of every cell that begins, and every line that cells print.

    An earlier executed copy is kept in `archive/` beside it. SIGINT and SIGTERM interrupt the running cell, which may then
    put its things in order; the process never outlives this one.
    """
    source, output = Path(source).resolve(), Path(output).resolve()
    output.parent.mkdir(parents=True, exist_ok=True)
    archive(output)
    request = json.dumps({"source": str(source), "output": str(output), "parameters": dict(parameters)})
    started = time.monotonic()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        code = _run_child(request, log, on_cell or (lambda _: None))
        log.seek(0)
        end = _outcome(output, code, log.read()[-4000:])
    return PhaseResult(seconds=round(time.monotonic() - started, 3), **end)


def archive(output: Path) -> Path | None:
    """Move an executed notebook into archive/, under its name and the time it was last written; return where it is."""
    if not output.exists():
        return None
    folder = output.parent / "archive"
    folder.mkdir(exist_ok=True)
    stamp = datetime.fromtimestamp(output.stat().st_mtime, UTC).strftime("%Y%m%dT%H%M%S_%fZ")
    return output.replace(folder / f"{output.stem}_{stamp}{output.suffix}")


def _run_child(request: str, log: IO[str], on_cell: Callable[[str], None]) -> int:
    child = subprocess.Popen(
        [sys.executable, "-m", "alphalab_nb.runner", str(os.getpid())], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
        text=True, encoding="utf-8", env=_environment(), start_new_session=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    with child, _signals_go_to(child):
        try:
            child.stdin.write(request)
            child.stdin.close()
            for line in child.stdout:
                on_cell(line.rstrip("\n"))
        except BaseException:
            child.terminate()
            raise
    return child.returncode


def _environment() -> dict[str, str]:
    """The caller's, and the package can be imported by the kernel even if it runs from a checkout."""
    paths = [str(_PACKAGE_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYDEVD_DISABLE_FILE_VALIDATION": "1"}


@contextlib.contextmanager
def _signals_go_to(child: subprocess.Popen[str]) -> Iterator[None]:
    """Hand SIGINT and SIGTERM on: the child ends the cell in good order, then this process goes on with its result."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def hand_on(signum: int, _: FrameType | None) -> None:
        child.send_signal(signum)

    before = {signum: signal.signal(signum, hand_on) for signum in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


# -- how it ended ----------------------------------------------------------------------------------------


def exit_code(ename: str) -> int:
    """Return the exit code of an exception's class name, which is all that a notebook keeps of it."""
    known = getattr(errors, ename, None)
    if isinstance(known, type) and issubclass(known, errors.AlphaLabError):
        return known.exit_code
    return 1


def _outcome(output: Path, code: int, log: str) -> dict[str, Any]:
    """Read the end of a run from its executed notebook; the process's own words count only if that says nothing."""
    notebook = _read(output)
    _settle(output, notebook, code)
    failed = _failed_cell(notebook)
    if failed is None and code == 0:
        return {"ok": True}
    # A signal before the engine listens ends the process by the signal itself.
    interrupted = "interrupted" in notebook["metadata"].get("papermill", {}) or code in (-signal.SIGTERM, -signal.SIGINT)
    number, ename, evalue = failed or (None, *_last_words(log, code))
    return {
        "ok": False, "failing_cell": number, "ename": ename, "evalue": evalue,
        "exit_code": errors.INTERRUPTED if interrupted or ename == "KeyboardInterrupt" else exit_code(ename),
    }


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {"cells": [], "metadata": {}}


def _settle(output: Path, notebook: dict[str, Any], code: int) -> None:
    """If the process was killed with a cell running, say so in the notebook: nobody else is left to do it."""
    running = [cell for cell in notebook["cells"] if cell["metadata"].get("papermill", {}).get("status") == "running"]
    for cell in running:
        cell["metadata"]["papermill"].update(status="failed", exception=True)
        ename, evalue = _last_words("", code)
        cell.get("outputs", []).append({"output_type": "error", "ename": ename, "evalue": evalue, "traceback": [f"{ename}: {evalue}"]})
        notebook["metadata"]["papermill"]["exception"] = True
    if running:
        write_atomic(output, json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")


def _failed_cell(notebook: dict[str, Any]) -> tuple[int, str, str] | None:
    """Return number, exception and message of the cell that failed."""
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for number, cell in enumerate(code, start=1):
        error = next((output for output in cell["outputs"] if output["output_type"] == "error"), None)
        if error is not None and cell["metadata"].get("papermill", {}).get("status") == "failed":
            return number, error["ename"], error["evalue"]
    return None


def _last_words(log: str, code: int) -> tuple[str, str]:
    last = log.strip().rsplit("\n", 1)[-1]
    name, _, message = last.partition(": ")
    if code < 0:
        return "RunnerDied", f"ended by {signal.Signals(-code).name}"
    return (name.rsplit(".", 1)[-1], message) if message else ("RunnerDied", f"exit code {code}; {last}")


# -- the child's side ------------------------------------------------------------------------------------


def main() -> None:
    """Execute what stdin asks for; stdout carries nothing but the lines for `on_cell`."""
    set_pdeathsig(signal.SIGTERM, parent=int(sys.argv[1]))
    request = json.load(sys.stdin)
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    _import_jsonschema()
    from papermill.engines import papermill_engines
    from papermill.exceptions import PapermillExecutionError
    from papermill.execute import execute_notebook

    from alphalab_nb.engine import AlphaEngine

    papermill_engines.register("alphalab", AlphaEngine)

    def told(text: str) -> None:
        lines.write(text + "\n")
        lines.flush()

    try:
        execute_notebook(
            request["source"], request["output"], request["parameters"], engine_name="alphalab", kernel_name="python3", language="python",
            cwd=str(Path(request["output"]).parent), progress_bar=False, autosave_cell_every=5, told=told,
        )
    except PapermillExecutionError as error:
        sys.exit(exit_code(error.ename))


def _import_jsonschema() -> None:
    """Import it without the grammar of international URLs: that takes 1.2 s to compile, and no notebook holds one."""
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    import jsonschema as jsonschema

    del sys.modules["rfc3987_syntax"]


if __name__ == "__main__":
    main()
