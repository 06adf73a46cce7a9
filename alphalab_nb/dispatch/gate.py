"""When work may begin without a person: proposals that nobody decided on go on in time, and a check-in holds new work back.

Both are on the board: proposals by the time of their last move, a check-in by its question, so that they survive a restart.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from alphalab_nb.dispatch.commands import Switches
from alphalab_nb.dispatch.plans import ME
from alphalab_nb.dispatch.view import remaining
from alphalab_nb.parts import Parts
from alphalab_nb.storage.experiment import WAITING, Experiment, State
from alphalab_nb.storage.orders import CHECK_IN, GO_ON, STOP_HERE, analyzed
from alphalab_nb.storage.questions import DEFAULT, Question, Questions

POLICY = "policy"
"""Who moves what goes on without a person."""
_NO = re.compile(r"\W*(stop|no)\b", re.IGNORECASE)
"""How an answer begins that ends the experiments."""


class Gate:
    """Asked by the loop before anything new begins."""

    def __init__(self, parts: Parts, switches: Switches) -> None:
        self._parts, self._board, self._switches = parts, parts.board, switches
        self._questions = Questions(parts.board.database)

    def is_asking(self) -> bool:
        """Whether a person is asked whether to go on."""
        return self._asked() is not None

    def hears(self) -> None:
        """Take the answer to a check-in, if there is one."""
        asked = self._asked()
        question = None if asked is None else self._questions.get(asked)
        if question is not None and question.answer is not None:
            self._obey(question, question.answer.strip())
            self._board.set_fact(CHECK_IN, {**self._board.fact(CHECK_IN), "question": None})

    def holds(self) -> bool:
        """Whether nothing new may begin, for a person is asked; asks if it is time."""
        if self.is_asking():
            return True
        every, count = self._parts.policy().check_in_every, analyzed(self._board)
        since = count - int((self._board.fact(CHECK_IN) or {}).get("at", 0))
        if not every or since < every or not self._has_more():
            return False
        self._ask(count, since)
        return True

    def lets_go_on(self) -> None:
        """Accept the proposals that need no person, or that nobody decided on in time."""
        policy = self._parts.policy()
        for experiment in self._board.list(State.PROPOSED):
            if policy.approval == "auto":
                self._accept(experiment, "approval is automatic")
            elif policy.after_s and _age_s(experiment) >= policy.after_s:
                self._accept(experiment, f"nobody decided within {policy.after_s:g} s")

    def due_s(self) -> float | None:
        """Return the seconds until something goes on by itself; None if nothing will."""
        asked, policy = self._asked(), self._parts.policy()
        if asked is not None:
            return -_since_s(self._questions.get(asked).deadline)
        waiting: Sequence[Experiment] = self._board.list(State.PROPOSED) if policy.after_s else ()
        return min((policy.after_s - _age_s(experiment) for experiment in waiting), default=None)

    def _asked(self) -> int | None:
        return (self._board.fact(CHECK_IN) or {}).get("question")

    def _has_more(self) -> bool:
        experiments = self._board.list()
        return remaining(self._parts, experiments) > 0 or any(e.state in (State.PROPOSED, *WAITING) for e in experiments)

    def _ask(self, count: int, since: int) -> None:
        text = f"{since} experiments were analyzed since the last check-in, {count} in all. Go on?"
        asked = self._questions.ask(text, default=GO_ON, wait_s=self._parts.limits().answer_s, role=ME, options=(GO_ON, STOP_HERE))
        self._board.set_fact(CHECK_IN, {"at": count, "question": asked.id})
        self._board.event("question", f"question {asked.id}: {text} (default: {GO_ON})", role=ME)

    def _obey(self, question: Question, answer: str) -> None:
        """Stop or go on; whatever else a person says is a note to the agents."""
        by = question.answered_by
        if _NO.match(answer):
            self._switches.stopped = True
        elif by != DEFAULT and answer.lower() != GO_ON:
            self._board.note(answer, by=by)
        said = "nobody answered in time; going on" if by == DEFAULT else answer
        self._board.event("check_in", f"question {question.id}: {said}", role=by)

    def _accept(self, experiment: Experiment, reason: str) -> None:
        self._board.move(experiment.id, State.TO_IMPLEMENT, by=POLICY, reason=reason, expect=State.PROPOSED)
        self._board.event("approved", f"#{experiment.id} {experiment.name}: {reason}", role=POLICY, experiment=experiment.id)


def _age_s(experiment: Experiment) -> float:
    return _since_s(experiment.moved)


def _since_s(at: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(at)).total_seconds()
