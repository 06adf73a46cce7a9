"""The experiments that have an error, read by one statement."""

from __future__ import annotations

from typing import Any

from alphalab_nb.storage.database import Database

_TAIL_CHARS = 2000


def failing(database: Database) -> list[dict[str, Any]]:
    """Return id, name, family, label and the end of the error of each, the newest failure first.

    The label is the evaluator's (crash, timeout, ...), or `worker` where no program came to be.
    """
    rows = database.connection().execute(
        "select id, name, family, substr(error, 1, instr(error || ':', ':') - 1) as label, trim(substr(error, ?)) as error"
        " from experiments where error <> '' order by moved desc, id desc", (-_TAIL_CHARS,)
    )
    return [dict(row) for row in rows]
