"""Apply what people asked for: each command ends as applied or refused, with the reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from alphalab_nb.adapter import Recipe, injected
from alphalab_nb.answers import ASK
from alphalab_nb.errors import AlphaLabError
from alphalab_nb.storage.board import Board, Command
from alphalab_nb.storage.experiment import Proposal, State


@dataclass
class Switches:
    """What people have switched; kept on the board so that it survives a restart."""

    paused: bool = False
    stopped: bool = False


@dataclass
class Desk:
    """Takes pending commands off the board, one after the other."""

    board: Board
    recipes: dict[str, Recipe]
    cancel_job: Callable[[int], bool]
    """Cancels the running job of an experiment; False if there is none."""
    switches: Switches = field(default_factory=Switches)

    def __post_init__(self) -> None:
        self.switches.paused = bool(self.board.fact("paused", False))

    def apply_all(self) -> int:
        """Apply every pending command, questions aside (chat.py answers them); return how many there were."""
        pending = [command for command in self.board.commands(state="pending") if command.verb != ASK]
        for command in pending:
            try:
                result = self._apply(command)
            except AlphaLabError as error:
                self.board.settle(command.id, applied=False, result=str(error))
                self.board.event("command", f"{command.verb} refused: {error}", role=command.actor)
            except (KeyError, TypeError, ValueError) as error:
                self.board.settle(command.id, applied=False, result=f"the arguments are not usable: {error!r}")
            else:
                self.board.settle(command.id, applied=True, result=result)
                self.board.event("command", f"{command.verb}: {result}", role=command.actor)
        return len(pending)

    def _apply(self, command: Command) -> str:
        method: Callable[[Command], str] = getattr(self, f"_{command.verb}")
        return method(command)

    def _approve(self, command: Command) -> str:
        id = int(command.args["id"])
        self.board.move(id, State.TO_IMPLEMENT, by=command.actor, reason="approved", expect=State.PROPOSED)
        return f"experiment {id} approved"

    def _veto(self, command: Command) -> str:
        id, reason = int(command.args["id"]), str(command.args.get("reason", ""))
        self._end(id, by=command.actor, reason=f"vetoed: {reason}", outcome="vetoed")
        self.board.note(f"vetoed #{id} ({self.board.get(id).name}): {reason}", by=command.actor, experiment=id)
        return f"experiment {id} vetoed"

    def _cancel(self, command: Command) -> str:
        id = int(command.args["id"])
        self._end(id, by=command.actor, reason=str(command.args.get("reason", "cancelled")), outcome="cancelled")
        return f"experiment {id} cancelled"

    def _end(self, id: int, *, by: str, reason: str, outcome: str) -> None:
        self.board.move(id, State.CANCELLED, by=by, reason=reason, outcome=outcome)
        self.cancel_job(id)

    def _inject(self, command: Command) -> str:
        args = dict(command.args)
        name = str(args.pop("name"))
        config: dict[str, Any] = dict(args.pop("config", None) or {})
        family = injected(self.recipes.values(), name, str(args.pop("family", "")), config).family
        added = self.board.add(
            Proposal(name=name, family=family, hypothesis=str(args.pop("hypothesis", "")), config=config, stage="injected",
                     brief=str(args.pop("brief", "")), priority=int(args.pop("priority", 1))),
            by=command.actor,
        )
        return f"experiment {added.id} injected"

    def _note(self, command: Command) -> str:
        self.board.note(str(command.args["text"]), by=command.actor, experiment=command.args.get("id"))
        return "noted; the strategy reads it at its next turn"

    def _pin(self, command: Command) -> str:
        id = int(command.args["id"])
        self.board.change(id, pinned=True)
        return f"experiment {id} runs next"

    def _pause(self, command: Command) -> str:
        self.switches.paused = True
        self.board.set_fact("paused", True)
        return "paused; running jobs go on, nothing new starts"

    def _resume(self, command: Command) -> str:
        self.switches.paused = False
        self.board.set_fact("paused", False)
        return "resumed"

    def _stop(self, command: Command) -> str:
        self.switches.stopped = True
        return "stopping; running jobs end first, then the report can be written"
