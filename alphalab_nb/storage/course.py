"""The course of the playbook: entries in force, tentative, retired, and citations, by the campaign's own clock of experiments."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import itemgetter

from alphalab_nb.storage.database import Database
from alphalab_nb.storage.playbook import WEIGHINGS, Entry, Playbook
from alphalab_nb.storage.standing import cited


@dataclass(frozen=True)
class Moment:
    """The playbook when so many experiments had been proposed."""

    experiments: int
    in_force: int
    tentative: int | None
    """Entries in force that are not firm: not weighed yet, tentative or contradicted; None if no weighing was recorded."""
    retired: int
    cited: int
    """Citations by proposals so far; one that cites two entries counts twice."""


@dataclass
class _Present:
    """What is known of the playbook while its changes are read in order."""

    newest: dict[int, Entry] = field(default_factory=dict)
    firm: frozenset[int] | None = None
    uses: int = 0

    def moment(self, experiments: int) -> Moment:
        active = [entry for entry in self.newest.values() if entry.status == "active"]
        doubted = None if self.firm is None else sum(not entry.by_order and entry.id not in self.firm for entry in active)
        return Moment(experiments, len(active), doubted, len(self.newest) - len(active), self.uses)


def course(playbook: Playbook) -> list[Moment]:
    """Return the playbook after each change, oldest first, one moment for each number of experiments; empty if nothing was ever learnt."""
    born = _born(playbook.board.database)
    present, moments = _Present(), dict[int, Moment]()
    for at, change in sorted(_changes(playbook), key=itemgetter(0)):
        if isinstance(change, Entry):
            present.newest[change.id] = change
        elif isinstance(change, frozenset):
            present.firm = change
        else:
            present.uses += sum(id in present.newest for id in change)
        if present.newest:
            count = bisect_right(born, at)
            moments[count] = present.moment(count)
    if moments:
        moments[len(born)] = present.moment(len(born))
    return list(moments.values())


def _changes(playbook: Playbook) -> Iterator[tuple[str, Entry | frozenset[int] | set[int]]]:
    """Yield, with their times, new versions of entries, the entries that a weighing found firm, and those that a proposal cites."""
    yield from ((entry.at, entry) for entry in playbook.changes())
    yield from ((at, frozenset(firm)) for at, firm in playbook.board.fact(WEIGHINGS) or [])
    rows = playbook.board.database.connection().execute(
        "select created, hypothesis, brief from experiments where hypothesis like '%playbook%' or brief like '%playbook%'"
    )
    yield from ((row["created"], cited(f"{row['hypothesis']} {row['brief']}")) for row in rows)


def _born(database: Database) -> list[str]:
    """Return when experiments were proposed, oldest first."""
    return [row[0] for row in database.connection().execute("select created from experiments order by created")]
