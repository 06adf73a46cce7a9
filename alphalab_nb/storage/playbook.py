"""The playbook: versioned lessons with evidence, mirrored to playbook.md, read by every later strategy and worker."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from alphalab_nb.errors import NotFound, ToolError
from alphalab_nb.process import write_atomic
from alphalab_nb.storage.database import Database, now, row_id

Kind = Literal["works", "fails", "avoid", "insight"]
KINDS: tuple[Kind, ...] = ("works", "fails", "avoid", "insight")
_TITLES = {"works": "What works", "fails": "What does not", "avoid": "Do not attempt", "insight": "Insights"}


@dataclass(frozen=True)
class Entry:
    """One lesson in its newest version."""

    id: int
    version: int
    claim: str
    kind: Kind
    evidence: tuple[int, ...]
    """Ids of the experiments whose measured scores support the claim."""
    author: str
    human: bool
    status: Literal["active", "retired"]
    at: str


class Playbook:
    """Append-only: an edit is a new version, a retirement too."""

    def __init__(self, database: Database, mirror: Path) -> None:
        self._database, self._mirror = database, mirror

    def entries(self, *, retired: bool = False) -> list[Entry]:
        """Return the newest version of each entry."""
        rows = self._database.connection().execute(
            "select p.* from playbook p join (select entry, max(version) v from playbook group by entry) m"
            " on m.entry = p.entry and m.v = p.version order by p.entry"
        )
        return [entry for entry in map(_entry, rows) if retired or entry.status == "active"]

    def versions(self, id: int) -> list[Entry]:
        rows = self._database.connection().execute("select * from playbook where entry = ? order by version", (row_id(id),))
        return [_entry(row) for row in rows]

    def growth(self) -> list[tuple[str, int]]:
        """Return (time, words in active entries) after each change."""
        active: dict[int, int] = {}
        points: list[tuple[str, int]] = []
        for row in self._database.connection().execute("select * from playbook order by at, entry, version"):
            active[row["entry"]] = len(row["claim"].split()) if row["status"] == "active" else 0
            points.append((row["at"], sum(active.values())))
        return points

    def add(self, claim: str, *, kind: Kind, evidence: Sequence[int], author: str, human: bool = False) -> Entry:
        """Add a lesson. An agent's lesson needs evidence; a person's may be an order."""
        if not human and not evidence:
            raise ToolError("a lesson needs evidence: give the ids of the experiments that support it")
        with self._database.transaction() as sql:
            id = 1 + (sql.execute("select max(entry) from playbook").fetchone()[0] or 0)
            sql.execute(
                "insert into playbook values (?,1,?,?,?,?,?,'active',?)",
                (id, claim, kind, json.dumps(list(evidence)), author, int(human), now()),
            )
        self._write()
        return self.get(id)

    def edit(self, id: int, *, claim: str | None = None, evidence: Sequence[int] | None = None, author: str, human: bool = False,
             status: Literal["active", "retired"] = "active") -> Entry:
        """Store a new version.

        Raises:
            ToolError: an agent would overwrite what a person wrote.
        """
        old = self.get(id)
        if old.human and not human:
            raise ToolError(f"playbook entry {id} was written by a person ({old.author}); add an entry of your own instead")
        with self._database.transaction() as sql:
            version = 1 + sql.execute("select max(version) from playbook where entry = ?", (id,)).fetchone()[0]
            sql.execute(
                "insert into playbook values (?,?,?,?,?,?,?,?,?)",
                (id, version, claim or old.claim, old.kind, json.dumps(list(old.evidence if evidence is None else evidence)),
                 author, int(human), status, now()),
            )
        self._write()
        return self.get(id)

    def retire(self, id: int, *, author: str, human: bool = False) -> Entry:
        return self.edit(id, author=author, human=human, status="retired")

    def markdown(self) -> str:
        """Return the active entries as the text that agents and people read."""
        lines = ["# Playbook", ""]
        entries = self.entries()
        for kind in KINDS:
            chosen = [entry for entry in entries if entry.kind == kind]
            if chosen:
                lines += [f"## {_TITLES[kind]}", "", *map(_line, chosen), ""]
        return "\n".join(lines if entries else [*lines, "Nothing learnt yet.", ""])

    def get(self, id: int) -> Entry:
        """Return the newest version of an entry.

        Raises:
            NotFound: no such entry.
        """
        found = self.versions(id)
        if not found:
            raise NotFound(f"there is no playbook entry {id}; `alphalab-nb playbook` lists them")
        return found[-1]

    def _write(self) -> None:
        write_atomic(self._mirror, self.markdown())


def _line(entry: Entry) -> str:
    evidence = " ".join(f"#{id}" for id in entry.evidence) or "by order"
    return f"- [{entry.id}] {entry.claim} ({evidence}; {entry.author}{', v' + str(entry.version) if entry.version > 1 else ''})"


def _entry(row: sqlite3.Row) -> Entry:
    r = dict(row)  # type: ignore[call-overload]
    return Entry(r["entry"], r["version"], r["claim"], r["kind"], tuple(json.loads(r["evidence_json"])), r["author"], bool(r["human"]),
                 r["status"], r["at"])
