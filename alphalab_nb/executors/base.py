"""The executor interface: where commands run. Knows nothing of experiments, sandboxes or scores.

    with make_executor("local") as executor:
        job = executor.submit(Command(argv=("python", "run.py"), cwd=code, folder=runs / "7" / "run", limits=Limits(wall_s=60)))
        job.result().label  # "ok"

`submit` queues and returns at once; the end of a job calls its callbacks. What a job leaves in its folder: stdout.log, stderr.log,
job.json (who supervises it) and, when it has ended, exit.json. A later process finds the end there by `attach`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

ExitLabel = Literal["ok", "crash", "timeout", "oom", "cancelled", "infrastructure"]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the whole process tree of one job may use; 0 means no limit."""

    wall_s: float = 0
    """Seconds from start to end; beyond: timeout."""
    cpu_s: float = 0
    """CPU seconds of all its processes together; beyond: timeout."""
    memory_mib: float = 0
    """Resident memory of all its processes together, shared pages counted once; beyond: oom."""
    pids: int = 0
    """Processes alive at a time; beyond: crash."""
    output_mib: float = 0
    """Size of any one file that it writes, the logs too; writing on fails with EFBIG or SIGXFSZ, so mostly: crash."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """What to run."""

    argv: tuple[str, ...]
    cwd: Path
    folder: Path
    """Where logs, job.json and exit.json go; made by the executor; one job per folder."""
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    """On top of a short allow-list of our own variables; nothing else is passed on."""
    limits: Limits = Limits()
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class Exit:
    """How a job ended."""

    label: ExitLabel
    """infrastructure: the machine failed or its owner died, not the command."""
    code: int | None = None
    """Exit code; None if a signal ended it or it never ran."""
    signal: int | None = None
    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_mib: float = 0.0
    started: str = ""
    """ISO time, UTC."""
    finished: str = ""
    reason: str = ""
    """For people: which limit, which error; empty if the label says it all."""


class Job:
    """Handle of a submitted command."""

    def __init__(self, folder: Path, *, name: str = "", cancel: Callable[[Job], None] | None = None) -> None:
        self.folder, self.name = folder, name
        self._cancel = cancel
        self._end: Future[Exit] = Future()

    def __repr__(self) -> str:
        return f"Job({self.name or str(self.folder)!r}, {self.result().label if self.done else 'not done'})"

    @property
    def done(self) -> bool:
        return self._end.done()

    def result(self, timeout: float | None = None) -> Exit:
        """Wait for the end.

        Raises:
            TimeoutError: the job has not ended within `timeout` seconds.
        """
        return self._end.result(timeout)

    def cancel(self) -> None:
        """Ask for the end: a queued job never starts, a running one is killed with all it started. Returns at once."""
        if self._cancel is not None and not self.done:
            self._cancel(self)

    def add_done_callback(self, function: Callable[[Job], object]) -> None:
        """Call `function(job)` at the end, from the executor's thread; at once if the job has ended already."""
        self._end.add_done_callback(lambda _: function(self))

    def finish(self, end: Exit) -> None:
        """Set the end and call the callbacks; for executors only."""
        self._end.set_result(end)


class Executor(Protocol):
    """Where commands run. Thread-safe."""

    @property
    def slots(self) -> int:
        """How many jobs can run at a time."""
        ...

    def submit(self, command: Command) -> Job:
        """Queue a command for the next free slot; never waits."""
        ...

    def attach(self, folder: Path) -> Job | None:
        """Return the job of a folder if it has ended or still runs; None if it never started or was lost without a trace."""
        ...

    def close(self) -> None:
        """Cancel what is queued or running, wait for its end, and refuse more."""
        ...
