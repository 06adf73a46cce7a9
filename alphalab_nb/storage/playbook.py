"""The playbook: versioned lessons with evidence, mirrored to playbook.md, read by every later strategy and worker."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from alphalab_nb.errors import NotFound, ToolError
from alphalab_nb.process import write_atomic
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.database import Database, now, row_id

Kind = Literal["works", "fails", "avoid", "insight"]
KINDS: tuple[Kind, ...] = ("works", "fails", "avoid", "insight")
_TITLES = {"works": "What works", "fails": "What does not", "avoid": "Do not attempt", "insight": "Insights"}

Word = Literal["firm", "tentative", "contradicted", "by order"]

PROMPT_TOKENS = 3000
"""Of the playbook in one prompt; what is worth least is left out of it. Entries of people are never left out."""
_CHARS_PER_TOKEN = 3.0
"""On the safe side, as in the reservations of requests."""
STANDINGS = "playbook_standings"
"""Fact: how far each entry stands, by id, as it was weighed last."""
WEIGHINGS = "playbook_weighings"
"""Fact: when the firm entries were found to be others than before, and which they were then."""


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

    @property
    def by_order(self) -> bool:
        """Whether it is a person's word alone, which nothing weighs."""
        return self.human and not self.evidence


@dataclass(frozen=True)
class Standing:
    """How far an entry stands, as code has weighed it against the board; never what its author says of it."""

    word: Word
    why: str
    """What it lacks, or what speaks against it; empty for a firm entry."""
    gain: float | None = None
    """Mean relative effect of its evidence as a fraction, positive is better; None if nothing of it was measured."""
    runs: int = 0
    """Full runs of its evidence; an experiment that failed counts as one."""
    against: tuple[int, ...] = ()
    """Experiments with the opposite outcome."""
    weight: float = 1.0
    """Halved by each experiment against it."""
    use: int = 0
    """Experiments proposed after it that cite it."""
    worth: float = 0.0
    """What the token limit ranks by: impact, use and weight together."""

    def __str__(self) -> str:
        return f"{self.word}: {self.why}" if self.why else self.word


UNWEIGHED = Standing("tentative", "not weighed yet")
BY_ORDER = Standing("by order", "a person's word, without evidence")


class Playbook:
    """Append-only: an edit is a new version, a retirement too."""

    def __init__(self, database: Database, mirror: Path) -> None:
        self.board, self._database, self._mirror = Board(database), database, mirror

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

    def changes(self) -> list[Entry]:
        """Return every version of every entry in the order they came."""
        return [_entry(row) for row in self._database.connection().execute("select * from playbook order by at, entry, version")]

    def growth(self) -> list[tuple[str, int]]:
        """Return (time, words in active entries) after each change."""
        active: dict[int, int] = {}
        points: list[tuple[str, int]] = []
        for entry in self.changes():
            active[entry.id] = len(entry.claim.split()) if entry.status == "active" else 0
            points.append((entry.at, sum(active.values())))
        return points

    def standings(self) -> dict[int, Standing]:
        """Return how far each entry stands, by id, retired ones too; what has not been weighed yet is tentative."""
        known = self.board.fact(STANDINGS) or {}
        return {entry.id: _standing(entry, known.get(str(entry.id))) for entry in self.entries(retired=True)}

    def set_standings(self, standings: Mapping[int, Standing]) -> None:
        """Store how far the entries stand and whether others are firm than before, and renew the mirror."""
        self.board.set_fact(STANDINGS, {str(id): asdict(standing) for id, standing in standings.items()})
        firm, before = sorted(id for id, standing in standings.items() if standing.word == "firm"), self.board.fact(WEIGHINGS) or []
        if not before or before[-1][1] != firm:
            self.board.set_fact(WEIGHINGS, [*before, [now(), firm]])
        self._write()

    def add(self, claim: str, *, kind: Kind, evidence: Sequence[int], author: str, human: bool = False) -> Entry:
        """Add a lesson. An agent's lesson needs evidence; a person's may be an order."""
        _check_evidence(evidence, human)
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
            ToolError: an agent would overwrite what a person wrote, or leave a lesson without evidence.
        """
        old = self.get(id)
        if old.human and not human:
            raise ToolError(f"playbook entry {id} was written by a person ({old.author}); add an entry of your own instead")
        if evidence is not None:
            _check_evidence(evidence, human)
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

    def markdown(self, *, tokens: int | None = None) -> str:
        """Return the active entries as the text that agents and people read.

        Args:
            tokens: about how many the text may have; what is worth least is left out, entries of people never.
        """
        entries, standings = self.entries(), self.standings()
        lines = {entry.id: _line(entry, standings[entry.id]) for entry in entries}
        kept = [entry for entry in entries if tokens is None or entry.id in _kept(entries, standings, lines, tokens)]
        text = ["# Playbook", ""]
        for kind in KINDS:
            chosen = [entry for entry in kept if entry.kind == kind]
            if chosen:
                text += [f"## {_TITLES[kind]}", "", *(lines[entry.id] for entry in chosen), ""]
        if left := len(entries) - len(kept):
            text += [f"{left} more of less worth are left out here.", ""]
        return "\n".join(text if entries else [*text, "Nothing learnt yet.", ""])

    def prompt(self) -> str:
        """Return what a prompt shows of the playbook."""
        return self.markdown(tokens=PROMPT_TOKENS)

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


def _check_evidence(evidence: Sequence[int], human: bool) -> None:
    if not human and not evidence:
        raise ToolError("a lesson needs evidence: give the ids of the experiments that support it")


def _kept(entries: Iterable[Entry], standings: Mapping[int, Standing], lines: Mapping[int, str], tokens: int) -> set[int]:
    """Return the entries that fit: those of people, then by worth, the newest of equal ones first."""
    left, kept = tokens * _CHARS_PER_TOKEN, set[int]()
    for entry in sorted(entries, key=lambda entry: (not entry.human, -standings[entry.id].worth, -entry.id)):
        size = len(lines[entry.id].encode()) + 1
        if entry.human or size <= left:
            kept.add(entry.id)
            left -= size
    return kept


def _line(entry: Entry, standing: Standing) -> str:
    evidence = " ".join(f"#{id}" for id in entry.evidence) or "by order"
    line = f"- [{entry.id}] {entry.claim} ({evidence}; {entry.author}{', v' + str(entry.version) if entry.version > 1 else ''})"
    return line if standing.word in ("firm", "by order") else f"{line} – {standing}"


def _standing(entry: Entry, stored: dict[str, object] | None) -> Standing:
    if entry.by_order:
        return BY_ORDER
    return Standing(**{**stored, "against": tuple(stored["against"])}) if stored else UNWEIGHED  # type: ignore[arg-type]


def _entry(row: sqlite3.Row) -> Entry:
    r = dict(row)  # type: ignore[call-overload]
    return Entry(r["entry"], r["version"], r["claim"], r["kind"], tuple(json.loads(r["evidence_json"])), r["author"], bool(r["human"]),
                 r["status"], r["at"])
