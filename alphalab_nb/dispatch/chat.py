"""The chat of phase 3: what people ask is answered by the Guide, where a language model plays it, else from the board at once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future

from alphalab_nb.agents import run_agent
from alphalab_nb.agents.minds import is_live
from alphalab_nb.agents.tasks import GuideTask
from alphalab_nb.answers import ASK, plain_answer
from alphalab_nb.errors import AlphaLabError
from alphalab_nb.parts import Parts, deps_of
from alphalab_nb.storage.board import Command, sound

GUIDE = "guide"
_EARLIER = 3
"""Questions before it that the Guide is told of."""
_EARLIER_CHARS = 600
_LONGEST_CHARS = 4000
"""Of a question; the rest is not read."""

log = logging.getLogger(__name__)


class Chat:
    """Answers one question after the other beside the loop; nobody waits for a model that cannot be asked.

    Args:
        start: runs a conversation beside the loop.
    """

    def __init__(self, parts: Parts, start: Callable[[Callable[[], None]], Future[None]]) -> None:
        self._parts, self._board, self._start = parts, parts.board, start
        self.guided = is_live(GUIDE, parts.config)
        self.running: Future[None] | None = None
        self._at: int | None = None
        """The command that the Guide answers now."""

    def answer(self, *, thinking: bool) -> None:
        """Answer what waits, or let the Guide begin with the oldest.

        Args:
            thinking: whether agents may be asked now.
        """
        waiting = [command for command in self._board.commands(state="pending") if command.verb == ASK and command.id != self._at]
        if self.guided and thinking and self._board.fact("outage") is None:
            if waiting and self.running is None:
                self._begin(waiting[0])
            return
        for command in waiting:
            self._settle(command, self._plain(command))

    def ended(self) -> None:
        """Learn that the Guide's conversation is over; it has settled its command itself."""
        self.running = self._at = None

    def _begin(self, command: Command) -> None:
        self._at = command.id
        self.running = self._start(lambda: self._guide(command))

    def _guide(self, command: Command) -> None:
        """Let the Guide answer; whatever keeps it from answering, the board does: a person waits, and no campaign ends for a question."""
        try:
            said = self._asked(command)
        except AlphaLabError as error:
            self._board.event("chat", f"question {command.id} is answered without the guide: {error}", role=GUIDE)
            said = self._plain(command)
        except Exception as error:
            log.error("the guide failed", exc_info=error)
            self._board.event("error", f"the guide failed at question {command.id}: {error!r}", role=GUIDE)
            said = self._plain(command)
        self._settle(command, said)

    def _asked(self, command: Command) -> str:
        now, facts = self._plain(command, "what happens now?"), self._plain(command)
        task = GuideTask(question=_text(command), by=command.actor, facts="\n\n".join(dict.fromkeys((now, facts))), earlier=self._earlier())
        deps = deps_of(self._parts, "experiment", f"guide_{command.id:03d}.ipynb", cwd=self._parts.workspace.reports)
        return run_agent(GUIDE, deps, task).summary.strip() or facts

    def _earlier(self) -> list[tuple[str, str]]:
        asked = [command for command in self._board.commands(state="applied") if command.verb == ASK]
        return [(_text(command)[:_EARLIER_CHARS], command.result[:_EARLIER_CHARS]) for command in asked[-_EARLIER:]]

    def _plain(self, command: Command, text: str | None = None) -> str:
        try:
            return plain_answer(self._board, self._parts.ledger, self._parts.metric, text or _text(command))
        except Exception as error:
            log.error("question %d cannot be answered", command.id, exc_info=error)
            return f"the board does not answer this: {error!r}"

    def _settle(self, command: Command, said: str) -> None:
        self._board.settle(command.id, applied=True, result=said)
        self._board.event("chat", f"{command.actor} asked: {_text(command)[:300]}", role=command.actor)


def _text(command: Command) -> str:
    """Return the question; half a character, as a script may send it, is replaced."""
    return sound(str(command.args.get("text", ""))[:_LONGEST_CHARS])
