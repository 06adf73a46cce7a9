"""The only door to sqlite3: opens a campaign's database, checks its version, hands out transactions."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

from alphalab_nb.errors import WorkspaceError

SCHEMA_VERSION = 6
OLDEST = 4
"""Version from which on an older file is brought up to date when it is opened: migrations/N.sql leads from N - 1 to N."""


def now() -> str:
    """Return the present time as UTC ISO text, milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def row_id(id: int) -> int:
    """Return an id that a query takes; one that no row can have becomes -1, which none has."""
    return id if abs(id) < 2**63 else -1


class Database:
    """One SQLite file, WAL; one connection per thread, because Jupyter runs callbacks in several."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()

    @classmethod
    def create(cls, path: Path) -> Database:
        """Make the file with the present schema; an existing one of this version is left as it is."""
        database = cls(path)
        with database.transaction() as sql:
            if sql.execute("pragma user_version").fetchone()[0] == 0:
                for statement in _statements("schema.sql"):
                    sql.execute(statement)
                sql.execute(f"pragma user_version = {SCHEMA_VERSION}")
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> Database:
        """Open an existing file.

        Raises:
            WorkspaceError: missing, not a campaign's, or written by another version of this package.
        """
        if not path.is_file():
            raise WorkspaceError(f"there is no board at {path}; create the campaign first")
        database = cls(path)
        try:
            found = database.connection().execute("pragma user_version").fetchone()[0]
        except sqlite3.DatabaseError as error:
            raise WorkspaceError(f"{path} is not a campaign's board ({error}); restore it from a copy") from error
        if found > SCHEMA_VERSION:
            raise WorkspaceError(
                f"{path} was written by a newer version (schema {found}, this is {SCHEMA_VERSION}); upgrade alphalab-nb"
            )
        if OLDEST <= found < SCHEMA_VERSION:
            database._migrate()
        if 0 < found < OLDEST:
            raise WorkspaceError(
                f"{path} was written before the first release (schema {found}, this is {SCHEMA_VERSION}); create the campaign anew"
            )
        if found == 0:
            raise WorkspaceError(f"{path} holds no campaign; create one with `alphalab-nb create`")
        return database

    def _migrate(self) -> None:
        """Bring the file up to date; of several processes that open it at once, the first does it."""
        with self.transaction() as sql:
            found = sql.execute("pragma user_version").fetchone()[0]
            for version in range(found + 1, SCHEMA_VERSION + 1):
                for statement in _statements(f"migrations/{version}.sql"):
                    sql.execute(statement)
            sql.execute(f"pragma user_version = {SCHEMA_VERSION}")

    def connection(self) -> sqlite3.Connection:
        """Return this thread's connection."""
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = sqlite3.connect(self.path, timeout=30, isolation_level=None)
            found.row_factory = sqlite3.Row
            found.execute("pragma journal_mode = wal")
            found.execute("pragma synchronous = normal")
            found.execute("pragma foreign_keys = on")
            self._local.connection = found
        return found

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run a write transaction: all of it is stored, or nothing."""
        sql = self.connection()
        try:
            sql.execute("begin immediate")
        except sqlite3.OperationalError as error:
            raise WorkspaceError(f"{self.path} cannot be written ({error}); another process may hold it: try again") from error
        try:
            yield sql
        except BaseException:
            sql.execute("rollback")
            raise
        sql.execute("commit")

    def data_version(self) -> int:
        """Return a number that changes when another connection has written."""
        return int(self.connection().execute("pragma data_version").fetchone()[0])


def _statements(name: str) -> list[str]:
    """Return the statements of a file; a trigger holds semicolons of its own."""
    statements, begun = [], ""
    for line in files("alphalab_nb.storage").joinpath(name).read_text(encoding="utf-8").splitlines(keepends=True):
        begun += line
        if sqlite3.complete_statement(begun):
            statements.append(begun)
            begun = ""
    return statements
