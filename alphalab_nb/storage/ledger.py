"""What the campaign has spent: a row per model response, and the compute of its runs."""

from __future__ import annotations

import sqlite3
from dataclasses import asdict, dataclass
from typing import Any

from alphalab_nb.storage.database import Database, now


@dataclass(frozen=True)
class Spent:
    """Totals of a campaign."""

    usd: float
    input_tokens: int
    """All input tokens, cached ones included."""
    cached_tokens: int
    output_tokens: int
    compute_s: float
    """Wall seconds of all RUN and SCORE steps."""


@dataclass(frozen=True, kw_only=True)
class Charge:
    """One response of a model, and what it is charged to."""

    phase: str
    role: str
    provider: str
    model: str
    conversation: int | None = None
    experiment: int | None = None
    attempt: int | None = None
    base_url: str = ""
    input_tokens: int = 0
    """All input tokens; those read from and written to a cache are parts of it."""
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    usd: float | None = 0.0
    """None: no price is known for the model."""
    usage_missing: bool = False
    """The provider did not say what the response used."""
    tries: int = 1
    """Requests that it took."""
    seconds: float = 0.0
    """From the first request to the end of the response."""


class Ledger:
    """Append-only account of one campaign."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, **fields: Any) -> None:
        """Store one response; the fields are those of Charge."""
        with self._database.transaction() as sql:
            store_charge(sql, Charge(**fields))

    def total(self) -> Spent:
        sql = self._database.connection()
        usd, tokens_in, cached, out = sql.execute(
            "select coalesce(sum(usd),0), coalesce(sum(input_tokens),0), coalesce(sum(cached_tokens),0), coalesce(sum(output_tokens),0)"
            " from ledger"
        ).fetchone()
        compute = sql.execute("select coalesce(sum(seconds),0) from runs").fetchone()[0]
        return Spent(float(usd), int(tokens_in), int(cached), int(out), float(compute))

    def by(self, *columns: str) -> list[dict[str, Any]]:
        """Return calls, tokens and dollars grouped by columns of the ledger.

        Columns: phase, role, experiment, attempt, model, provider, base_url. `unpriced` counts responses without a known price,
        `usage_missing` those whose usage the provider did not tell.
        """
        allowed = {"phase", "role", "experiment", "attempt", "model", "provider", "base_url"}
        if not set(columns) <= allowed:
            raise ValueError(f"group by some of {sorted(allowed)}")
        names = ", ".join(columns)
        rows = self._database.connection().execute(
            f"select {names}, count(*) calls, sum(input_tokens) - sum(cached_tokens) - sum(cache_write_tokens) fresh_tokens,"
            " sum(cached_tokens) cached_tokens, sum(cache_write_tokens) cache_write_tokens, sum(input_tokens) input_tokens,"
            " sum(output_tokens) output_tokens, coalesce(sum(usd), 0) usd, sum(usd is null) unpriced, sum(usage_missing) usage_missing"
            f" from ledger group by {names} order by usd desc, calls desc"
        )
        return [dict(row) for row in rows]


def store_charge(sql: sqlite3.Connection, charge: Charge) -> None:
    """Store a charge inside a transaction that the caller has open, together with the response it is for."""
    values = {**asdict(charge), "usage_missing": int(charge.usage_missing), "at": now()}
    sql.execute(f"insert into ledger ({', '.join(values)}) values ({', '.join('?' * len(values))})", list(values.values()))
