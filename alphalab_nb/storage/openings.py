"""Openings of the sealed test: when, by whom, why, for which champion and with what score. None is ever taken off the record.

One opening may be read several times, if it was interrupted and taken up again; the log of reads beside the data counts those.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from sqlite3 import Connection
from typing import Any, Literal

from alphalab_nb.errors import BadInput
from alphalab_nb.storage.board import Board, put_fact
from alphalab_nb.storage.database import now

FACT = "openings"
FIRST = "the close of the campaign"
"""Reason of the first opening, which the phase itself asks for."""
_PHASE = "phase report"
REMEDY = "open it once more with `alphalab-nb report RUN --again --reason WHY`; that is on record for ever, and its number is not blind"


@dataclass(frozen=True, kw_only=True)
class Opening:
    """One opening of the sealed test."""

    number: int
    by: str
    reason: str
    at: str
    """UTC ISO; when it was asked for."""
    scores: int
    """Experiments with a full score on search by then."""
    state: Literal["begun", "finished", "failed"] = "begun"
    champion: int | None = None
    """None as long as it is being chosen."""
    search: float | None = None
    confirm: float | None = None
    score: float | None = None

    @property
    def told(self) -> str:
        """What the log of reads says of it; the same for every read of one opening."""
        again = f", opening {self.number}: {self.reason}" if self.number > 1 else ""
        return f"sealed test of #{self.champion}{again}"


class Openings:
    """The openings of one campaign, the blind one first."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def list(self) -> list[Opening]:
        known = self._board.fact(FACT)
        return [Opening(**row) for row in known] if known is not None else self._of_older_version()

    def _of_older_version(self) -> list[Opening]:
        """Return what a campaign that ended before openings were recorded says of its one."""
        sealed, step = self._board.fact("sealed"), self._board.step("report", "open_sealed")
        if sealed is None:
            return []
        at = step["at"] if step else ""
        return [Opening(number=1, by=_PHASE, reason=FIRST, at=at, scores=len([end for end in self._ends() if end <= at]), state="finished",
                        champion=sealed["champion"], search=sealed.get("search"), confirm=sealed.get("confirm"), score=sealed.get("score"))]

    def newer_scores(self) -> int:
        """Return how many experiments got a full score since the newest opening was asked for; 0 if there was none."""
        known = self.list()
        return len(self._ends()) - known[-1].scores if known else 0

    def refuse_silent(self) -> None:
        """Refuse to go on as if nothing had happened where the sealed test has been opened and the search went on after that.

        Raises:
            BadInput: names the remedy.
        """
        known, newer = self.list(), self.newer_scores()
        if known and known[-1].state == "finished" and newer > 0:
            raise BadInput(f"the sealed test was opened {known[-1].at[:19]}, and the search went on after that (experiments with a full "
                           f"score since: {newer}); {REMEDY}")

    def take(self, champion: int) -> Opening:
        """Return the opening for which the sealed test is read now: the one that has begun, or the first; a finished one opens nothing.

        Raises:
            BadInput: the test has been opened for another champion.
        """
        known = self.list()
        if not known:
            known = [Opening(number=1, by=_PHASE, reason=FIRST, at=now(), scores=len(self._ends()))]
        last = known[-1]
        if last.champion not in (None, champion):
            raise BadInput(f"the sealed test was opened for #{last.champion} and cannot be for #{champion} as well; {REMEDY}")
        if last.state == "finished":
            return last
        taken = replace(last, champion=champion, state="begun")
        with self._board.database.transaction() as sql:
            _store(sql, [*known[:-1], taken])
        return taken

    def again(self, reason: str, *, by: str) -> Opening:
        """Begin a further opening: phase 4 shall confirm, verify and open anew. The one that has this reason is returned if there is one.

        Raises:
            BadInput: no reason; nothing was opened yet; or an opening with another reason has begun and not ended.
        """
        known = self.list()
        if not reason.strip():
            raise BadInput("a further opening of the sealed test needs a reason, which the report will print for ever; give --reason WHY")
        same = next((opening for opening in known[1:] if opening.reason == reason), None)
        if same is not None:
            return same
        if not known:
            raise BadInput("the sealed test has not been opened yet; `alphalab-nb run RUN` opens it when the experiments have ended")
        if known[-1].state == "begun":
            raise BadInput(f"opening {known[-1].number} of the sealed test ({known[-1].reason}) has begun and not ended; "
                           "`alphalab-nb run RUN --phase report` ends it")
        begun = Opening(number=len(known) + 1, by=by, reason=reason, at=now(), scores=len(self._ends()))
        with self._board.database.transaction() as sql:
            _store(sql, [*known, begun])
            sql.execute("delete from steps where phase = 'report'")
        self._board.event("sealed", f"opening {begun.number} asked for by {by}: {reason}", role=by)
        return begun

    def finish(self, opening: Opening, result: dict[str, Any]) -> None:
        """Store what an opening gave; with it the result of the campaign, at once or not at all."""
        ended = replace(opening, state="finished", **{name: result[name] for name in ("search", "confirm", "score")})
        with self._board.database.transaction() as sql:
            _store(sql, [*self.list()[:-1], ended])
            put_fact(sql, "sealed", {**result, "opening": opening.number})

    def fail(self, opening: Opening) -> None:
        """Store that an opening gave no score; it may be taken up again, or be followed by a further one."""
        with self._board.database.transaction() as sql:
            _store(sql, [*self.list()[:-1], replace(opening, state="failed")])

    def _ends(self) -> Sequence[str]:
        """Return when each experiment that has a full score on search got its first; scoring history again makes nothing newer."""
        runs = [run for run in self._board.runs(status="ended") if run.kind == "full" and run.partition == "search"]
        valid = sorted((run for run in runs if run.score is not None and run.score.ok), key=lambda run: run.ended, reverse=True)
        return list({run.experiment: run.ended for run in valid}.values())


def _store(sql: Connection, openings: Sequence[Opening]) -> None:
    put_fact(sql, FACT, [asdict(opening) for opening in openings])
