"""Questions that agents ask people. Each has a deadline and a default, so that nobody waits for ever."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from alphalab_nb.errors import BadInput, NotFound
from alphalab_nb.storage.database import Database, now, row_id

DEFAULT = "default"
"""Who answers when no person did in time."""


@dataclass(frozen=True)
class Question:
    """One question."""

    id: int
    role: str
    experiment: int | None
    question: str
    options: tuple[str, ...]
    """Proposed answers; a person may answer freely."""
    default: str
    deadline: str
    """UTC ISO time at which the default is taken."""
    at: str
    answer: str | None
    answered_by: str


class Questions:
    """All questions of one campaign. Whoever looks after a deadline finds its default taken, also while no agent waits."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask(
        self, question: str, *, default: str, wait_s: float, role: str, experiment: int | None = None, options: Sequence[str] = ()
    ) -> Question:
        """Put a question; `wait_s` seconds from now its default is the answer."""
        deadline = (datetime.now(UTC) + timedelta(seconds=wait_s)).isoformat(timespec="milliseconds")
        with self._database.transaction() as sql:
            row = sql.execute(
                "insert into questions (role, experiment, question, options_json, default_answer, deadline, at) values (?,?,?,?,?,?,?)"
                " returning id",
                (role, experiment, question, json.dumps(list(options)), default, deadline, now()),
            ).fetchone()
        return self.get(row["id"])

    def answer(self, id: int, text: str, *, by: str) -> Question:
        """Answer a question; the first answer counts, and after the deadline its default has been taken.

        Raises:
            NotFound: no such question.
            BadInput: it has been answered.
        """
        with self._database.transaction() as sql:
            _take_defaults(sql)
            done = sql.execute("update questions set answer = ?, answered_by = ? where id = ? and answer is null", (text, by, row_id(id)))
        known = self.get(id)
        if done.rowcount == 1:
            return known
        if known.answered_by == DEFAULT:
            raise BadInput(f"question {id} waited until {known.deadline}; its default was taken: {known.answer!r}")
        raise BadInput(f"question {id} has been answered: {known.answer!r} by {known.answered_by}")

    def get(self, id: int) -> Question:
        row = self._settled().execute("select * from questions where id = ?", (row_id(id),)).fetchone()
        if row is None:
            raise NotFound(f"there is no question {id}; `alphalab-nb status` lists them")
        return _question(row)

    def list(self, *, open_only: bool = False) -> list[Question]:
        """Return the questions, oldest first."""
        where = " where answer is null" if open_only else ""
        return [_question(row) for row in self._settled().execute(f"select * from questions{where} order by id")]

    def _settled(self) -> sqlite3.Connection:
        """Return the connection, with the defaults taken that are due; where none is, nothing is written."""
        sql = self._database.connection()
        if sql.execute(f"select 1 from questions where {_DUE} limit 1", (now(),)).fetchone() is not None:
            with self._database.transaction() as writing:
                _take_defaults(writing)
        return sql


_DUE = "answer is null and deadline <= ?"


def _take_defaults(sql: sqlite3.Connection) -> None:
    sql.execute(f"update questions set answer = default_answer, answered_by = ? where {_DUE}", (DEFAULT, now()))


def _question(row: sqlite3.Row) -> Question:
    return Question(
        id=row["id"], role=row["role"], experiment=row["experiment"], question=row["question"],
        options=tuple(json.loads(row["options_json"])), default=row["default_answer"], deadline=row["deadline"], at=row["at"],
        answer=row["answer"], answered_by=row["answered_by"],
    )
