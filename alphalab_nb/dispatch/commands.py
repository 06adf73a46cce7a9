"""Apply what people asked for: each command ends as applied or refused, with the reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from alphalab_nb.adapter import Recipe, family_of
from alphalab_nb.agents.minds import is_live, unpriced
from alphalab_nb.answers import ASK
from alphalab_nb.dispatch.view import counted
from alphalab_nb.parts import Parts
from alphalab_nb.storage.board import Command
from alphalab_nb.storage.experiment import WAITING, Experiment, Proposal, State
from alphalab_nb.storage.orders import ORDERS, Orders, settle, whole, words


@dataclass
class Switches:
    """What people have switched; kept on the board so that it survives a restart."""

    paused: bool = False
    stopped: bool = False


@dataclass
class Desk:
    """Takes pending commands off the board, one after the other."""

    parts: Parts
    recipes: dict[str, Recipe]
    cancel_job: Callable[[int], bool]
    """Cancels the running job of an experiment; False if there is none."""
    switches: Switches = field(default_factory=Switches)

    def __post_init__(self) -> None:
        self.board = self.parts.board
        self._orders = Orders(self.board, self.parts.playbook, self.parts.config, partial(unpriced, self.parts.config))
        self.switches.paused = bool(self.board.fact("paused", False))

    def apply_all(self) -> int:
        """Apply every pending command, questions aside (chat.py answers them); return how many there were."""
        pending = [command for command in self.board.commands(state="pending") if command.verb != ASK]
        for command in pending:
            settle(self.board, command, self._carry_out)
        return len(pending)

    def _carry_out(self, command: Command) -> str:
        if command.verb in ORDERS and command.verb != "budget":
            return self._orders.carry_out(command)
        method: Callable[[Command], str] = getattr(self, f"_{command.verb}")
        return method(command)

    def _approve(self, command: Command) -> str:
        id = whole(command.args, "id")
        self.board.move(id, State.TO_IMPLEMENT, by=command.actor, reason="approved", expect=State.PROPOSED)
        return f"experiment {id} approved"

    def _veto(self, command: Command) -> str:
        id, reason = whole(command.args, "id"), str(command.args.get("reason", ""))
        self._end(id, by=command.actor, reason=f"vetoed: {reason}", outcome="vetoed")
        self.board.note(f"vetoed #{id} ({self.board.get(id).name}): {reason}", by=command.actor, experiment=id)
        return f"experiment {id} vetoed"

    def _cancel(self, command: Command) -> str:
        id = whole(command.args, "id")
        self._end(id, by=command.actor, reason=str(command.args.get("reason", "cancelled")), outcome="cancelled")
        return f"experiment {id} cancelled"

    def _end(self, id: int, *, by: str, reason: str, outcome: str) -> None:
        self.board.move(id, State.CANCELLED, by=by, reason=reason, outcome=outcome)
        self.cancel_job(id)

    def _inject(self, command: Command) -> str:
        args = dict(command.args)
        name, brief = words(args, "name"), str(args.pop("brief", ""))
        config: dict[str, Any] = dict(args.pop("config", None) or {})
        family = family_of(self.recipes.values(), name, str(args.pop("family", "")), config, brief,
                           thinks=lambda: is_live("worker_implement", self.parts.config))
        added = self.board.add(
            Proposal(name=name, family=family, hypothesis=str(args.pop("hypothesis", "")), config=config, stage="injected",
                     brief=brief, priority=whole({"priority": 1, **args}, "priority")),
            by=command.actor,
        )
        return f"experiment {added.id} injected"

    def _pin(self, command: Command) -> str:
        id = self.board.unended(whole(command.args, "id")).id
        self.board.change(id, pinned=True)
        return f"experiment {id} runs next"

    def _priority(self, command: Command) -> str:
        known, priority = self.board.unended(whole(command.args, "id")), whole(command.args, "priority")
        self.board.change(known.id, priority=priority)
        return f"experiment {known.id} has priority {priority} (was {known.priority})"

    def _budget(self, command: Command) -> str:
        result = self._orders.carry_out(command)
        surplus = self._surplus() if command.args.get("max_experiments") is not None else []
        for experiment in surplus:
            self._end(experiment.id, by=command.actor, reason="the budget of experiments was lowered", outcome="cancelled")
        return f"{result}{f'; {len(surplus)} that had not begun are cancelled' if surplus else ''}"

    def _surplus(self) -> list[Experiment]:
        """Return what the budget has no room for any more: of what has cost no run so far, that which would come last."""
        known = counted(self.parts, self.board.list())
        begun = {run.experiment for run in self.board.runs() if run.status != "planned"}
        idle = [e for e in known if e.state in (State.PROPOSED, *WAITING) and e.id not in begun]
        last = sorted(idle, key=lambda e: (e.pinned, e.state is not State.PROPOSED, e.priority, -e.id))
        return last[: max(0, len(known) - self.parts.limits().max_experiments)]

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
