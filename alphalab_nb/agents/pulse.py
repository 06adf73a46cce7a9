"""What the campaign wants of its conversations, read from the board before each request and twice a second in between.

In phase 3 the dispatcher applies commands and this only reads what it switched; in the other phases nobody else would, so what
concerns no experiment is applied here.
"""

from __future__ import annotations

import threading
import time

from alphalab_nb.errors import Stopped
from alphalab_nb.llm.patience import Pulse
from alphalab_nb.storage.board import Board, Command
from alphalab_nb.storage.database import now
from alphalab_nb.storage.experiment import State
from alphalab_nb.storage.orders import ORDERS, Orders, settle

_SWITCHES = ("pause", "resume", "stop")
_applying = threading.Lock()
HASTE_S = 180.0
"""How long a person waits at most for a conversation that answers."""


class BoardPulse(Pulse):
    """The switches of one campaign as one conversation feels them.

    Args:
        orders: carries out what else people ask for outside of phase 3; without it that waits for phase 3.
    """

    def __init__(self, board: Board, phase: str, role: str, experiment: int | None = None, *, orders: Orders | None = None) -> None:
        self._board, self._phase, self._role, self._experiment, self._orders = board, phase, role, experiment, orders

    def paused(self) -> bool:
        self._apply()
        return bool(self._board.fact("paused", False))

    def check(self) -> None:
        """See Pulse.

        Raises:
            Stopped: the campaign stops, or the experiment was cancelled.
        """
        self._apply()
        if self._board.fact("stopping", False):
            raise Stopped("the campaign is stopping; run again to go on where it stopped")
        if self._experiment is not None and self._board.get(self._experiment).state is State.CANCELLED:
            raise Stopped(f"experiment {self._experiment} was cancelled")

    def outage(self, since: float | None, text: str) -> None:
        known = self._board.fact("outage")
        if since is None:
            if known is not None:
                self._board.set_fact("outage", None)
        elif known is None or known.get("why") != text:
            self._board.set_fact("outage", {"since": (known or {}).get("since") or now(), "role": self._role, "why": text})

    def _apply(self) -> None:
        if self._phase == "experiment":
            return
        with _applying:
            for command in self._board.commands(state="pending"):
                if command.verb in _SWITCHES:
                    settle(self._board, command, self._switch)
                elif self._orders is not None and command.verb in ORDERS:
                    settle(self._board, command, self._orders.carry_out)

    def _switch(self, command: Command) -> str:
        if command.verb == "stop":
            self._board.set_fact("stopping", True)
            return "stopping; run again to go on"
        self._board.set_fact("paused", command.verb == "pause")
        return "paused; no request is sent" if command.verb == "pause" else "resumed"


class HastyPulse(BoardPulse):
    """Of a conversation that a person waits for: it ends where others wait, and says nothing about outages, which are its own."""

    def __init__(self, board: Board, phase: str, role: str) -> None:
        super().__init__(board, phase, role)
        self._ends_at = time.monotonic() + HASTE_S

    def check(self) -> None:
        """See Pulse.

        Raises:
            Stopped: the campaign stops or is paused, or the time is over.
        """
        super().check()
        if self._board.fact("paused", False):
            raise Stopped("the campaign is paused; no request is sent")
        if time.monotonic() > self._ends_at:
            raise Stopped(f"there was no answer within {HASTE_S:.0f} s")

    def outage(self, since: float | None, text: str) -> None:
        pass
