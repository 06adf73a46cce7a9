"""The common part of the executors on this machine: one thread per slot takes commands from a queue and supervises them.

Each job runs below a wrapper process (wrapper.py) that enforces the limits and writes exit.json. The wrapper is bound to the slot's
thread by PR_SET_PDEATHSIG: when this process dies, however, its running jobs die with it. A restarted dispatcher reads the ended
ones from exit.json and plans the others again.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from alphalab_nb.executors import wrapper
from alphalab_nb.executors.base import Command, Exit, Job
from alphalab_nb.process import Identity, kill_marked

PASSED = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "SSL_CERT_FILE",
          "XDG_CACHE_HOME", "KERNELS_LAB_CACHE", "KERNELS_LAB_CORES")
"""The only variables of our own that jobs get: keys and tokens have many names."""
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "TORCH_NUM_THREADS", "POLARS_MAX_THREADS")


@dataclass(frozen=True)
class Slot:
    """Room for one job."""

    number: int
    cores: tuple[int, ...]
    gpus: tuple[str, ...] = ()

    def environment(self) -> dict[str, str]:
        """Return the variables that keep libraries within the slot."""
        devices = {"CUDA_VISIBLE_DEVICES": ",".join(self.gpus)} if self.gpus else {}
        return {**dict.fromkeys(THREADS, str(len(self.cores))), **devices}


@dataclass(eq=False)
class _Task:
    job: Job
    command: Command | None
    """None: a job that an earlier executor of this process started; only its end is waited for."""
    slot: int | None = None
    """Only this slot may take it."""
    process: Identity | None = None
    cancelled: bool = False


class SlotExecutor:
    """An executor over given slots; a context manager."""

    def __init__(self, slots: list[Slot]) -> None:
        self._slots = slots
        self._queue: list[_Task] = []
        self._tasks: dict[Job, _Task] = {}
        self._changed = threading.Condition()
        self._closed = False
        self._threads = [threading.Thread(target=self._serve, args=(slot,), name=f"slot-{slot.number}", daemon=True) for slot in slots]
        for thread in self._threads:
            thread.start()

    @property
    def slots(self) -> int:
        return len(self._slots)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(self, command: Command) -> Job:
        """Queue a command; see `Executor.submit`."""
        command.folder.mkdir(parents=True, exist_ok=True)
        for name in ("exit.json", "job.json", "stdout.log", "stderr.log"):
            (command.folder / name).unlink(missing_ok=True)
        return self._enter(_Task(Job(command.folder, name=command.name, cancel=self._cancel), command))

    def attach(self, folder: Path) -> Job | None:
        """Find the job of a folder; see `Executor.attach`."""
        order = _read_json(folder / "job.json")
        if order is None:
            return None
        process = Identity(*order["identity"])
        running = process.alive()  # asked first: exit.json is written before the wrapper ends
        job = Job(folder, name=order["name"], cancel=self._cancel)
        end = read_exit(folder)
        if end is not None:
            job.finish(end)
        elif running:
            slot = next((slot.number for slot in self._slots if list(slot.cores) == order["cores"]), None)
            self._enter(_Task(job, None, slot, process))
        else:
            kill_marked(_mark(folder))
        return job if end is not None or running else None

    def close(self) -> None:
        """End everything; see `Executor.close`."""
        with self._changed:
            self._closed = True
            jobs = list(self._tasks)
            self._changed.notify_all()
        for job in jobs:
            job.cancel()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join()

    # -- queue -------------------------------------------------------------------------------------------

    def _enter(self, task: _Task) -> Job:
        with self._changed:
            if self._closed:
                raise RuntimeError("the executor is closed")
            self._tasks[task.job] = task
            self._queue.append(task)
            self._changed.notify_all()
        return task.job

    def _take(self, slot: Slot) -> _Task | None:
        """Wait for a task this slot may run; None when the executor closes."""
        with self._changed:
            while True:
                for task in self._queue:
                    if task.slot in (None, slot.number):
                        self._queue.remove(task)
                        return task
                if self._closed:
                    return None
                self._changed.wait()

    def _cancel(self, job: Job) -> None:
        with self._changed:
            task = self._tasks.get(job)
            if task is None:
                return
            task.cancelled = True
            queued = task in self._queue and task.command is not None
            if queued:
                self._queue.remove(task)
                del self._tasks[job]
            process = task.process
        if queued:
            job.finish(_never_seen("cancelled", "cancelled before it started"))
        elif process is not None:
            process.send(signal.SIGTERM)

    # -- one job -----------------------------------------------------------------------------------------

    def _serve(self, slot: Slot) -> None:
        while (task := self._take(slot)) is not None:
            end = self._supervise(task, slot)
            with self._changed:
                del self._tasks[task.job]
            task.job.finish(end)

    def _supervise(self, task: _Task, slot: Slot) -> Exit:
        started = _now()
        try:
            if task.command is None:
                assert task.process is not None
                task.process.wait()
            else:
                self._run(task, task.command, slot)
        except OSError as error:
            return _never_seen("infrastructure", f"the job could not be started: {error}", started)
        end = read_exit(task.job.folder)
        if end is None:
            kill_marked(_mark(task.job.folder))
            end = _never_seen("cancelled" if task.cancelled else "infrastructure", "its wrapper ended without a word", started)
        return end

    def _run(self, task: _Task, command: Command, slot: Slot) -> None:
        """Start the wrapper and wait for its end; no polling."""
        with (command.folder / "stdout.log").open("ab") as out, (command.folder / "stderr.log").open("ab") as err:
            process = subprocess.Popen(
                wrapper.ARGV, stdin=subprocess.PIPE, stdout=out, stderr=err, env=environment(command, slot), start_new_session=True,
            )
        with self._changed:
            with contextlib.suppress(ProcessLookupError):
                task.process = Identity.of(process.pid)
            cancelled = task.cancelled
        with contextlib.suppress(BrokenPipeError):
            process.communicate(json.dumps({} if cancelled else _order(command, slot)).encode())
        process.wait()


def environment(command: Command, slot: Slot) -> dict[str, str]:
    """Return the whole environment of a job. The slot has the last word on threads and GPUs."""
    passed = {name: os.environ[name] for name in PASSED if name in os.environ}
    ours = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
    return {**passed, **ours, **command.env, **slot.environment(), wrapper.MARK: str(command.folder.resolve())}


def read_exit(folder: Path) -> Exit | None:
    """Return how the job of a folder ended; None if it has not, or left no trace."""
    known = _read_json(folder / "exit.json")
    return None if known is None else Exit(**known)


def _order(command: Command, slot: Slot) -> dict[str, Any]:
    return {
        "name": command.name, "argv": list(command.argv), "cwd": str(command.cwd), "folder": str(command.folder.resolve()),
        "limits": asdict(command.limits), "cores": list(slot.cores), "parent": os.getpid(),
    }


def _mark(folder: Path) -> str:
    """A variable by which processes of a job are known even if they left its tree."""
    return f"{wrapper.MARK}={folder.resolve()}"


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def _never_seen(label: Any, reason: str, started: str = "") -> Exit:
    return Exit(label=label, reason=reason, started=started or _now(), finished=_now())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
