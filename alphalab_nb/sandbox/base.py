"""Sandbox: turns an argv into one that sees only what it is given. It starts nothing itself.

    sandbox = Sandbox("auto", hidden=[source_file, vault])
    argv, env = sandbox.command([sys.executable, "run.py"], cwd=code, read_only=[data], read_write=[out])
    subprocess.Popen(argv, env=env, cwd=code)

Always visible: the system's programs and libraries and this Python with its packages. Everything else is there only if a
call or the constructor names it; `hidden` wins over both. Levels: `bwrap` (bwrap.py), else `rlimits` (rlimits.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from alphalab_nb.errors import ConfigError
from alphalab_nb.sandbox.bwrap import Bubblewrap
from alphalab_nb.sandbox.rlimits import Rlimits
from alphalab_nb.sandbox.view import View

_KEPT = ("LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "CUDA_VISIBLE_DEVICES", "PYTHONHASHSEED")
"""The only variables of our own environment that pass (with *_NUM_THREADS): keys and tokens have many names."""


class Sandbox:
    """A level, and the paths that hold for every command."""

    def __init__(
        self, level: Literal["auto", "bwrap", "rlimits"] = "auto", *, hidden: Iterable[Path] = (), read_only: Iterable[Path] = (),
        read_write: Iterable[Path] = (), network: bool = False,
    ) -> None:
        """Choose the level by trying it; the answer is kept for the life of the process.

        Raises:
            ConfigError: level is `bwrap` and bubblewrap does not work here.
        """
        self._hidden, self._read_only, self._read_write = tuple(hidden), tuple(read_only), tuple(read_write)
        self.network = network
        self._refusal = Bubblewrap.refusal() if level != "rlimits" else "level rlimits was asked for"
        if level == "bwrap" and self._refusal:
            raise ConfigError(f"sandbox level bwrap does not work here: {self._refusal}; install bubblewrap, or set sandbox.level: auto")
        self._level: Bubblewrap | Rlimits = Rlimits() if self._refusal else Bubblewrap()

    @property
    def level(self) -> Literal["bwrap", "rlimits"]:
        """The level in force."""
        return self._level.name

    @property
    def own_processes(self) -> bool:
        """Whether commands live in a process namespace of their own: they see no parent, and signals do not reach them."""
        return self.level == "bwrap"

    def __repr__(self) -> str:
        return f"Sandbox({self.level!r})"

    def describe(self) -> str:
        """Say what the level in force covers, and what it does not."""
        reason = f" (bwrap is not in force: {self._refusal})" if self.level == "rlimits" else ""
        return f"{self.level}{reason}: {self._level.covers(self.network)}"

    def command(
        self, argv: Sequence[str | Path], *, cwd: Path, read_only: Iterable[Path] = (), read_write: Iterable[Path] = (),
        env: Mapping[str, str] | None = None,
    ) -> tuple[list[str], dict[str, str]]:
        """Return the argv and environment that start a command inside the sandbox.

        Args:
            cwd: working folder; readable, and writable only if `read_write` covers it.
            env: variables on top of the scrubbed environment.
        """
        view = View.make(
            cwd=cwd, read_only=(*self._read_only, *read_only, cwd), read_write=(*self._read_write, *read_write),
            hidden=self._hidden, network=self.network,
        )
        variables = {**self._level.places(), **(env or {})}
        return self._level.wrap(view, [str(part) for part in argv], variables), {**_kept(), **variables}


def _kept() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name in _KEPT or name.endswith("_NUM_THREADS")}
