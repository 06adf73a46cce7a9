"""The kernel lab, by its command line alone: it decides what is right and how fast; here its answers are only read."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .artefact import Kernel, Refused
from .stream import HarnessFault, Task

Answer = dict[str, Any]


class Lab:
    """Asks the lab. Use it in a `with` statement: leaving ends what is still running."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._running: set[subprocess.Popen[str]] = set()
        self._closed = False
        self._lock = threading.Lock()

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._closed = True
            running = [*self._running]
        for process in running:
            _kill(process)

    def names(self) -> list[str]:
        """Return the lab's own problems and the further ones of the task.

        Raises:
            HarnessFault: a further problem has the name of one of the lab's.
        """
        own = [str(row["name"]) for row in self._asked("list")["problems"]]
        if both := sorted({*own} & self._task.problems.keys()):
            raise HarnessFault(f"task.problems: the lab has its own problem {both[0]}; rename your file")
        return [*own, *self._task.problems]

    def verdict(self, kernel: Kernel, *, seed: int, baselines: str, budget_s: float) -> Answer:
        """Return the lab's verdict on a kernel.

        Args:
            baselines: eager, or all: those that this machine has not measured yet are, which takes minutes.
            budget_s: seconds for the rounds of timing.

        Raises:
            Refused: the lab has no problem of that name.
            HarnessFault: the lab cannot answer.
        """
        with tempfile.TemporaryDirectory(prefix="kernel-") as folder:
            source = Path(folder) / kernel.file
            source.write_bytes(kernel.source)
            return self._asked("evaluate", self._where(kernel.problem), str(source), "--backend", kernel.backend, "--seed", str(seed),
                               "--baselines", baselines, "--budget", f"{budget_s:g}")

    def references(self, problems: Sequence[str], *, seed: int, budget_s: float) -> dict[str, Answer]:
        """Return for each problem a comparison of its reference with itself: value, low, high, noisy."""
        asked = ("--device", self._task.device, "--repeats", "1", "--seed", str(seed), "--budget", f"{budget_s:g}")
        trials: list[Answer] = self._asked("aa", *map(self._where, problems), *asked)["trials"]
        return dict(zip(problems, trials, strict=True))

    def forms(self, problems: Sequence[str]) -> dict[str, Answer]:
        """Return the baselines of each problem on this machine: forms, fastest, failed. Those that are not kept yet are measured."""
        found: dict[str, Answer] = self._asked("baselines", *map(self._where, problems), "--device", self._task.device)["problems"]
        return {problem: found[self._where(problem)] for problem in problems}

    def _where(self, problem: str) -> str:
        return self._task.problems.get(problem, problem)

    def _asked(self, *arguments: str) -> Answer:
        """Return what a command of the lab says; it prints one JSON object."""
        # an empty working directory: no file that somebody left in one is taken for a module
        with tempfile.TemporaryDirectory(prefix="lab-") as folder:
            code, said, errors = self._run([sys.executable, "-m", "kernels_lab", *arguments], folder)
        try:
            answer = json.loads(said)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise HarnessFault(f"the lab gave no answer to {arguments[0]} (exit {code}): {errors.strip()[-1500:]}")
        if answer.get("error") == "UnknownProblem":
            raise Refused("invalid_output", str(answer.get("message")))
        if code != 0:
            raise HarnessFault(f"the lab cannot {arguments[0]}: {answer.get('error')}: {answer.get('message')}")
        return answer

    def _run(self, command: list[str], folder: str) -> tuple[int, str, str]:
        with self._lock:
            if self._closed:
                raise HarnessFault("the evaluation was ended")
            # a session of its own, so that its end takes everything along that it started
            process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                       text=True, errors="replace", start_new_session=True)
            self._running.add(process)
        try:
            said, errors = process.communicate()
        finally:
            _kill(process)
            with self._lock:
                self._running.discard(process)
        return process.returncode, said, errors


def _kill(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
