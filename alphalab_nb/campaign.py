"""Campaign: opens a workspace and hands out its parts. A facade without logic of its own."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphalab_nb.config import BUDGETS, nearest
from alphalab_nb.creation import create_workspace
from alphalab_nb.errors import INTERRUPTED, BadInput, PhaseFailed, WorkspaceError
from alphalab_nb.executors import Executor, make_executor
from alphalab_nb.judge.leaders import leaderboard
from alphalab_nb.parts import Parts, open_parts
from alphalab_nb.process import FileLock
from alphalab_nb.runner import run_phase
from alphalab_nb.steering import Steering
from alphalab_nb.storage.journal import Journal
from alphalab_nb.storage.leaderboard import Row, unranked
from alphalab_nb.storage.ledger import Spent
from alphalab_nb.strategies.base import STRATEGIST, Strategy
from alphalab_nb.strategies.registry import make_strategy
from alphalab_nb.workspace import LAST_STEPS, PHASES

if TYPE_CHECKING:  # steering verbs start faster without the agents' and the tables' libraries
    import pandas as pd

    from alphalab_nb.comparing import Duel
    from alphalab_nb.dispatch import Dispatcher
    from alphalab_nb.panel.widget import Panel
    from alphalab_nb.verify import Verdict

Progress = Callable[[str, str], None]
"""Called with (phase, what happens now)."""


class Campaign(Steering):
    """One end-to-end run of the pipeline on one task: a workspace plus its configuration."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
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
        return self.board.phase()

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

    def run_more(self, experiments: int, *, by: str | None = None, progress: Progress | None = None) -> None:
        """Go on with experiments that have ended, as if the budget had had room for so many more.

        A sealed test that was opened knows nothing of them: `report_again` opens it once more.

        Raises:
            BadInput: no positive number, the experiments have not ended, or they ended because the search had converged.
            PhaseFailed: the phase failed.
        """
        from alphalab_nb.dispatch.triggers import StopReason
        from alphalab_nb.dispatch.view import counted

        if experiments < 1:
            raise BadInput(f"{experiments} more experiments are none; give 1 or more")
        if not self.finished("experiment"):
            raise BadInput("the experiments have not ended; raise their budget instead: `alphalab-nb budget RUN --max-experiments N`")
        if self.board.fact("stop_reason") == StopReason.CONVERGED:
            raise BadInput("the search had converged; raise limits.convergence in campaign.yaml, else it would end again at once")
        with FileLock(self.workspace.root / ".run.lock"):
            self.board.set_fact("stopping", False)
            self.board.set_step("experiment", "phase", "started")  # else nobody would take the command
            self.budget(max_experiments=len(counted(self.parts, self.board.list())) + experiments, by=by)
            self._run_phase("experiment", progress)

    def report_again(self, reason: str, *, by: str | None = None, progress: Progress | None = None) -> None:
        """Run phase 4 anew after more experiments, with a further opening of the sealed test; one that was interrupted goes on.

        Raises:
            HarnessChanged: the harness is not what was frozen.
            BadInput: as `open_again`; an earlier phase has not ended; or the opening with this reason has ended.
            PhaseFailed: the phase failed.
        """
        self.check_phase("report", again=True)
        self.parts.evaluator.check()
        with FileLock(self.workspace.root / ".run.lock"):
            opening = self.open_again(reason, by=by)
            if opening.state == "finished":
                raise BadInput(f"opening {opening.number} had this reason, and has ended; a further one needs a reason of its own")
            self._run_phase("report", progress, again=reason)

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

    def check_phase(self, phase: str, *, again: bool = False) -> None:
        """Refuse a phase whose turn it is not; every phase notebook asks, so that plain Papermill keeps the order, too.

        Args:
            again: the sealed test is going to be opened once more, and that is known.

        Raises:
            BadInput: unknown phase, an earlier phase has not ended, or the search went on after the sealed test was opened.
        """
        _refuse_unknown(phase)
        missing = [name for name in PHASES[: PHASES.index(phase)] if not (self.finished(name) or self._work_done(name))]
        if missing:
            raise BadInput(f"phase '{phase}' needs {', '.join(missing)} first; run them, or run all")
        if phase == "report" and not again:
            self.openings.refuse_silent()
        # A stop ends the run it was meant for. Where a run holds the lock, `run` has cleared it, and a newer stop must hold.
        with contextlib.suppress(WorkspaceError), FileLock(self.workspace.root / ".run.lock"):
            self.board.set_fact("stopping", False)

    def _run_phase(self, phase: str, progress: Progress | None, **parameters: str) -> None:
        self.board.set_step(phase, "phase", "started")
        self.board.event("phase", f"{phase} started", role=phase)
        result = run_phase(
            self.workspace.notebook_source(phase), self.workspace.notebook(phase), {"workspace": str(self.workspace.root), **parameters},
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
            "openings": [asdict(opening) for opening in self.openings.list()],
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
        return {"metric": asdict(self.parts.metric), "rows": [asdict(row) for row in self.rows()],
                "unranked": unranked(self.board, self.board.fact("harness"))}

    def verify(self, id: int | None = None) -> Verdict:
        """Prove a result again in a clean copy, as an executed notebook; without an id, check the record of the whole campaign.

        Raises:
            BadInput: no such experiment, it has no full score, no harness is frozen yet, or the experiments are running.
            PhaseFailed: the notebook did not reach its verdict.
        """
        from alphalab_nb.proving import prove, prove_all

        if id is not None:
            return prove(self.parts, id)
        with contextlib.closing(self.executor()) as executor:
            return prove_all(self.parts, executor)

    def compare(self, first: int, second: int) -> Duel:
        """Compare two experiments on the units that both were scored on; a positive gain means that the first is better.

        Raises:
            BadInput: twice the same, no full score, in quarantine, or scored by different versions of the harness.
        """
        from alphalab_nb.comparing import compare

        return compare(self.parts, first, second)

    def match(self, id: int) -> dict[str, Any]:
        """Give the leaderboard's reference the compute that an experiment used, and return what it scored with that.

        Raises:
            BadInput: it is not ranked, used no more compute than the reference, or the campaign is running.
            PhaseFailed: the reference failed with the larger budget.
        """
        from alphalab_nb.phases.matched import give_same

        with contextlib.closing(self.executor()) as executor, FileLock(self.workspace.root / ".run.lock"):
            return give_same(self.parts, executor, id)

    def rescore(self, *, change: bool = False, by: str | None = None) -> dict[str, Any]:
        """Score the history again with the present harness; one that a person has changed becomes a new version with `change`.

        Raises:
            BadInput: no harness is frozen yet, it was changed and `change` is not given, or the campaign is running.
            PhaseFailed: a planted cheat gets past the changed harness, or its baselines cannot be certified.
        """
        from alphalab_nb.phases.rescore import rescore

        with contextlib.closing(self.executor()) as executor, FileLock(self.workspace.root / ".run.lock"):
            return rescore(self.parts, executor, change=change, by=by or "a person")

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


def _refuse_unknown(phase: str) -> None:
    if phase not in PHASES:
        raise BadInput(f"there is no phase '{phase}'{nearest(phase, list(PHASES))}")
