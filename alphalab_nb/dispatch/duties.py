"""When the Supervisor and the Reporter are called, and what comes of it; what they are told is staff.py's business."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future

from alphalab_nb.dispatch.staff import ARMED, Staff
from alphalab_nb.dispatch.triggers import milestone_due
from alphalab_nb.parts import Parts
from alphalab_nb.storage.experiment import State

log = logging.getLogger(__name__)

SUPERVISOR, REPORTER = "supervisor", "reporter"


class Duties:
    """Conversations of phase 3 beside the experiments, at most one of each kind at a time.

    Args:
        milestone: writes the report of that number that code can write, and returns it; None writes none.
        start: runs a conversation of that name beside the loop.
    """

    def __init__(self, parts: Parts, *, milestone: Callable[[int], str] | None,
                 start: Callable[[str, Callable[[], None]], Future[None]]) -> None:
        self._board, self._every = parts.board, parts.config.limits.milestone_every
        self._staff, self._milestone, self._start = Staff(parts), milestone, start
        self.running: dict[str, Future[None]] = {}

    def report_milestone(self, *, thinking: bool) -> None:
        """Write the milestone that is due; the Reporter, if there is one and agents may think, replaces what code wrote."""
        if REPORTER in self.running:  # one report after the other: what is due meanwhile is told by the next
            return
        counts, reported = self._board.counts(), int(self._board.fact("milestones", 0))
        if milestone_due(analyzed=counts[State.ANALYZED] + counts[State.DONE], reported=reported, every=self._every):
            draft = self.write_milestone()
            if self._staff.reports and draft and thinking:
                self._begin(REPORTER, lambda: self._staff.report(reported + 1, draft))

    def write_milestone(self) -> str:
        """Write the next milestone that code can write."""
        if self._milestone is None:
            return ""
        reported = int(self._board.fact("milestones", 0))
        draft = self._milestone(reported + 1)
        self._board.set_fact("milestones", reported + 1)
        return draft

    def call_supervisor(self) -> None:
        if SUPERVISOR not in self.running and self._staff.supervisor_due():
            self._begin(SUPERVISOR, self._staff.diagnose)

    def ended(self, name: str, is_parked: Callable[[BaseException | None], bool]) -> None:
        """Note how a conversation ended."""
        error = self.running.pop(name).exception()
        if error is None or is_parked(error):
            return
        log.error("%s failed", name, exc_info=error)
        self._board.event("error", f"{name} failed: {error!r}", role=name)
        if name == SUPERVISOR:
            self._board.set_fact(ARMED, False)  # a diagnosis that failed is not asked for again at once

    def _begin(self, name: str, work: Callable[[], None]) -> None:
        self.running[name] = self._start(name, work)
