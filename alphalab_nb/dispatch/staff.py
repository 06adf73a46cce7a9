"""Conversations of phase 3 that belong to no single experiment: the Supervisor's diagnosis and the Reporter's milestones."""

from __future__ import annotations

from alphalab_nb.agents import run_agent
from alphalab_nb.agents.excerpts import debrief
from alphalab_nb.agents.minds import is_live
from alphalab_nb.agents.tasks import DiagnoseTask, MilestoneTask
from alphalab_nb.dispatch.triggers import FIXABLE, supervisor_due, supervisor_rearmed
from alphalab_nb.parts import Parts, deps_of
from alphalab_nb.storage.experiment import Experiment, State

ARMED = "supervisor_armed"
CALLS = "supervisor_calls"
_ERROR_CHARS = 600
_DEBRIEF_CHARS = 1500


class Staff:
    """The Supervisor and the Reporter, where language models play them."""

    def __init__(self, parts: Parts) -> None:
        self._parts, self._board = parts, parts.board
        self.supervises = is_live("supervisor", parts.config)
        self.reports = is_live("reporter", parts.config)

    # -- supervisor --------------------------------------------------------------------------------------

    def supervisor_due(self) -> bool:
        """Whether the Supervisor is to be called; true once per excess of the error rate."""
        limits, failed = self._parts.config.limits, [label in FIXABLE for _, label in self._attempts()]
        armed = bool(self._board.fact(ARMED, True))
        if not armed and supervisor_rearmed(failed, window=limits.error_window, rate=limits.error_rate):
            self._board.set_fact(ARMED, True)
        return self.supervises and supervisor_due(failed, window=limits.error_window, rate=limits.error_rate, armed=armed)

    def diagnose(self) -> None:
        """Let the Supervisor find the common cause and mend the domain knowledge; then this excess is dealt with."""
        call, window = 1 + int(self._board.fact(CALLS, 0)), self._parts.config.limits.error_window
        newest = [(id, label) for id, label in self._attempts()[-window:] if label in FIXABLE]
        deps = deps_of(self._parts, "experiment", f"supervisor_{call:02d}.ipynb", cwd=self._parts.workspace.adapter)
        task = DiagnoseTask(failed=len(newest), window=window, failures="\n\n".join(self._failure(id, label) for id, label in newest))
        done = run_agent("supervisor", deps, task)
        self._board.set_fact(CALLS, call)
        self._board.set_fact(ARMED, False)
        self._board.event("supervisor", done.summary, role="supervisor")

    def _attempts(self) -> list[tuple[int, str]]:
        """Return (experiment, label of the last run) of every attempt that was run, in the order of their ends."""
        newest: dict[int, tuple[str, int, str]] = {}
        for run in self._board.runs(status="ended"):
            if run.kind in ("smoke", "full") and run.score is not None and run.score.label != "infrastructure":
                newest[run.attempt] = (run.ended, run.experiment, run.score.label)
        return [(experiment, label) for _, experiment, label in sorted(newest.values())]

    def _failure(self, id: int, label: str) -> str:
        experiment = self._board.get(id)
        runs = [run for run in self._board.runs(id, status="ended") if run.score is not None and not run.score.ok]
        error = runs[-1].score.error if runs and runs[-1].score else experiment.error
        return f"#{id} {experiment.name} ({experiment.family}), {label}:\n```\n{error[-_ERROR_CHARS:]}\n```"

    # -- reporter ----------------------------------------------------------------------------------------

    def report(self, number: int, draft: str) -> None:
        """Let the Reporter write a milestone from what code has measured."""
        deps = deps_of(self._parts, "experiment", f"reporter_{number:02d}.ipynb", cwd=self._parts.workspace.reports)
        texts = [debrief(self._parts.workspace, experiment, _DEBRIEF_CHARS) for experiment in self._analyzed_since(number - 1)]
        run_agent("reporter", deps, MilestoneTask(number=number, draft=draft, debriefs="\n\n".join(filter(None, texts)) or "None."))

    def _analyzed_since(self, milestone: int) -> list[Experiment]:
        """Return what was analyzed after the experiments that earlier milestones were due for, in the order of the analyses."""
        ended = sorted(self._board.list(State.ANALYZED, State.DONE), key=lambda experiment: self._analyzed_at(experiment.id))
        return ended[milestone * self._parts.config.limits.milestone_every :]

    def _analyzed_at(self, id: int) -> str:
        return next(move.at for move in self._board.history(id) if move.target is State.ANALYZED)
