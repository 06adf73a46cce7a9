"""What the Judge ruled, with the numbers it ruled by, and what is left of the campaign's error probability."""

from __future__ import annotations

from dataclasses import dataclass

from alphalab_nb.storage.database import Database, now


@dataclass(frozen=True, kw_only=True)
class Ruling:
    """One decision on one experiment."""

    id: int
    experiment: int
    incumbent: int | None
    """Whom it was compared with; None: the certified baseline."""
    decision: str
    reason: str
    p_value: float | None
    """One-sided, of the confirm test; None if there was none."""
    gain: float | None
    """Mean paired difference to the incumbent in units of loss; positive is better."""
    low: float | None
    """90 % interval of the gain."""
    high: float | None
    alpha: float
    """What it took from the campaign's error probability."""
    at: str


class Rulings:
    """The rulings of one campaign, oldest first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, experiment: int, decision: str, reason: str, *, incumbent: int | None = None, p_value: float | None = None,
        gain: float | None = None, low: float | None = None, high: float | None = None, alpha: float = 0.0,
    ) -> None:
        with self._database.transaction() as sql:
            sql.execute(
                "insert into rulings (experiment, incumbent, decision, reason, p_value, gain, low, high, alpha, at)"
                " values (?,?,?,?,?,?,?,?,?,?)",
                (experiment, incumbent, decision, reason, p_value, gain, low, high, alpha, now()),
            )

    def list(self, experiment: int | None = None) -> list[Ruling]:
        where, values = ("where experiment = ?", (experiment,)) if experiment is not None else ("", ())
        rows = self._database.connection().execute(f"select * from rulings {where} order by id", values)
        return [Ruling(**dict(row)) for row in rows]

    def alpha_spent(self) -> float:
        return float(self._database.connection().execute("select coalesce(sum(alpha), 0) from rulings").fetchone()[0])

    def kept(self) -> list[int]:
        """Return the experiments that were kept, the first one first; those in quarantine since then are left out."""
        rows = self._database.connection().execute(
            "select r.experiment from rulings r join experiments e on e.id = r.experiment"
            " where r.decision = 'keep' and not e.quarantined order by r.id"
        )
        return [row[0] for row in rows]
