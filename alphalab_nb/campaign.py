"""Campaign: opens a workspace and hands out its parts. A facade without logic of its own."""

from __future__ import annotations

import contextlib
import getpass
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphalab_nb.adapter import family_of
from alphalab_nb.answers import ASK, answer_pending
from alphalab_nb.config import BUDGETS, CampaignConfig, changed_limits, changed_policy, nearest
from alphalab_nb.creation import create_workspace
from alphalab_nb.errors import INTERRUPTED, BadInput, PhaseFailed, WorkspaceError
from alphalab_nb.executors import Executor, make_executor
from alphalab_nb.parts import Parts, open_parts
from alphalab_nb.process import FileLock, is_locked
from alphalab_nb.runner import run_phase
from alphalab_nb.storage.board import Board, Command
from alphalab_nb.storage.journal import Journal
from alphalab_nb.storage.leaderboard import Row, leaderboard
from alphalab_nb.storage.ledger import Spent
from alphalab_nb.storage.orders import evidence_of, kind_of, whole, words
from alphalab_nb.storage.patches import Patch, Patches
from alphalab_nb.storage.playbook import Playbook
from alphalab_nb.storage.questions import Question, Questions
from alphalab_nb.strategies.base import STRATEGIST, Strategy
from alphalab_nb.strategies.registry import make_strategy
from alphalab_nb.workspace import LAST_STEPS, PHASES, Workspace

if TYPE_CHECKING:  # steering verbs start faster without the agents' and the tables' libraries
    import pandas as pd

    from alphalab_nb.dispatch import Dispatcher
    from alphalab_nb.panel.widget import Panel

Progress = Callable[[str, str], None]
"""Called with (phase, what happens now)."""


class Campaign:
    """One end-to-end run of the pipeline on one task: a workspace plus its configuration."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._detached: dict[str, subprocess.Popen[bytes]] = {}

    @classmethod
    def create(cls, root: str | Path, config: str | Path | None = None, **settings: Any) -> Campaign:
        """Make a new campaign in a folder, from a campaign.yaml, from settings, or both (settings win).

        Everything is checked before anything is written: the configuration, the domain, the data, the folder.
        Relative paths, of the data, of a recording and of a domain of your own, start from the folder of the campaign.yaml, else from
        the current one.

        Raises:
            BadInput: what is wrong, and the remedy.
        """
        return cls.open(create_workspace(root, config, settings).root)

    @classmethod
    def open(cls, root: str | Path) -> Campaign:
        """Open an existing campaign.

        Raises:
            WorkspaceError: the folder holds none, cannot be written, or belongs to a newer version.
        """
        return cls(open_parts(root))

    # -- parts -------------------------------------------------------------------------------------------

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

    def strategy(self) -> Strategy:
        """Return the configured strategy."""
        from alphalab_nb.agents.minds import is_live
        from alphalab_nb.parts import deps_of

        thinks = is_live(STRATEGIST, self.config)
        return make_strategy(self.config.strategy, open_deps=partial(deps_of, self.parts, "experiment") if thinks else None)

    def executor(self) -> Executor:
        """Return the configured executor."""
        block = self.config.executor
        return make_executor(block.kind, slots=block.slots, cores_per_slot=block.cores_per_slot)

    def dispatcher(self, *, strategy: Strategy, executor: Executor, progress: Callable[[Dispatcher], None] | None = None) -> Dispatcher:
        """Return the loop of phase 3, with milestone reports into reports/."""
        from alphalab_nb.dispatch import Dispatcher

        return Dispatcher(self.parts, strategy=strategy, executor=executor, milestone=self._milestone, progress=progress)

    def _milestone(self, number: int) -> str:
        from alphalab_nb.report import milestone

        text = milestone(self.board, self.parts.metric, number=number)
        (self.workspace.reports / f"milestone_{number}.md").write_text(text, encoding="utf-8")
        return text

    def domain_knowledge(self) -> str:
        """Return the domain knowledge as agents read it now."""
        parts = open_parts(self.workspace.root)  # phase 0 may have written the adapter since this object was made
        return parts.adapter.render("domain_knowledge.md", objective=parts.config.objective, task=parts.task, metric=parts.metric)

    # -- running -----------------------------------------------------------------------------------------

    def phase(self) -> str:
        """Return the first phase that has not ended, or `done`."""
        return next((name for name in PHASES if not self.finished(name)), "done")

    def finished(self, phase: str) -> bool:
        return self.board.step_finished(phase, "phase")

    def _work_done(self, phase: str) -> bool:
        """Whether the work of a phase is on record, whoever ran its notebook; the experiments end with a stop reason."""
        if phase == "experiment":
            return self.board.fact("stop_reason") is not None
        return self.board.step_finished(phase, LAST_STEPS[phase])

    def run(self, phase: str | None = None, *, progress: Progress | None = None, max_outage_s: float | None = None) -> None:
        """Run one phase, or all that have not ended, headless; each resumes at its first unfinished step.

        Args:
            max_outage_s: how long a provider may be out of order before the run ends; default: what campaign.yaml says.

        Raises:
            BadInput: unknown phase, or an earlier phase has not ended.
            WorkspaceError: another process runs this campaign.
            PhaseFailed: the phase failed; the message names cell and reason, `exit_code` the kind of failure.
        """
        if phase is not None:
            self.check_phase(phase)
        with FileLock(self.workspace.root / ".run.lock"):
            self.board.set_fact("max_outage_s", self.config.provider.max_outage_s if max_outage_s is None else max_outage_s)
            for name in PHASES if phase is None else (phase,):
                if not self.finished(name):
                    self.board.set_fact("stopping", False)  # of the run before, or of the experiments that have just ended
                    self._run_phase(name, progress)

    def start(self, phase: str) -> subprocess.Popen[bytes]:
        """Run a phase detached; returns at once. `wait` waits for it, and it goes on if this kernel dies."""
        self.check_phase(phase)
        if not self.finished(phase):
            self.board.set_step(phase, "phase", "started")  # else `wait` would meet the failure of the run before
        with (self.workspace.root / f"{phase}.log").open("ab") as log:
            self._detached[phase] = subprocess.Popen(
                [sys.executable, "-m", "alphalab_nb.cli", "run", str(self.workspace.root), "--phase", phase],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )
        return self._detached[phase]

    def wait(self, phase: str = "experiment", *, timeout_s: float | None = None) -> bool:
        """Wait until a started phase has ended; False if the time is over first.

        Raises:
            BadInput: unknown phase.
            PhaseFailed: the phase failed, or the process that `start` made for it is gone.
        """
        _refuse_unknown(phase)
        end = None if timeout_s is None else time.monotonic() + timeout_s
        while end is None or time.monotonic() < end:
            code = self._detached[phase].poll() if phase in self._detached else None  # before the board: it may write last
            known = self.board.step(phase, "phase")
            if known is not None and known["status"] == "finished":
                return True
            if known is not None and known["status"] == "failed":
                raise PhaseFailed(str((known["result"] or {}).get("error", "")))
            if code is not None:
                log = self.workspace.root / f"{phase}.log"
                raise PhaseFailed(f"the process of phase '{phase}' ended with code {code} before the phase did; see {log}, start it again")
            time.sleep(0.2)
        return False

    def check_phase(self, phase: str) -> None:
        """Refuse a phase whose turn it is not; every phase notebook asks, so that plain Papermill keeps the order, too.

        Raises:
            BadInput: unknown phase, or an earlier phase has not ended.
        """
        _refuse_unknown(phase)
        missing = [name for name in PHASES[: PHASES.index(phase)] if not (self.finished(name) or self._work_done(name))]
        if missing:
            raise BadInput(f"phase '{phase}' needs {', '.join(missing)} first; run them, or run all")
        # A stop ends the run it was meant for. Where a run holds the lock, `run` has cleared it, and a newer stop must hold.
        with contextlib.suppress(WorkspaceError), FileLock(self.workspace.root / ".run.lock"):
            self.board.set_fact("stopping", False)

    def _run_phase(self, phase: str, progress: Progress | None) -> None:
        self.board.set_step(phase, "phase", "started")
        self.board.event("phase", f"{phase} started", role=phase)
        result = run_phase(
            self.workspace.notebook_source(phase), self.workspace.notebook(phase), {"workspace": str(self.workspace.root)},
            on_cell=None if progress is None else lambda text: progress(phase, text),
        )
        if not result.ok:
            message = f"phase '{phase}' failed in cell {result.failing_cell}: {result.ename}: {result.evalue}"
            if result.exit_code == INTERRUPTED:
                message = f"phase '{phase}' was interrupted in cell {result.failing_cell}; run it again to go on where it stopped"
            self.board.set_step(phase, "phase", "failed", result={"error": message}, seconds=result.seconds)
            failure = PhaseFailed(f"{message}\n  the executed notebook: {self.workspace.notebook(phase)}")
            failure.exit_code = result.exit_code
            raise failure
        self.board.set_step(phase, "phase", "finished", seconds=result.seconds)
        self.board.event("phase", f"{phase} finished in {result.seconds:.1f} s", role=phase)

    # -- looking -----------------------------------------------------------------------------------------

    def leaderboard(self) -> pd.DataFrame:
        """Return the leaderboard, best first."""
        import pandas as pd

        rows = [asdict(row) for row in self.rows()]
        return pd.DataFrame(rows, columns=list(Row.__dataclass_fields__)).set_index("rank")

    def rows(self) -> list[Row]:
        return leaderboard(self.board, self.parts.metric, self.board.fact("harness"))

    @property
    def spent(self) -> Spent:
        return self.parts.ledger.total()

    def status(self) -> dict[str, Any]:
        """Return the state of the campaign as JSON data (the form of `status --json`)."""
        rows = self.rows()
        sealed = self.board.fact("sealed")
        keys = ("score", "confirm", "search", "baselines", "reads")
        return {
            "phase": self.phase(),
            "states": {state.value: count for state, count in self.board.counts().items()},
            "best": asdict(rows[0]) if rows else {},
            "spent": asdict(self.spent),
            "stop_reason": self.board.fact("stop_reason"),
            "sealed": None if sealed is None else {key: sealed[key] for key in keys},
            "sandbox": (self.board.fact("sandbox") or {}).get("level"),
            "paused": bool(self.board.fact("paused", False)),
            "policy": self.parts.policy().model_dump(),
            "limits": self.parts.limits().model_dump(include=set(BUDGETS)),
            "outage": self.board.fact("outage"),
            "questions": [asdict(question) for question in self.questions.list(open_only=True)],
            "cost": {
                "by_role": self.parts.ledger.by("phase", "role", "model"),
                "by_experiment": [row for row in self.parts.ledger.by("experiment") if row["experiment"] is not None],
            },
            "commands": {
                "pending": len(self.board.commands(state="pending")),
                "refused": [{"id": c.id, "verb": c.verb, "by": c.actor, "why": c.result} for c in self.board.commands(state="refused")],
            },
        }

    def by_stage(self) -> list[dict[str, Any]]:
        """Return what each stage of the search spent and found: experiments, full scores, seconds, best score (None without one)."""
        from alphalab_nb.report import budget_by_stage

        rows = budget_by_stage(self.board, self.parts.metric).reset_index().to_dict("records")
        return [{**row, "best": None if row["best"] != row["best"] else row["best"]} for row in rows]  # NaN is no JSON

    @property
    def questions(self) -> Questions:
        """What agents ask people."""
        return Questions(self.board.database)

    @property
    def patches(self) -> Patches:
        """What the Supervisor changed in the adapter's files."""
        return Patches(self.board.database, self.workspace, self.parts.snapshots)

    def export_responses(self, path: str | Path) -> int:
        """Write every response of the language models to a new file that `llm: replay:FILE` reads; return how many.

        Raises:
            BadInput: there is no response yet, the file exists, or it cannot be written.
        """
        from alphalab_nb.llm.replay import record

        if Path(path).exists():
            raise BadInput(f"{path} exists already; choose another file")
        return record(Journal(self.board.database), Path(path))

    def leaderboard_data(self) -> dict[str, Any]:
        """Return the leaderboard as JSON data (the form of `leaderboard --json`)."""
        return {"metric": asdict(self.parts.metric), "rows": [asdict(row) for row in self.rows()]}

    def report(self) -> Path:
        """Write report.html from what the board holds now."""
        from alphalab_nb.report import write_report

        return write_report(self.workspace, self.board, self.playbook, self.parts.ledger, self.parts.metric, self.config)

    def panel(self) -> Panel:
        """Return the panel: see and steer this campaign in JupyterLab, whichever process runs it; the last line of a cell shows it."""
        from alphalab_nb.panel.widget import Panel

        return Panel(self.parts, self)

    def __repr__(self) -> str:
        return f"Campaign({self.config.name!r}, phase={self.phase()!r}, {sum(self.board.counts().values())} experiments)"

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
                             priority=priority)

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
        return self._command("playbook_edit", by, entry=self.playbook.get(entry).id, **changes)

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
        if self.finished("experiment"):
            raise BadInput(f"{verb}: the experiments of this campaign have ended, nobody would carry it out; create another campaign")
        try:
            json.dumps(args)
        except (TypeError, ValueError) as error:
            raise BadInput(f"{verb}: {error}; give plain numbers, texts, lists and mappings") from error
        return self.board.command(verb, by=by or _user(), **args)


def _given(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "user"


def _refuse_unknown(phase: str) -> None:
    if phase not in PHASES:
        raise BadInput(f"there is no phase '{phase}'{nearest(phase, list(PHASES))}")
