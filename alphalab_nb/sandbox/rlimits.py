"""Level rlimits: where namespaces are forbidden. A launcher confines itself (confine.py), then becomes the command."""

from __future__ import annotations

import atexit
import json
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Literal

from alphalab_nb.sandbox import confine
from alphalab_nb.sandbox.view import ETC, SYSTEM, View, search_path

_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/tty", "/dev/shm")
_READABLE = ("/proc", "/sys/devices/system/cpu", "/dev/urandom", "/dev/random")
_LAUNCH = f"import sys; sys.path.insert(0, {str(Path(confine.__file__).parent)!r}); from confine import main; main()"
"""As a module it is compiled once; as a script it would be every time."""


class Rlimits:
    """Builds command lines behind the launcher."""

    name: Literal["rlimits"] = "rlimits"

    def covers(self, network: bool) -> str:
        """Describe the level."""
        common = "environment without keys, private TMPDIR and HOME, no core files, size of a file limited"
        if not confine.landlock_abi():
            return (
                f"{common}. NOT covered: this system has no Landlock, so a command can read every file of this user (hidden data "
                "and the board too), write outside its folders, reach the network and see other processes"
            )
        net = "no network" if confine.can_filter() and not network else "the network is reachable"
        return (
            f"Landlock {confine.landlock_abi()} (only named paths can be opened, hidden files cannot), {net}, no capabilities, {common}. "
            "NOT covered: names, sizes and times of hidden files can be seen, and so can the command lines of other processes; "
            "processes that a command leaves behind"
        )

    def places(self) -> dict[str, str]:
        """Return the variables that name private places; a fresh folder per command, removed when we exit."""
        private = tempfile.mkdtemp(dir=_scratch())
        return {"HOME": private, "TMPDIR": private, "PATH": search_path(), "PYTHONDONTWRITEBYTECODE": "1"}

    def wrap(self, view: View, argv: list[str], variables: dict[str, str]) -> list[str]:
        """Return argv behind the launcher."""
        spec = {
            "cwd": str(view.cwd),
            "read_only": [*SYSTEM, *(f"/etc/{name}" for name in (*ETC, "resolv.conf")), *_READABLE, *map(str, view.read_only)],
            "read_write": [*_DEVICES, *sorted(map(str, Path("/dev").glob("nvidia*"))), variables["TMPDIR"], *map(str, view.read_write)],
            "hidden": [str(path) for path in view.hidden],
            "network": view.network,
            "env": variables,
        }
        return [sys.executable, "-I", "-S", "-c", _LAUNCH, json.dumps(spec), *argv]


@cache
def _scratch() -> str:
    folder = tempfile.mkdtemp(prefix="alphalab-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
