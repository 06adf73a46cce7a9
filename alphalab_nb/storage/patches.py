"""Changes that agents made to the adapter's files: each is a commit in the workspace's own git, shown to people, and reversible."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from alphalab_nb.errors import BadInput, NotFound
from alphalab_nb.storage.database import Database, now, row_id
from alphalab_nb.storage.snapshots import Snapshots
from alphalab_nb.workspace import Workspace


@dataclass(frozen=True)
class Patch:
    """One change of one file of the adapter."""

    id: int
    author: str
    file: str
    """Relative to the workspace."""
    reason: str
    diff: str
    before: str
    after: str
    """Commits in the workspace's git."""
    at: str
    reverted_by: str
    """Who took it back; empty while it stands."""


class Patches:
    """All patches of one campaign."""

    def __init__(self, database: Database, workspace: Workspace, snapshots: Snapshots) -> None:
        self._database, self._workspace, self._snapshots = database, workspace, snapshots

    def apply(self, path: Path, write: Callable[[], None], *, reason: str, by: str) -> Patch:
        """Let a file of the adapter be written anew, with commits before and after."""
        before = self._snapshots.take(path, f"before a change by {by}: {reason}")
        write()
        after = self._snapshots.take(path, f"{by}: {reason}")
        name = str(path.relative_to(self._workspace.root))
        with self._database.transaction() as sql:
            row = sql.execute(
                "insert into patches (author, file, reason, diff, before, after, at) values (?,?,?,?,?,?,?) returning id",
                (by, name, reason, self._snapshots.diff(before, after), before, after, now()),
            ).fetchone()
        return self.get(row["id"])

    def revert(self, id: int, *, by: str) -> Patch:
        """Take a change back: the lines it made are replaced by those that were there, and later changes of other lines stay.

        Raises:
            NotFound: no such patch.
            BadInput: it has been reverted, or a later change of the same lines is in the way.
        """
        patch = self.get(id)
        if patch.reverted_by:
            raise BadInput(f"patch {id} was reverted by {patch.reverted_by}")
        path = self._workspace.root / patch.file
        self._snapshots.take(path, f"before reverting patch {id}")
        if not self._snapshots.reverse(patch.diff):
            raise BadInput(f"patch {id} cannot be reverted alone: later changes touch the same lines; edit {patch.file} by hand")
        self._snapshots.take(path, f"{by}: revert patch {id}")
        with self._database.transaction() as sql:
            sql.execute("update patches set reverted_by = ? where id = ?", (by, id))
        return self.get(id)

    def get(self, id: int) -> Patch:
        row = self._database.connection().execute("select * from patches where id = ?", (row_id(id),)).fetchone()
        if row is None:
            raise NotFound(f"there is no patch {id}; `alphalab-nb patches` lists them")
        return _patch(row)

    def list(self) -> list[Patch]:
        """Return the patches, oldest first."""
        return [_patch(row) for row in self._database.connection().execute("select * from patches order by id")]


def _patch(row: sqlite3.Row) -> Patch:
    return Patch(**dict(row))
