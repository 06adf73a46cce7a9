"""The conversations of agents, append-only: what was sent and answered, once each, so that a killed one goes on where it was.

Bodies are JSON text whose form belongs to `llm.conversation`. A response is stored in one transaction with its ledger row: either
both are there after a crash, or neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from alphalab_nb.storage.database import Database, now
from alphalab_nb.storage.ledger import Charge, store_charge

TurnKind = Literal["request", "response", "result", "note", "compaction"]


@dataclass(frozen=True)
class Turn:
    """One stored part of a conversation."""

    id: int
    kind: TurnKind
    body: str
    at: str


@dataclass(frozen=True)
class Head:
    """What is known of a conversation as a whole."""

    id: int
    key: str
    role: str
    model: str
    instructions: str
    created: str
    ended: str


class Journal:
    """All conversations of one campaign."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, key: str, *, role: str, model: str) -> Head:
        """Return the conversation of that key; it is made if there is none."""
        with self._database.transaction() as sql:
            sql.execute("insert or ignore into conversations (key, role, model, created) values (?,?,?,?)", (key, role, model, now()))
        return self.head(key)

    def head(self, key: str) -> Head:
        row = self._database.connection().execute("select * from conversations where key = ?", (key,)).fetchone()
        return Head(**dict(row))

    def heads(self) -> list[Head]:
        """Return all conversations, oldest first."""
        return [Head(**dict(row)) for row in self._database.connection().execute("select * from conversations order by id")]

    def set_instructions(self, conversation: int, text: str) -> None:
        with self._database.transaction() as sql:
            sql.execute("update conversations set instructions = ? where id = ?", (text, conversation))

    def end(self, conversation: int) -> None:
        with self._database.transaction() as sql:
            sql.execute("update conversations set ended = ? where id = ?", (now(), conversation))

    def add(self, conversation: int, kind: TurnKind, body: str, charge: Charge | None = None) -> int:
        """Append a turn, with the charge of a response; return its id."""
        with self._database.transaction() as sql:
            row = sql.execute(
                "insert into turns (conversation, kind, body_json, at) values (?,?,?,?) returning id", (conversation, kind, body, now())
            ).fetchone()
            if charge is not None:
                store_charge(sql, charge)
        return int(row["id"])

    def turns(self, conversation: int, *kinds: TurnKind) -> list[Turn]:
        """Return the turns of a conversation in their order; of the given kinds only, if any."""
        chosen = f" and kind in ({','.join('?' * len(kinds))})" if kinds else ""
        rows = self._database.connection().execute(
            f"select id, kind, body_json body, at from turns where conversation = ?{chosen} order by id", (conversation, *kinds)
        )
        return [Turn(**dict(row)) for row in rows]
