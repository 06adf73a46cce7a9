"""The strategy's turns: when one is due, what it saw when it was asked, and what comes of its plan or its failure."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future

from alphalab_nb.adapter import Recipe
from alphalab_nb.dispatch.plans import carry_out
from alphalab_nb.dispatch.triggers import strategy_due
from alphalab_nb.dispatch.view import board_view, remaining
from alphalab_nb.errors import PhaseFailed, RequestLimit, RequestRefused
from alphalab_nb.parts import Parts
from alphalab_nb.storage.experiment import WAITING, Experiment, State
from alphalab_nb.strategies.base import Plan, Strategy

MAX_FAILED_TURNS = 3

log = logging.getLogger(__name__)


class Turns:
    """Asks one strategy, one turn after the other.

    Args:
        slots: of the executor; a strategy keeps two experiments more than that waiting.
        start: runs the turn beside the loop.
        busy: whether an agent or a job is at work on an experiment.
    """

    def __init__(self, parts: Parts, strategy: Strategy, recipes: list[Recipe], *, slots: int,
                 start: Callable[[Callable[[], Plan]], Future[Plan]], busy: Callable[[int], bool]) -> None:
        self._parts, self._board, self._strategy, self._recipes = parts, parts.board, strategy, recipes
        self._slots, self._start, self._busy = slots, start, busy
        self.running: Future[Plan] | None = None
        self.analyzed_since = 0
        """Experiments analyzed since the last turn that gave a plan."""
        self._saw: list[int] = []
        self._saw_budget = 0
        self._exhausted_at: int | None = None
        """Budget of experiments for which the strategy said that it has nothing more."""
        self._failed = 0
        self._asked_at: tuple[int, ...] | None = None

    def ask(self) -> None:
        """Begin a turn if one is due and something has happened since the last."""
        if self.running is not None:
            return
        experiments, limits = self._board.list(), self._parts.limits()
        left = remaining(self._parts, experiments)
        waiting = [e for e in experiments if e.state in (State.PROPOSED, *WAITING) and not screened(e)]
        due = strategy_due(
            waiting=len(waiting), slots=self._slots, analyzed_since=self.analyzed_since, every=limits.strategy_every,
            remaining=0 if self._exhausted_at == limits.max_experiments else left, screened=len([e for e in experiments if screened(e)]),
        )
        if not due or self._asked_at == self._progress_of(experiments):
            return
        self._asked_at = self._progress_of(experiments)
        wanted = max(0, min(left, self._slots + 2 - len(waiting)))
        view = board_view(self._parts, self._recipes)
        self._saw_budget = view.budget
        self._saw = [e.id for e in experiments if e.state is State.ANALYZED]
        self.running = self._start(lambda: self._strategy.ask(view, wanted))

    def ended(self, is_parked: Callable[[BaseException | None], bool]) -> None:
        """Carry out the plan of the turn that has ended.

        Raises:
            PhaseFailed: the strategy failed again and again.
        """
        assert self.running is not None
        turn, self.running = self.running, None
        error = turn.exception()
        if is_parked(error):
            self._asked_at = None
        elif error is not None:
            self._turn_failed(error)
        else:
            plan, self._failed = turn.result(), 0
            self.analyzed_since = 0
            self._exhausted_at = self._saw_budget if plan.exhausted else None
            carry_out(self._parts, plan, by=self._strategy.name, saw=self._saw, busy=self._busy)

    def has_no_more(self, experiments: list[Experiment]) -> bool:
        """Whether asking again would bring nothing: it said so, or nothing has happened since it was asked."""
        return self._exhausted_at == self._parts.limits().max_experiments or self._asked_at == self._progress_of(experiments)

    def _progress_of(self, experiments: list[Experiment]) -> tuple[int, ...]:
        """Return a mark that changes whenever a strategy could know or may do more than at its last turn."""
        ended = [e for e in experiments if e.state in (State.CHECKED, State.ANALYZED, State.DONE, State.CANCELLED)]
        known = (e.id * 16 + list(State).index(e.state) for e in ended if e.state is not State.DONE)
        return (self._parts.limits().max_experiments, len(experiments), *known, len(ended))

    def _turn_failed(self, error: BaseException) -> None:
        """A turn without a plan is no plan: the next occasion asks again, a few times."""
        self._failed += 1
        log.error("strategy turn failed", exc_info=error)
        self._board.event("error", f"strategy turn failed: {error!r}", role=self._strategy.name)
        if not isinstance(error, RequestLimit | RequestRefused) or self._failed >= MAX_FAILED_TURNS:
            self._board.set_fact("stopping", True)
            raise PhaseFailed(f"the strategy '{self._strategy.name}' failed: {error}") from error
        self._board.event("strategy", "the turn gave no plan", role=self._strategy.name)
        self._asked_at = None


def screened(experiment: Experiment) -> bool:
    """Whether it waits for the strategy's word after its screening run."""
    return experiment.state is State.CHECKED and experiment.fidelity == "smoke"
