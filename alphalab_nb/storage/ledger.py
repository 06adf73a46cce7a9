"""What the campaign has spent: a row per model response, and the compute of its runs."""

from __future__ import annotations

from dataclasses import dataclass
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


class Ledger:
    """Append-only account of one campaign."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, *, phase: str, role: str, provider: str, model: str, experiment: int | None = None, attempt: int | None = None,
            base_url: str = "", input_tokens: int = 0, cached_tokens: int = 0, cache_write_tokens: int = 0, output_tokens: int = 0,
            usd: float = 0.0) -> None:
        """Store one response."""
        with self._database.transaction() as sql:
            sql.execute(
                "insert into ledger (phase, role, experiment, attempt, provider, model, base_url, input_tokens, cached_tokens,"
                " cache_write_tokens, output_tokens, usd, at) values (?,?,?,?,?,?,?,?,?,?,?,?,?)",
                (phase, role, experiment, attempt, provider, model, base_url, input_tokens, cached_tokens, cache_write_tokens,
                 output_tokens, usd, now()),
            )

    def total(self) -> Spent:
        sql = self._database.connection()
        usd, tokens_in, cached, out = sql.execute(
            "select coalesce(sum(usd),0), coalesce(sum(input_tokens),0), coalesce(sum(cached_tokens),0), coalesce(sum(output_tokens),0)"
            " from ledger"
        ).fetchone()
        compute = sql.execute("select coalesce(sum(seconds),0) from runs").fetchone()[0]
        return Spent(float(usd), int(tokens_in), int(cached), int(out), float(compute))

    def by(self, *columns: str) -> list[dict[str, Any]]:
        """Return calls, tokens and dollars grouped by columns of the ledger (phase, role, experiment, model)."""
        allowed = {"phase", "role", "experiment", "model", "provider"}
        if not set(columns) <= allowed:
            raise ValueError(f"group by some of {sorted(allowed)}")
        names = ", ".join(columns)
        rows = self._database.connection().execute(
            f"select {names}, count(*) calls, sum(input_tokens) input_tokens, sum(cached_tokens) cached_tokens,"
            f" sum(output_tokens) output_tokens, sum(usd) usd from ledger group by {names} order by usd desc, calls desc"
        )
        return [dict(row) for row in rows]
