"""Level bwrap: bubblewrap with namespaces of its own for files, processes, users and network.

What is not bound does not exist for the command. Hidden files inside a bound folder are masked and cannot be opened.
"""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Literal

from alphalab_nb.sandbox.view import ETC, SYSTEM, View, search_path

_TMP_BYTES = 2 << 30
"""Size of the private /tmp, which lives in memory."""
_HOME = "/tmp/home"


class Bubblewrap:
    """Builds bwrap command lines."""

    name: Literal["bwrap"] = "bwrap"

    @staticmethod
    def refusal() -> str:
        """Return why bubblewrap does not work here; empty if it does. Tried once per process."""
        return _try()[0]

    def covers(self, network: bool) -> str:
        """Describe the level."""
        net = "the host's network is reachable" if network else "no network"
        return (
            f"only named paths exist, hidden files cannot be opened, {net}, own process, user and IPC namespaces, no capabilities, "
            "environment without keys, private /tmp and HOME. Not covered: memory and CPU (the executor's limits), faults of the kernel"
        )

    def places(self) -> dict[str, str]:
        """Return the variables that name private places."""
        return {"HOME": _HOME, "TMPDIR": "/tmp", "PATH": search_path(), "PYTHONDONTWRITEBYTECODE": "1"}

    def wrap(self, view: View, argv: list[str], variables: dict[str, str]) -> list[str]:
        """Return argv behind bwrap. The variables also stand in it, for callers that start it with an environment of their own."""
        settings = [part for name, value in variables.items() for part in ("--setenv", name, value)]
        return [*_start(view.network), *_binds(view), "--remount-ro", "/", "--chdir", str(view.cwd), *settings, "--", *argv]


def _start(network: bool) -> list[str]:
    net = [] if network else ["--unshare-net"]
    return [
        _program(), "--die-with-parent", "--new-session", "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts",
        "--unshare-cgroup-try", *net, *_try()[1], "--uid", "1000", "--gid", "1000", "--hostname", "sandbox", "--cap-drop", "ALL",
        *_system(network),
    ]


def _system(network: bool) -> list[str]:
    parts: list[str] = []
    for place in SYSTEM:
        if Path(place).is_symlink():
            parts += ["--symlink", str(Path(place).readlink()), place]
        elif Path(place).is_dir():
            parts += ["--ro-bind", place, place]
    for name in (*ETC, "resolv.conf") if network else ETC:
        parts += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    return [*parts, "--proc", "/proc", "--dev", "/dev", *_gpus(), "--size", str(_TMP_BYTES), "--tmpfs", "/tmp", "--dir", _HOME]


def _gpus() -> list[str]:
    devices = sorted(str(path) for path in Path("/dev").glob("nvidia*"))
    binds = [part for device in devices for part in ("--dev-bind-try", device, device)]
    return [*binds, "--ro-bind", "/sys", "/sys"] if devices else []


def _binds(view: View) -> list[str]:
    """Bind parents before children, so that the inner one decides; then mask what is hidden."""
    kinds = dict.fromkeys(view.read_only, "--ro-bind-try") | dict.fromkeys(view.read_write, "--bind-try")
    parts: list[str] = []
    for path in sorted(kinds, key=lambda path: (len(path.parts), path)):
        parts += [kinds[path], str(path.resolve()), str(path)]
    for path in view.masked():
        # A device on a mount without devices: it exists, and open() is refused.
        parts += ["--tmpfs", str(path), "--remount-ro", str(path)] if path.is_dir() else ["--ro-bind", "/dev/null", str(path)]
    return parts


@cache
def _program() -> str:
    return shutil.which("bwrap") or "bwrap"


@cache
def _try() -> tuple[str, tuple[str, ...]]:
    """Run bwrap once. Return why it failed (empty if not) and the hardening flags that this version knows."""
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed", ()
    error = ""
    for flags in (("--disable-userns",), ()):
        try:
            subprocess.run(_trial(flags), capture_output=True, text=True, timeout=20, check=True)
        except subprocess.CalledProcessError as failed:
            error = failed.stderr.strip() or f"exit code {failed.returncode}"
        except (OSError, subprocess.TimeoutExpired) as failed:
            error = str(failed)
        else:
            return "", flags
    return f"the probe failed ({error}); the system may forbid user namespaces", ()


def _trial(flags: tuple[str, ...]) -> list[str]:
    return [
        _program(), "--unshare-user", "--unshare-pid", "--unshare-net", *flags, "--uid", "1000", "--gid", "1000",
        *_system(network=False), "--remount-ro", "/", "--", "/bin/true",
    ]
