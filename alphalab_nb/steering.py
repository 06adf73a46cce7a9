"""What people ask of a campaign: the verbs of steering, the same from Python, the command line and the panel.

Most leave a row in `commands`, which the process that runs the campaign applies or refuses; what needs nobody is done at once.
"""

from __future__ import annotations

import getpass
import json
import time
from collections.abc import Sequence
from typing import Any

from alphalab_nb.adapter import family_of
from alphalab_nb.answers import ASK, answer_pending
from alphalab_nb.config import CampaignConfig, changed_limits, changed_policy
from alphalab_nb.errors import BadInput, WorkspaceError
from alphalab_nb.parts import Parts
from alphalab_nb.process import FileLock, is_locked
from alphalab_nb.storage.board import Board, Command
from alphalab_nb.storage.openings import Opening, Openings
from alphalab_nb.storage.orders import evidence_of, in_force, kind_of, whole, words
from alphalab_nb.storage.patches import Patch, Patches
from alphalab_nb.storage.playbook import Playbook
from alphalab_nb.storage.questions import Question, Questions
from alphalab_nb.workspace import Workspace

_MOST_CHARS = 50_000
"""Of the arguments of one command: they enter prompts and every panel."""


class Steering:
    """The verbs of one campaign; `by` is who asks, by default the user of this process."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    @property
    def workspace(self) -> Workspace:
        return self.parts.workspace

    @property
    def config(self) -> CampaignConfig:
        return self.parts.config

    @property
    def board(self) -> Board:
        return self.parts.board

    @property
    def playbook(self) -> Playbook:
        return self.parts.playbook

    @property
    def questions(self) -> Questions:
        """What agents ask people."""
        return Questions(self.board.database)

    @property
    def patches(self) -> Patches:
        """What the Supervisor changed in the adapter's files."""
        return Patches(self.board.database, self.workspace, self.parts.snapshots)

    @property
    def openings(self) -> Openings:
        """The openings of the sealed test."""
        return Openings(self.board)

    def finished(self, phase: str) -> bool:
        return self.board.step_finished(phase, "phase")

    # -- answered or done at once ------------------------------------------------------------------------

    def answer(self, id: int, text: str, *, by: str | None = None) -> Question:
        """Answer a question of an agent; the first answer counts, and after its deadline its default has been taken.

        Raises:
            NotFound, BadInput: no such question, it has been answered, or the answer is empty.
        """
        if not text.strip():
            raise BadInput("an empty answer says nothing; write what the agent shall read")
        who = by or _user()
        answered = self.questions.answer(id, text, by=who)
        self.board.event("answer", f"question {id}: {text}", role=who, experiment=answered.experiment)
        return answered

    def ask(self, text: str, *, by: str | None = None, wait_s: float = 0.0) -> Command:
        """Ask something about the campaign; the answer is the `result` of the command once it is applied.

        While the experiments run, their process answers: by a language model if the role `guide` has one, else from the board. When
        nobody runs them the board is read here, at once.

        Raises:
            BadInput: the question is empty.
        """
        if not text.strip():
            raise BadInput("an empty question has no answer; ask, for example, what is happening")
        self._refuse_gone()
        id, end = self.board.command(ASK, by=by or _user(), text=text), time.monotonic() + wait_s
        while True:
            if not is_locked(self.workspace.lock):
                answer_pending(self.board, self.parts.ledger, self.parts.metric, running=is_locked(self.workspace.root / ".run.lock"))
            asked = next(command for command in self.board.commands() if command.id == id)
            if asked.state != "pending" or time.monotonic() >= end:
                return asked
            time.sleep(0.1)

    def revert_patch(self, id: int, *, by: str | None = None) -> Patch:
        """Take back a change that the Supervisor made to the adapter.

        Raises:
            NotFound, BadInput: no such patch, reverted already, or later changes are in the way.
        """
        who = by or _user()
        patch = self.patches.revert(id, by=who)
        self.board.event("patch", f"{patch.file}: change {id} taken back by {who}", role=who)
        return patch

    def open_again(self, reason: str, *, by: str | None = None) -> Opening:
        """Let phase 4 confirm, verify and open the sealed test once more when it runs next; its report tells of it for ever.

        Where an opening has that reason already, nothing is begun: a notebook that is run again repeats nothing.

        Raises:
            BadInput: no reason, nothing was opened yet, or another opening has begun and not ended.
            WorkspaceError: a step of this campaign is under way.
        """
        with FileLock(self.workspace.root / ".step.lock"):
            return self.openings.again(reason, by=by or _user())

    # -- steering: a row in `commands`; the process that runs the campaign applies it ------------------------

    def approve(self, id: int, *, by: str | None = None) -> int:
        """Accept a proposed experiment."""
        return self._command("approve", by, id=self.board.get(id).id)

    def veto(self, id: int, *, reason: str, by: str | None = None) -> int:
        """Refuse an experiment; the strategy reads the reason."""
        return self._command("veto", by, id=self.board.get(id).id, reason=reason)

    def cancel(self, id: int, *, reason: str = "", by: str | None = None) -> int:
        """Cancel an experiment that has not finished; its running job is killed."""
        return self._command("cancel", by, id=self.board.get(id).id, reason=reason)

    def pin(self, id: int, *, by: str | None = None) -> int:
        """Let an experiment run next."""
        return self._command("pin", by, id=self.board.unended(id).id)

    def priority(self, id: int, priority: int, *, by: str | None = None) -> int:
        """Let an experiment run before those of lower priority, and after those of higher; strategies give 0, `inject` 1."""
        return self._command("priority", by, id=self.board.unended(id).id, priority=whole({"priority": priority}, "priority"))

    def inject(self, name: str, *, hypothesis: str, family: str = "", config: dict[str, Any] | None = None, brief: str = "",
               priority: int = 1, by: str | None = None) -> int:
        """Add an experiment of your own; without a family, the one whose name its name begins with.

        Where a language model plays worker_implement, a brief may describe something that has no recipe.

        Raises:
            BadInput: no such recipe and no brief to write it from, or a parameter that the recipe does not have or cannot take.
        """
        family_of(self.parts.recipes, name, family, config or {}, brief, thinks=self._has_writer)
        return self._command("inject", by, name=name, hypothesis=hypothesis, family=family, config=config or {}, brief=brief,
                             priority=whole({"priority": priority}, "priority"))

    def _has_writer(self) -> bool:
        from alphalab_nb.agents.minds import is_live

        return is_live("worker_implement", self.config)

    def note(self, text: str, id: int | None = None, *, by: str | None = None) -> int:
        """Leave a note, perhaps on an experiment, that the strategy reads at its next turn."""
        if not text.strip():
            raise BadInput("an empty note says nothing; write what the strategy shall read")
        return self._command("note", by, text=text, **({} if id is None else {"id": self.board.get(id).id}))

    def policy(self, *, approval: str | None = None, after_s: float | None = None, check_in_every: int | None = None,
               by: str | None = None) -> int:
        """Change when work may begin without a person; what is None stays. `parts.policy()` is what holds now.

        Args:
            approval: auto, proposals begin at once, also those that wait; ask, a person approves each.
            after_s: with ask, seconds after which a proposal that nobody decided on begins by itself; 0 is never.
            check_in_every: analyzed experiments after which a person is asked whether to go on; 0 is never.

        Raises:
            BadInput: nothing to change, or a value that campaign.yaml would not take.
        """
        changes = _given(approval=approval, after_s=after_s, check_in_every=check_in_every)
        changed_policy(self.parts.policy(), changes)
        return self._command("policy", by, **changes)

    def budget(self, *, max_experiments: int | None = None, max_runs: int | None = None, wall_s: float | None = None,
               usd: float | None = None, tokens: int | None = None, by: str | None = None) -> int:
        """Change budgets; what is None stays, and 0 is no limit. `parts.limits()` is what holds now.

        A budget below what is spent ends the experiments; a raised one lets them go on, as long as they have not ended.

        Raises:
            BadInput: nothing to change, or a value that campaign.yaml would not take.
        """
        changes = _given(max_experiments=max_experiments, max_runs=max_runs, wall_s=wall_s, usd=usd, tokens=tokens)
        changed_limits(self.parts.limits(), changes)
        return self._command("budget", by, **changes)

    def playbook_add(self, claim: str, *, kind: str = "insight", evidence: Sequence[int] = (), by: str | None = None) -> int:
        """Add a lesson of your own: works, fails, avoid or insight; without evidence it is an order.

        Raises:
            BadInput: an empty claim, an unknown kind, or evidence that is no experiment.
        """
        kind_of(kind)
        ids = evidence_of(self.board, evidence)
        return self._command("playbook_add", by, claim=words({"claim": claim}, "claim"), kind=kind, evidence=ids)

    def playbook_edit(self, entry: int, *, claim: str | None = None, evidence: Sequence[int] | None = None, by: str | None = None) -> int:
        """Give a lesson another claim or other evidence; the earlier version stays on record.

        Raises:
            BadInput: no such entry, nothing to change, or evidence that is no experiment.
        """
        ids = None if evidence is None else evidence_of(self.board, evidence)
        changes = _given(claim=None if claim is None else words({"claim": claim}, "claim"), evidence=ids)
        if not changes:
            raise BadInput("playbook: nothing to change; give a claim or its evidence")
        return self._command("playbook_edit", by, entry=in_force(self.playbook, entry).id, **changes)

    def playbook_retire(self, entry: int, *, by: str | None = None) -> int:
        """Withdraw a lesson; agents no longer read it.

        Raises:
            BadInput: no such entry.
        """
        return self._command("playbook_retire", by, entry=self.playbook.get(entry).id)

    def pause(self, *, by: str | None = None) -> int:
        return self._command("pause", by)

    def resume(self, *, by: str | None = None) -> int:
        return self._command("resume", by)

    def stop(self, *, by: str | None = None) -> int:
        """End the experiments: running jobs end first."""
        return self._command("stop", by)

    def _command(self, verb: str, by: str | None, **args: Any) -> int:
        self._refuse_gone()
        if self.finished("experiment"):
            raise BadInput(f"{verb}: the experiments of this campaign have ended, nobody would carry it out; go on with them by "
                           "`alphalab-nb run RUN --more N`, or create another campaign")
        try:
            size = len(json.dumps(args))
        except (TypeError, ValueError) as error:
            raise BadInput(f"{verb}: {error}; give plain numbers, texts, lists and mappings") from error
        if size > _MOST_CHARS:
            raise BadInput(f"{verb}: {size} characters are more than anybody reads ({_MOST_CHARS}); put it into a file and name that")
        return self.board.command(verb, by=by or _user(), **args)

    def _refuse_gone(self) -> None:
        """Refuse what would be written into a board that nobody can find any more: its folder was removed or moved."""
        if not self.workspace.database.exists():
            raise WorkspaceError(f"there is no campaign at {self.workspace.root} any more; open it where it is now")


def _given(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "user"
