"""What cheats live on outside of the harness: parts as they are often written, beside which ours are tested. Nothing here may be used.

Each is the obvious way to do it, and each has let a cheat of the table through somewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from alphalab_nb.storage.experiment import Run


def greedy(values: Sequence[float], incumbent: Sequence[float]) -> bool:
    """Keep whose best loss is below the best of the incumbent: a lucky seed or a gain inside the noise is enough."""
    return min(values) < min(incumbent)


def ranking(runs: Iterable[Run]) -> list[Run]:
    """Rank every score there is by its loss, whatever it rests on."""
    scored = [run for run in runs if run.score is not None and run.score.value is not None]
    return sorted(scored, key=lambda run: run.score.value or 0.0)  # type: ignore[union-attr]


def identity(folder: Path) -> str:
    """Know a program by its bytes: a comment makes it new."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(folder.glob("*.py")))).hexdigest()


def version(harness: Path) -> str:
    """Know a harness by what it says of itself."""
    return (harness / "VERSION").read_text(encoding="utf-8").strip()


def label(code: int) -> str:
    """Blame the idea for whatever did not end well."""
    return "ok" if code == 0 else "crash"


def row(fields: Mapping[str, Any]) -> str:
    """Write a record as one line of a table."""
    return "\t".join(map(str, fields.values())) + "\n"


def records(table: str, names: Sequence[str]) -> list[dict[str, str]]:
    """Read the lines of a table."""
    return [dict(zip(names, line.split("\t"), strict=False)) for line in table.splitlines()]


class OpenTest:
    """A test set that anybody may ask again and again; nobody counts."""

    def __init__(self, losses: Mapping[str, float]) -> None:
        self._losses = losses

    def best(self) -> tuple[str, float]:
        """Choose by the test, and report the test."""
        return min(self._losses.items(), key=lambda item: item[1])
