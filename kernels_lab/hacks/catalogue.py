"""The hacks that ship, as data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from kernels_lab.problem import Problem, load, load_file

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Hack:
    """One kernel that cheats."""

    name: str
    file: Path
    problem: Problem
    check: str
    """Name of the check that catches it."""
    timed: bool
    """Whether it is honest until it is timed."""
    faster: bool
    """Whether the naive timer calls it more than twice as fast as the reference."""
    seen: str
    """Where it has been seen, or who lists it."""

    @property
    def backend(self) -> str:
        """How it is written."""
        return "cpp" if self.file.suffix == ".cpp" else "torch"


@cache
def hacks() -> dict[str, Hack]:
    """Return all hacks by name."""
    rows: dict[str, dict[str, Any]] = yaml.safe_load((_FOLDER / "hacks.yaml").read_text())
    return {name: _hack(name, row) for name, row in rows.items()}


def _hack(name: str, row: dict[str, Any]) -> Hack:
    given: str = row["problem"]
    problem = load_file(_FOLDER / given) if given.endswith(".py") else load(given)
    return Hack(name, _FOLDER / row["file"], problem, row["check"], row.get("timed", False), row.get("faster", False), row["seen"])
