"""The window loop: asks a forecaster at every origin, in time order, and never shows it what it is judged by.

A served forecaster runs as a child process in its own process group; its answers are checked before they are used.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from . import protocol
from .config import HERE, Task
from .data_prep import Panel, contexts

STDERR_TAIL = 2000
"""Bytes of the child's stderr that are kept for diagnosis."""
SAME_WITHIN = 1e-4
"""Largest difference, relative to the largest answer, at which two answers count as the same (threads reorder sums)."""


class ForecastFailure(Exception):
    """The candidate's fault, with the label of contract.md."""

    def __init__(self, label: str, message: str) -> None:
        super().__init__(message)
        self.label = label


class Forecaster(Protocol):
    """What answers: a served child, or a baseline in this process."""

    def hello(self, meta: dict[str, Any]) -> None: ...

    def step(self, context: dict[str, Any]) -> np.ndarray: ...


def greeting(panel: Panel, task: Task, seed: int) -> dict[str, Any]:
    """Return the meta that a forecaster is told before the first step."""
    return {
        "freq": panel.meta.get("freq"), "season": task.season, "seasons": panel.meta.get("seasons", [task.season]),
        "horizon": task.horizon, "embargo": task.embargo, "items": list(panel.items), "seed": seed, "task": task.raw,
        "covariate_names": list(panel.covariate_names), "known": [bool(k) for k in panel.known],
    }


def walk(panel: Panel, origins: np.ndarray, task: Task, forecaster: Forecaster, *, seed: int = 0) -> Iterator[np.ndarray]:
    """Yield the checked answer (H, N) at each origin.

    Raises:
        ForecastFailure: no answer, or one that cannot be used.
    """
    forecaster.hello(greeting(panel, task, seed))
    for shown in contexts(panel, origins, task):
        yield checked(forecaster.step(shown), (task.horizon, panel.target.shape[1]))


def checked(answer: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return the answer if every value of it can be judged."""
    if answer.shape != shape:
        raise ForecastFailure("invalid_output", f"the answer has shape {answer.shape}, asked for {shape}")
    if not np.isfinite(answer).all():
        raise ForecastFailure("invalid_output", "the answer holds NaN or infinity")
    return answer


def reproducible_gate(answers: Sequence[np.ndarray], again: Sequence[np.ndarray]) -> dict[str, Any]:
    """Compare the first answers with those of a second, fresh process to the same questions."""
    size = max(float(np.max(np.abs(answers))), 1e-12)
    difference = float(np.max(np.abs(np.subtract(again, answers)))) / size
    return {"name": "reproducible", "value": difference, "limit": SAME_WITHIN, "slack": SAME_WITHIN - difference}


def child_argv(artefact: Path, harness: Path = HERE) -> list[str]:
    """Return the command of a served child; ALPHALAB_CHILD is the sandbox's prefix up to the python in it."""
    prefix = json.loads(os.environ.get("ALPHALAB_CHILD") or "null") or [sys.executable]
    places = {"{artefact}": str(artefact), "{harness}": str(harness)}
    for mark, place in places.items():
        prefix = [part.replace(mark, place) for part in prefix]
    return [*prefix, str(harness / "serve.py"), "--artefact", str(artefact)]


def child_environment() -> dict[str, str]:
    """Return the environment without our own variables: no path of the vault, no key."""
    keep = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES")
    threads = {name: value for name, value in os.environ.items() if name.endswith("_NUM_THREADS")}
    kept = {name: os.environ[name] for name in keep if name in os.environ}
    return {**kept, **threads, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}


class ServedChild:
    """A forecaster in its own process, behind the pipe. Use it as a context manager: leaving kills its group."""

    def __init__(self, artefact: Path, *, shape: tuple[int, int], start_timeout_s: float, step_timeout_s: float, ends_at: float) -> None:
        self._shape = shape
        self._start_timeout_s = start_timeout_s
        self._step_timeout_s = step_timeout_s
        self._ends_at = ends_at
        """time.monotonic() at which the whole score has to be finished."""
        self._deadline = ends_at
        self._tail = bytearray()
        self._process = _spawn(child_argv(artefact), cwd=artefact)
        self._drain = threading.Thread(target=self._keep_tail, daemon=True)
        self._drain.start()

    def __enter__(self) -> ServedChild:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def hello(self, meta: dict[str, Any]) -> None:
        self._set_deadline(self._start_timeout_s)
        self._send(protocol.pack("hello", {"meta": meta}, {}))
        with self._bad_frames():
            if protocol.read_header(self._read, limit=1 << 16).get("op") != "ready":
                raise protocol.BadFrame("hello was not answered with ready")

    def step(self, context: dict[str, Any]) -> np.ndarray:
        self._set_deadline(self._step_timeout_s)
        values = {"t": context["t"], "start": context["start"]}
        self._send(protocol.pack("step", values, {k: v for k, v in context.items() if k not in values}))
        with self._bad_frames():
            return protocol.read_answer(self._read, self._shape)

    def close(self) -> None:
        """End the child and everything in its process group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def stderr_tail(self) -> str:
        """Return the last bytes the child wrote to stderr (its prints land there too)."""
        self._drain.join(timeout=0.5)
        return bytes(self._tail).decode("utf-8", errors="replace").strip()

    # -- pipe ---------------------------------------------------------------------------------------

    def _set_deadline(self, seconds: float) -> None:
        self._deadline = min(time.monotonic() + seconds, self._ends_at)

    def _wait(self, fd: int, event: int) -> None:
        poll = select.poll()
        poll.register(fd, event)
        left = self._deadline - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            total = self._deadline >= self._ends_at
            raise ForecastFailure("timeout", "no answer within the " + ("time of the whole score" if total else "time of one step"))

    def _send(self, data: bytes) -> None:
        assert self._process.stdin is not None
        fd, view = self._process.stdin.fileno(), memoryview(data)
        while view:
            self._wait(fd, select.POLLOUT)
            try:
                view = view[os.write(fd, view) :]
            except BrokenPipeError:
                raise self._ended() from None

    def _read(self, size: int) -> bytes:
        assert self._process.stdout is not None
        fd, parts = self._process.stdout.fileno(), []
        while size:
            self._wait(fd, select.POLLIN)
            part = os.read(fd, min(size, 1 << 20))
            if not part:
                raise self._ended()
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    @contextlib.contextmanager
    def _bad_frames(self) -> Iterator[None]:
        try:
            yield
        except protocol.BadFrame as error:
            raise ForecastFailure("invalid_output", f"the answer is not what was asked for: {error}") from error

    def _ended(self) -> ForecastFailure:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=2)
        code, tail = self._process.poll(), self.stderr_tail()
        last = tail.rsplit("\n", 1)[-1]
        if code in (-signal.SIGKILL, 128 + signal.SIGKILL) or "MemoryError" in last or "OutOfMemory" in last:
            return ForecastFailure("oom", f"the forecaster was ended for memory (exit code {code})")
        return ForecastFailure("crash", f"the forecaster ended (exit code {code}) before it answered: {last[:300]}")

    def _keep_tail(self) -> None:
        assert self._process.stderr is not None
        with contextlib.suppress(OSError, ValueError):
            while chunk := os.read(self._process.stderr.fileno(), 1 << 16):
                self._tail += chunk
                del self._tail[:-STDERR_TAIL]


def _spawn(argv: list[str], *, cwd: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        argv, cwd=cwd, env=child_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        bufsize=0, process_group=0, preexec_fn=_die_with_parent,
    )
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        os.set_blocking(pipe.fileno(), False)
    return process


def _die_with_parent() -> None:
    """Ask the kernel to kill the child when the harness is killed: no orphans (Linux; elsewhere the pipe's end does it)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
