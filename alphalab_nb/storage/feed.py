"""What has changed on a board since a reader last looked: cards of experiments, and lines of the stream.

A reader may be any process; it polls, because SQLite tells nobody. An empty look costs one statement.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

from alphalab_nb.metric import Metric
from alphalab_nb.storage.database import Database

CARD: tuple[str, ...] = (
    "id", "name", "family", "hypothesis", "state", "outcome", "verdict", "quarantined", "pinned", "priority", "fidelity", "parent",
    "author", "fixes", "attempt", "moved", "score", "n", "sd", "smoke", "seconds", "evaluator", "scored", "job", "stage", "cpu",
)
"""Fields of a card in their order. `score` is the mean of `n` full search runs of the newest attempt that has one, in the metric's
unit, `sd` their standard deviation (None below two), `smoke` the newest smoke score, `seconds` compute, `job` the run that runs,
`cpu` CPU seconds of one run, RUN and SCORE together (None where they were not recorded)."""

_EVENT_CHARS = 300


class Feed:
    """Reads changes of one board. Each answer is one consistent picture."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rev(self) -> int:
        """Return the number of the newest change of a card; 0 on an empty board."""
        return int(self._database.connection().execute("select coalesce(max(rev), 0) from card_revs").fetchone()[0])

    def cards(self, after: int = 0) -> tuple[int, list[list[Any]]]:
        """Return the present number and the cards that have changed since `after`, as lists in the order of CARD."""
        sql = self._database.connection()
        sql.execute("begin")
        try:
            rev = self.rev()
            rows = [] if rev <= after else [list(row) for row in sql.execute(_cards(), {"after": after})]
        finally:
            sql.execute("commit")
        return rev, rows

    def events(self, after: int = 0, *, most: int = 300) -> list[list[Any]]:
        """Return the newest events since `after`, oldest first, as [id, at, role, kind, experiment, text]."""
        rows = self._database.connection().execute(
            f"select id, at, role, kind, experiment, substr(text, 1, {_EVENT_CHARS}) from events where id > ? order by id desc limit ?",
            (after, most),
        )
        return [list(row) for row in rows][::-1]

    def working(self) -> list[dict[str, Any]]:
        """Return the conversations that are going on: key, role, since."""
        rows = self._database.connection().execute("select key, role, created as since from conversations where ended = '' order by id")
        return [dict(row) for row in rows]

    def commands(self, *, most: int) -> list[dict[str, Any]]:
        """Return the newest commands, oldest first, with `args` and the time they were settled at."""
        rows = self._database.connection().execute("select * from commands order by id desc limit ?", (most,))
        found = [dict(row) for row in rows][::-1]
        return [{"args": json.loads(row.pop("args_json")), **row} for row in found]

    def data_version(self) -> tuple[int, int]:
        """Return a mark that changes with every write, of other connections and of this one."""
        sql: sqlite3.Connection = self._database.connection()
        return self._database.data_version(), sql.total_changes


def ranked_cards(cards: Iterable[dict[str, Any]], metric: Metric, harness: str | None) -> list[dict[str, Any]]:
    """Return the cards (mappings by CARD) that rank, best first: scored by the present harness, if there is one, and not quarantined."""
    version = (harness or "")[:12]
    sound = [c for c in cards if c["score"] is not None and not c["quarantined"] and version in ("", c["evaluator"])]
    return metric.ranked(sound, lambda card: card["score"])


@cache
def _cards() -> str:
    return files("alphalab_nb.storage").joinpath("cards.sql").read_text(encoding="utf-8")
