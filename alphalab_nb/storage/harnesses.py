"""The versions of the harness that a campaign had before the present one: who replaced them, when, and what was in them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from alphalab_nb.storage.board import Board
from alphalab_nb.storage.database import now

FACT = "harnesses"


@dataclass(frozen=True, kw_only=True)
class Retired:
    """A version that a person has replaced; its scores stay on record and rank no more."""

    version: str
    files: Mapping[str, str]
    """Hash of every file by its path in the harness."""
    frozen: str
    """When it was frozen, in UTC."""
    retired: str
    by: str


def retired(board: Board) -> list[Retired]:
    """Return the versions before the present one, oldest first."""
    return [Retired(**row) for row in board.fact(FACT, [])]


def retire(board: Board, record: Mapping[str, object], *, by: str) -> None:
    """Remember a version that is about to be replaced, once.

    Args:
        record: what freezing it wrote: version, files, frozen.
    """
    known = retired(board)
    if record["version"] in [each.version for each in known]:
        return
    entry = Retired(**{name: record[name] for name in ("version", "files", "frozen")}, retired=now(), by=by)  # type: ignore[arg-type]
    board.set_fact(FACT, [asdict(each) for each in (*known, entry)])


def fingerprint(files: Mapping[str, str]) -> str:
    """Return the version of a harness with these files: hashes by path, in the order of paths."""
    return "h-" + hashlib.sha256(json.dumps(dict(sorted(files.items()))).encode()).hexdigest()[:12]
