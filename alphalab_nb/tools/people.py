"""Questions to people. Nobody waits for ever: every question has a deadline and a default."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime

from alphalab_nb.errors import BadInput
from alphalab_nb.storage.questions import DEFAULT, Question
from alphalab_nb.tools.base import Deps, tool

_CALL_S = 230.0
"""Longest wait of one call: a tool call returns within four minutes (llm.md, layout rule 5)."""
_POLL_S = 0.5


@tool(slow=True)
def ask_human(
    deps: Deps, question: str, default: str, options: list[str] | None = None, deadline_s: float = 600, question_id: int | None = None
) -> str:
    """Ask a person what only a person can decide. Without an answer in time, the default is the answer.

    Args:
        question: One question, with what hangs on it.
        default: The answer that is taken when none comes.
        options: Answers to choose from; a person may answer otherwise.
        deadline_s: Seconds after which the default is taken.
        question_id: To go on waiting for a question that was put before.
    """
    asked = _put(deps, question, default, options or [], deadline_s) if question_id is None else deps.questions.get(question_id)
    left = _left_s(asked)
    _wait(deps, asked.id, min(left, _CALL_S))
    if deps.questions.get(asked.id).answer is None and (left > _CALL_S or _stopping(deps)):
        return f"no answer yet to question {asked.id}; ask again with question_id={asked.id} to go on waiting"
    return _settled(deps, asked.id)


def _put(deps: Deps, question: str, default: str, options: list[str], deadline_s: float) -> Question:
    wait_s = min(max(deadline_s, 0.0), deps.config.limits.answer_s)
    asked = deps.questions.ask(question, default=default, wait_s=wait_s, role=deps.role, experiment=deps.experiment, options=options)
    deps.board.event("question", f"question {asked.id}: {question} (default: {default})", role=deps.role, experiment=deps.experiment)
    return asked


def _wait(deps: Deps, id: int, seconds: float) -> None:
    """Return when the question is answered, the time is up, or the campaign stops."""
    end = time.monotonic() + seconds
    while deps.questions.get(id).answer is None and not _stopping(deps) and (left := end - time.monotonic()) > 0:
        time.sleep(min(_POLL_S, left))


def _settled(deps: Deps, id: int) -> str:
    """Return the answer; the default counts if there is none."""
    with contextlib.suppress(BadInput):  # a person may answer at the last moment, and then counts
        deps.questions.answer(id, deps.questions.get(id).default, by=DEFAULT)
    answered = deps.questions.get(id)
    if answered.answered_by == DEFAULT:
        return f"nobody answered question {id} in time; the default holds: {answered.answer}"
    return f"{answered.answered_by} answers question {id}: {answered.answer}"


def _left_s(asked: Question) -> float:
    return (datetime.fromisoformat(asked.deadline) - datetime.now(UTC)).total_seconds()


def _stopping(deps: Deps) -> bool:
    return bool(deps.board.fact("stopping", False))
