"""Orders of people that concern the whole campaign: notes, policy, budget, playbook. Whoever applies commands carries them out here."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from alphalab_nb.config import CampaignConfig, LimitsConfig, changed_limits, changed_policy, nearest
from alphalab_nb.errors import AlphaLabError, BadInput
from alphalab_nb.storage.board import Board, Command, sound
from alphalab_nb.storage.experiment import State
from alphalab_nb.storage.playbook import KINDS, Entry, Kind, Playbook
from alphalab_nb.storage.questions import Questions
from alphalab_nb.storage.terms import LIMITS, POLICY, difference, limits_of, policy_of

ORDERS = ("note", "policy", "budget", "playbook_add", "playbook_edit", "playbook_retire")
"""Verbs of commands that are carried out here."""
CHECK_IN = "check_in"
"""Fact: `at`, experiments that were analyzed at the last question whether to go on; `question`, its id while it is open."""
GO_ON, STOP_HERE = "go on", "stop here"


@dataclass(frozen=True)
class Orders:
    """Carries out one order after the other."""

    board: Board
    playbook: Playbook
    config: CampaignConfig
    unpriced: Callable[[], Sequence[str]]
    """Returns the models in use whose price nobody knows: dollars cannot limit them."""

    def carry_out(self, command: Command) -> str:
        """Carry out a command of ORDERS and return what came of it.

        Raises:
            BadInput: it cannot be carried out; nothing has changed.
            KeyError, TypeError, ValueError: its arguments are not usable.
        """
        method: Callable[[Command], str] = getattr(self, f"_{command.verb}")
        return method(command)

    def _note(self, command: Command) -> str:
        text, id = words(command.args, "text"), command.args.get("id")
        about = None if id is None else self.board.get(whole(command.args, "id")).id
        self.board.note(text, by=command.actor, experiment=about)
        return "noted; agents read it at their next turn"

    # -- the terms ---------------------------------------------------------------------------------------

    def _policy(self, command: Command) -> str:
        old = policy_of(self.board, self.config.policy)
        new = changed_policy(old, command.args)
        self.board.set_fact(POLICY, new.model_dump())
        if new.check_in_every != old.check_in_every:
            self._count_anew(command.actor)
        accepted = self._accept_all(command.actor) if new.approval == "auto" else 0
        return f"{difference(old, new)}{f'; {accepted} accepted that waited' if accepted else ''}"

    def _count_anew(self, by: str) -> None:
        """Count to the next check-in from here; a question that is open is answered by the change."""
        open_ = (self.board.fact(CHECK_IN) or {}).get("question")
        self.board.set_fact(CHECK_IN, {"at": analyzed(self.board), "question": None})
        if open_ is not None and Questions(self.board.database).get(open_).answer is None:
            Questions(self.board.database).answer(open_, GO_ON, by=by)

    def _accept_all(self, by: str) -> int:
        waiting = self.board.list(State.PROPOSED)
        for experiment in waiting:
            self.board.move(experiment.id, State.TO_IMPLEMENT, by=by, reason="approval is automatic now", expect=State.PROPOSED)
        return len(waiting)

    def _budget(self, command: Command) -> str:
        old = limits_of(self.board, self.config.limits)
        new = changed_limits(old, command.args)
        self._refuse_unpriced(new, command.args)
        changes = {key: getattr(new, key) for key, value in command.args.items() if value is not None}
        self.board.set_fact(LIMITS, {**(self.board.fact(LIMITS) or {}), **changes})
        return difference(old, new)

    def _refuse_unpriced(self, limits: LimitsConfig, changes: dict[str, Any]) -> None:
        unpriced = self.unpriced() if changes.get("usd") and limits.usd else ()
        if unpriced:
            raise BadInput(f"budget: the price of {unpriced[0]} is not known, so dollars cannot be limited; limit tokens instead")

    # -- the playbook ------------------------------------------------------------------------------------

    def _playbook_add(self, command: Command) -> str:
        kind = kind_of(str(command.args.get("kind") or "insight"))
        entry = self.playbook.add(words(command.args, "claim"), kind=kind, evidence=self._evidence(command) or (), author=command.actor,
                                  human=True)
        return f"playbook entry {entry.id} added"

    def _playbook_edit(self, command: Command) -> str:
        claim = words(command.args, "claim") if command.args.get("claim") is not None else None
        evidence = self._evidence(command)
        if claim is None and evidence is None:
            raise BadInput("playbook: nothing to change; give a claim or its evidence")
        known = in_force(self.playbook, whole(command.args, "entry"))
        entry = self.playbook.edit(known.id, claim=claim, evidence=evidence, author=command.actor, human=True)
        return f"playbook entry {entry.id} is at version {entry.version}"

    def _playbook_retire(self, command: Command) -> str:
        entry = self.playbook.retire(whole(command.args, "entry"), author=command.actor, human=True)
        return f"playbook entry {entry.id} retired"

    def _evidence(self, command: Command) -> tuple[int, ...] | None:
        """Return the ids of the experiments that a claim rests on; None if the command says nothing of them."""
        given = command.args.get("evidence")
        return None if given is None else tuple(evidence_of(self.board, given))


def in_force(playbook: Playbook, id: int) -> Entry:
    """Return a lesson that agents read.

    Raises:
        NotFound, BadInput: there is none, or it has been withdrawn.
    """
    entry = playbook.get(id)
    if entry.status == "retired":
        raise BadInput(f"playbook entry {id} has been retired; add it anew")
    return entry


def settle(board: Board, command: Command, carry_out: Callable[[Command], str]) -> None:
    """Carry out a command, and leave on the board what became of it and who asked for it."""
    try:
        applied, result = True, carry_out(command)
    except AlphaLabError as error:
        applied, result = False, str(error)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        applied, result = False, f"the arguments are not usable: {error!r}"
    result = sound(result)
    board.settle(command.id, applied=applied, result=result)
    text = f"{command.verb}: {result}" if applied else f"{command.verb} refused: {result}"
    board.event("command", text, role=command.actor, experiment=_subject(board, command))


def _subject(board: Board, command: Command) -> int | None:
    """Return the experiment that a command names, if there is one."""
    with contextlib.suppress(BadInput):
        return board.get(whole(command.args, "id")).id
    return None


def analyzed(board: Board) -> int:
    """Return how many experiments were analyzed so far."""
    counts = board.counts()
    return counts[State.ANALYZED] + counts[State.DONE]


def evidence_of(board: Board, given: Any) -> list[int]:
    """Return the ids of experiments that a claim rests on.

    Raises:
        BadInput: no list, or no such experiment.
    """
    if not isinstance(given, list | tuple):
        raise BadInput(f"playbook: evidence is a list of ids of experiments, not {given!r}"[:200])
    return [board.get(whole({"evidence": id}, "evidence")).id for id in given]


def kind_of(name: str) -> Kind:
    """Return a kind of lessons by its name.

    Raises:
        BadInput: there is no such kind.
    """
    if name not in KINDS:
        raise BadInput(f"playbook: there is no kind '{name}'{nearest(name, list(KINDS))}")
    return name  # type: ignore[return-value]


def whole(args: dict[str, Any], key: str) -> int:
    """Return a whole number among the arguments of a command.

    Raises:
        BadInput: it is missing, or no whole number that a board can hold.
    """
    value = args.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 2**31:
        raise BadInput(f"'{key}' must be a whole number, not {value!r}"[:200])
    return value


def words(args: dict[str, Any], key: str) -> str:
    """Return a text among the arguments of a command.

    Raises:
        BadInput: it is missing or empty.
    """
    value = args.get(key)
    if not isinstance(value, str) or not value.strip():
        raise BadInput(f"'{key}' must be a text that says something")
    return value
