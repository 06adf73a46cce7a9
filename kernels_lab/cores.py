"""A core for one measurement: a pool of file locks per machine, so that evaluations that run at the same time do not share one.

Of a GPU there is but one for all that an evaluation does on it, also for checks of correctness: they would disturb another's clock.
"""

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


class NoGpu(LabError):
    """The GPU did not become free. Another evaluation holds it: start fewer at once, or give this one more time."""


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


@contextmanager
def device_held(device: str, timeout_s: float = 3600.0) -> Iterator[None]:
    """Hold the GPU that this process uses; the processor needs no hold, its cores are leased."""
    if device == "cpu":
        yield
        return
    until = time.monotonic() + timeout_s
    name = "gpu" + os.environ.get("CUDA_VISIBLE_DEVICES", "0").partition(",")[0].replace("/", "_")
    while (lock := _locked(name)) is None:
        if time.monotonic() > until:
            raise NoGpu(NoGpu.__doc__)
        time.sleep(_POLL_S)
    try:
        yield
    finally:
        os.close(lock)


def _taken(cores: list[int], until: float) -> tuple[int, int]:
    while True:
        for core in cores:
            if (lock := _locked(f"core{core}")) is not None:
                return core, lock
        if time.monotonic() > until:
            raise NoCore(f"none of the cores {cores} became free. {NoCore.__doc__}")
        time.sleep(_POLL_S)


def _locked(name: str) -> int | None:
    lock = os.open(_pool() / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
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
