"""Processes and files that survive a kill -9: who a process is, how a tree of them ends, how a file is replaced whole.

Linux only. The job wrapper imports this in an interpreter without site-packages, so it stays with the standard library and with
modules that load fast (no pathlib, no dataclasses).
"""
# ruff: noqa: PTH105, PTH108, PTH110, PTH120, PTH123, PTH208

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import math
import os
import select
import signal
import time
from typing import TYPE_CHECKING, NamedTuple

from alphalab_nb.errors import WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20


class Stat(NamedTuple):
    """What /proc says about a process."""

    state: str
    """One letter; Z and X have ended."""
    parent: int
    cpu_s: float
    """Own and of the children it has waited for."""
    start: int
    """Ticks after boot."""
    rss_mib: float


def stat(pid: int) -> Stat | None:
    """Return a process's entry in /proc; None if there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()  # the name before it may hold anything
    except OSError:
        return None
    return Stat(fields[0].decode(), int(fields[1]), sum(map(int, fields[11:15])) * _TICK_S, int(fields[19]), int(fields[21]) * _PAGE_MIB)


def pss_mib(pid: int) -> float | None:
    """Return resident memory with shared pages divided among those who share them; None if the kernel does not say."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            return next((int(line.split()[1]) / 1024 for line in file if line.startswith(b"Pss:")), None)
    except OSError:
        return None


class Identity(NamedTuple):
    """Names one process for ever: a pid is used again, a pid with its start time and boot is not."""

    pid: int
    start: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> Identity:
        """Return the identity of a running process.

        Raises:
            ProcessLookupError: there is none of that pid.
        """
        known = stat(pid)
        if known is None:
            raise ProcessLookupError(pid)
        return cls(pid, known.start, _boot())

    @classmethod
    def current(cls) -> Identity:
        return cls.of(os.getpid())

    def alive(self) -> bool:
        """Whether this very process still runs; a zombie does not."""
        known = stat(self.pid)
        return known is not None and known.state not in "ZX" and known.start == self.start and _boot() == self.boot

    def send(self, number: int) -> bool:
        """Send a signal to this very process; False if it has ended."""
        with contextlib.suppress(ProcessLookupError), _handle(self.pid) as handle:
            if self.alive():  # asked while the handle is open: from here on it cannot mean another process of that pid
                os.kill(self.pid, number) if handle is None else signal.pidfd_send_signal(handle, number)
                return True
        return False

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until this process has ended; it need not be a child of ours. False if the time is over first."""
        ends_at = math.inf if timeout_s is None else time.monotonic() + max(0.0, timeout_s)
        with contextlib.suppress(ProcessLookupError), _handle(self.pid) as handle:
            if handle is not None and self.alive():
                select.select([handle], [], [], None if timeout_s is None else max(0.0, timeout_s))
            while handle is None and self.alive() and time.monotonic() < ends_at:
                time.sleep(0.02)
        return not self.alive()


@contextlib.contextmanager
def _handle(pid: int) -> Iterator[int | None]:
    """Open a pidfd; None on kernels before 5.3, which have none."""
    try:
        handle = os.pidfd_open(pid)
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        yield None
        return
    try:
        yield handle
    finally:
        os.close(handle)


def _boot() -> str:
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


# -- trees ---------------------------------------------------------------------------------------------------


def children(pid: int) -> list[int]:
    """Return the pids of the direct children."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                found += map(int, file.read().split())
    except FileNotFoundError:
        return [] if _CHILDREN_LISTED else _children_by_search(pid)
    except OSError:
        return found
    return found


_CHILDREN_LISTED = os.path.exists(f"/proc/self/task/{os.getpid()}/children")


def _children_by_search(pid: int) -> list[int]:
    """For kernels that do not list children: ask every process for its parent."""
    return [other for other in pids() if (known := stat(other)) is not None and known.parent == pid]


def pids() -> list[int]:
    """Return the pids of all processes we can see."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def descendants(pid: int) -> list[int]:
    """Return the pids of all children, their children and so on, parents first."""
    found, level = [], children(pid)
    while level:
        found += level
        level = [child for parent in level for child in children(parent)]
    return found


def kill_tree(pid: int, *, timeout_s: float = 5.0) -> bool:
    """Kill a process and all its descendants and wait for their end; True if nothing is left.

    All are stopped before any is killed, so that none can start another in between.
    """
    stopped: list[Identity] = []
    waiting = [pid]
    while waiting:
        new = [known for known in map(_identity, waiting) if known is not None and known not in stopped]
        for known in new:
            known.send(signal.SIGSTOP)
        stopped += new
        waiting = [child for known in new for child in children(known.pid)]
    for known in stopped:
        known.send(signal.SIGKILL)
    ends_at = time.monotonic() + timeout_s
    return all([known.wait(ends_at - time.monotonic()) for known in stopped])


def _identity(pid: int) -> Identity | None:
    try:
        return Identity.of(pid)
    except ProcessLookupError:
        return None


def kill_marked(mark: str) -> int:
    """Kill every process that was started with the setting `mark` (NAME=value) in its environment; return how many.

    Finds what has left its parent, its group and its session.
    """
    killed, setting = 0, mark.encode()
    for pid in pids():
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/environ", "rb") as file:
                if setting in file.read().split(b"\0"):
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
    return killed


def set_pdeathsig(number: int = signal.SIGKILL, *, parent: int | None = None) -> None:
    """Ask the kernel to signal this process when the *thread* that started it ends.

    So start such processes from a thread that lives as long as they may. With `parent` (the pid that is expected) a parent that
    had already ended is noticed too: then the signal comes at once.
    """
    if _libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if parent is not None and os.getppid() != parent:
        os.kill(os.getpid(), number)


def become_subreaper() -> None:
    """Become the parent of every descendant that loses its own: none can leave the tree."""
    if _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER) failed")


# -- files ---------------------------------------------------------------------------------------------------


def write_atomic(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Replace a file whole: a reader, or a machine that loses power, sees the old content or the new one."""
    target = os.fspath(path)
    partial = f"{target}.{os.getpid()}.{time.monotonic_ns()}.partial"
    try:
        with open(partial, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(partial)
        raise


class FileLock:
    """One holder at a time, in this process or another; the kernel lets go when the holder dies. A context manager."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.fspath(path)
        self._file: int | None = None

    def __enter__(self) -> FileLock:
        """Take the lock.

        Raises:
            WorkspaceError: somebody else has it; the message names the process.
        """
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(file, 200).decode(errors="replace").strip() or "unknown"
            os.close(file)
            raise WorkspaceError(
                f"{os.path.dirname(self._path)} is in use by process {holder}; wait until it has ended, or stop it"
            ) from None
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()} on {os.uname().nodename}\n".encode(), 0)
        self._file = file
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def is_locked(path: str | os.PathLike[str]) -> bool:
    """Whether somebody holds the FileLock at `path`; looking takes nothing from anybody."""
    try:
        node = os.stat(path).st_ino  # noqa: PTH116 - the wrapper loads this module for every run, and pathlib takes its time
        with open("/proc/locks", encoding="utf-8") as held:
            return any(" FLOCK " in line and f":{node} " in line for line in held)
    except OSError:
        return False
