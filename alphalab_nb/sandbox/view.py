"""What one command sees, with paths made absolute; and the parts of the system that every command needs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
"""Programs and libraries; symbolic links on merged-usr systems."""
ETC = (
    "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "passwd", "group", "hosts", "localtime", "nsswitch.conf", "ssl", "fonts",
)
"""What programs read of /etc; not shadow, not host keys."""


@dataclass(frozen=True)
class View:
    """Paths of one command, each as it was named and as it is without links. A path in both lists is writable."""

    cwd: Path
    read_only: tuple[Path, ...]
    read_write: tuple[Path, ...]
    hidden: tuple[Path, ...]
    network: bool

    @classmethod
    def make(
        cls, *, cwd: Path, read_only: Iterable[Path], read_write: Iterable[Path], hidden: Iterable[Path], network: bool
    ) -> View:
        """Make paths absolute, add where links lead and drop doubles."""
        readable = _absolute((*read_only, *python_folders()))
        writable = _absolute(read_write)
        named = {*readable, *writable}
        writable = _places(writable, named)
        readable = tuple(path for path in _places(readable, named) if path not in writable)
        masked = tuple(path.resolve() for path in _absolute(hidden) if path.exists())
        return cls(_absolute([cwd])[0], readable, writable, masked, network)

    def masked(self) -> list[Path]:
        """Return every hidden path as it would show under the visible ones."""
        found: set[Path] = set()
        for root in (*self.read_only, *self.read_write):
            real = root.resolve()
            found |= {root / path.relative_to(real) for path in self.hidden if path.is_relative_to(real)}
        return sorted(found)


@cache
def python_folders() -> tuple[Path, ...]:
    """Return the folders of this interpreter and its packages, as far as they lie outside /usr."""
    roots = {sys.prefix, sys.base_prefix, sys.exec_prefix, str(Path(sys.executable).resolve().parent.parent)}
    return tuple(sorted(Path(root) for root in roots if not Path(root).is_relative_to("/usr")))


def search_path() -> str:
    """Return PATH: this Python's programs first."""
    return os.pathsep.join((str(Path(sys.prefix) / "bin"), "/usr/local/bin", "/usr/bin", "/bin"))


def _absolute(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Make paths absolute without following links: a command may name them either way."""
    return tuple(dict.fromkeys(Path(os.path.abspath(path)) for path in paths))  # noqa: PTH100


def _places(paths: tuple[Path, ...], named: set[Path]) -> tuple[Path, ...]:
    """Add the resolved form of each path; leave out the named form if it leads through a link inside another named folder."""
    found: list[Path] = []
    for path in paths:
        real = path.resolve()
        above = [folder for folder in named if folder != path and path.is_relative_to(folder)]
        linked = any(folder.resolve() / path.relative_to(folder) != real for folder in above)
        found += [real] if linked else [real, path]
    return tuple(dict.fromkeys(found))
