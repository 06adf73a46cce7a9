"""What a candidate's process can see: bubblewrap where it works, else only the limits that the process puts on itself.

Level bwrap: only the interpreter, the system's libraries, the lab's code and the candidate's folder exist; no network, own process ids.
Level rlimits: the files of this user can be read. Both: limits and the filter of system calls in worker/confine.py.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

_SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc/ld.so.cache", "/etc/alternatives")
_TMP_BYTES = 1 << 30
_HOME = "/tmp/home"


@dataclass(frozen=True)
class View:
    """What a command sees besides the system, Python and the lab's own code."""

    read_only: tuple[Path, ...] = ()
    read_write: tuple[Path, ...] = ()
    gpu: bool = False


def level() -> Literal["bwrap", "rlimits"]:
    """Return what protects here; tried once per process."""
    return "bwrap" if _works() else "rlimits"


def wrapped(argv: list[str], view: View, variables: dict[str, str]) -> list[str]:
    """Return the command as it is started; it gets these variables and no others (give them to the starter, too)."""
    if not _works():
        return argv
    settings = [part for name, value in variables.items() for part in ("--setenv", name, value)]
    return [*_start(), *_binds(view), "--remount-ro", "/", "--chdir", "/tmp", *settings, "--", *argv]


def home() -> str:
    """Return the value of HOME for a wrapped command."""
    return _HOME if _works() else "/tmp"


def _start() -> list[str]:
    parts = [
        "bwrap", "--die-with-parent", "--new-session", "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts",
        "--unshare-cgroup-try", "--unshare-net", "--uid", "1000", "--gid", "1000", "--cap-drop", "ALL",
    ]  # fmt: skip
    for place in map(Path, _SYSTEM):
        parts += ["--symlink", str(place.readlink()), str(place)] if place.is_symlink() else ["--ro-bind-try", str(place), str(place)]
    return [*parts, "--proc", "/proc", "--dev", "/dev", "--size", str(_TMP_BYTES), "--tmpfs", "/tmp", "--dir", _HOME]


def _binds(view: View) -> list[str]:
    package = Path(__file__).parent
    reads = {Path(sys.base_prefix), Path(sys.prefix), package, *view.read_only}
    kinds = dict.fromkeys(reads, "--ro-bind") | dict.fromkeys(view.read_write, "--bind")
    parts = [part for path in sorted(kinds, key=lambda path: len(path.parts)) for part in (kinds[path], str(path.resolve()), str(path))]
    devices = sorted(map(str, Path("/dev").glob("nvidia*"))) if view.gpu else []
    parts += [part for device in devices for part in ("--dev-bind-try", device, device)]
    return [*parts, "--ro-bind", "/sys", "/sys"] if devices else parts


@cache
def _works() -> bool:
    if shutil.which("bwrap") is None:
        return False
    trial = [*_start(), "--remount-ro", "/", "--", "/bin/true"]
    try:
        return subprocess.run(trial, capture_output=True, timeout=20, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
