"""A core for one measurement: a pool of file locks per machine, so that evaluations that run at the same time do not share one."""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kernels_lab.errors import LabError

_POLL_S = 0.05


class NoCore(LabError):
    """No core became free. Other evaluations hold all of them: start fewer at once, or give this one more time."""


@contextmanager
def leased(timeout_s: float = 900.0) -> Iterator[int]:
    """Hold one core, and keep this process off it while there is another for it to run on."""
    mine = os.sched_getaffinity(0)
    core, lock = _taken(sorted(mine, reverse=True), time.monotonic() + timeout_s)
    try:
        os.sched_setaffinity(0, mine - {core} or mine)
        yield core
    finally:
        os.sched_setaffinity(0, mine)
        os.close(lock)


def _taken(cores: list[int], until: float) -> tuple[int, int]:
    while True:
        for core in cores:
            if (lock := _locked(core)) is not None:
                return core, lock
        if time.monotonic() > until:
            raise NoCore(f"none of the cores {cores} became free. {NoCore.__doc__}")
        time.sleep(_POLL_S)


def _locked(core: int) -> int | None:
    lock = os.open(_pool() / f"core{core}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _pool() -> Path:
    """Return the folder of locks; of this user alone, in a place that all of the user's processes share."""
    folder = Path(os.environ.get("KERNELS_LAB_CORES") or Path(tempfile.gettempdir()) / f"kernels_lab-cores-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder
