"""The deterministic loop of phase 3: the Strategy proposes, the Judge decides, the Dispatcher moves.

Event-driven: the end of a job, the end of an agent's task and a command on the board wake it. All moves of the board
are made by the one thread that calls `run`.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from alphalab_nb.agents.minds import is_live
from alphalab_nb.config import LimitsConfig
from alphalab_nb.dispatch.chat import Chat
from alphalab_nb.dispatch.commands import Desk
from alphalab_nb.dispatch.court import CONFIRM, SEED_STEP, Court
from alphalab_nb.dispatch.duties import Duties
from alphalab_nb.dispatch.gate import Gate
from alphalab_nb.dispatch.pipeline import Pipeline, failure
from alphalab_nb.dispatch.plans import ME
from alphalab_nb.dispatch.triggers import (
    BUDGETS,
    StopReason,
    Usage,
    budget_spent,
    converged,
    fix_due,
)
from alphalab_nb.dispatch.turns import Turns, screened
from alphalab_nb.dispatch.view import remaining
from alphalab_nb.dispatch.worker import Worker
from alphalab_nb.errors import (
    AlphaLabError,
    BudgetEnded,
    ProviderOutage,
    ProviderRefused,
    RequestLimit,
    RequestRefused,
    Stopped,
)
from alphalab_nb.executors import Executor
from alphalab_nb.parts import Parts
from alphalab_nb.process import FileLock
from alphalab_nb.storage.experiment import WAITING, Experiment, Run, Score, State
from alphalab_nb.storage.leaderboard import full_runs
from alphalab_nb.strategies.base import Strategy

MAX_INFRASTRUCTURE_RETRIES = 3
LOOK_S = 10.0
"""Longest time that the loop sleeps when nothing happens."""

log = logging.getLogger(__name__)


class Dispatcher:
    """Moves one campaign's experiments until a budget ends, the strategy is exhausted, it converges or a person stops it."""

    def __init__(self, parts: Parts, *, strategy: Strategy, executor: Executor,
                 milestone: Callable[[int], str] | None = None, progress: Callable[[Dispatcher], None] | None = None) -> None:
        self.parts, self.strategy, self.executor = parts, strategy, executor
        self.board = parts.board
        self._recipes = {recipe.family: recipe for recipe in parts.recipes}
        self._worker = Worker(parts, self._recipes)
        self._events: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._pipeline = Pipeline(parts, executor, lambda run: self._events.put(("run", run)))
        self._desk = Desk(parts, self._recipes, self._cancel_jobs)
        self._gate = Gate(parts, self._desk.switches)
        self._court = Court(parts)
        self._turns = Turns(parts, strategy, list(self._recipes.values()), slots=executor.slots,
                            start=partial(self._start, "turn", None), busy=self._busy)
        self._duties = Duties(parts, milestone=milestone, start=partial(self._start, "duty"))
        self._chat = Chat(parts, partial(self._start, "chat", None))
        self._progress = progress
        self._agents: dict[int, Future[Any]] = {}
        self._thinks = is_live("worker_implement", parts.config)
        self._spent_under: LimitsConfig | None = None
        """Limits that would not pay for another answer; a person may raise them."""
        self._parked: AlphaLabError | None = None
        """Why no agent can be sent any more: the provider is gone. What they were at is on record."""
        self._started = time.monotonic()

    # -- the loop ----------------------------------------------------------------------------------------

    def run(self) -> StopReason:
        """Run until there is a reason to stop; running jobs are always brought to their end first.

        Raises:
            WorkspaceError: another dispatcher works on this workspace.
            ProviderOutage, ProviderRefused: the language models cannot be asked; running again goes on where it stopped.
        """
        stop_watch = threading.Event()
        with FileLock(self.parts.workspace.lock):
            self.board.set_fact("stop_reason", None)
            self.board.set_fact("stopping", False)
            self._wall_before = self._kept_s = float(self.board.fact("wall_s", 0.0))
            self._recover()
            watcher = threading.Thread(target=self._watch_board, args=(stop_watch,), daemon=True)
            watcher.start()
            try:
                with ThreadPoolExecutor(max_workers=self._minds(), thread_name_prefix="agent") as self._pool:
                    reason = self._loop()
                    self._chat.answer(thinking=False)  # what was asked in the last moment
            finally:
                stop_watch.set()
                self.board.set_fact("wall_s", self.wall_s)
            self.board.set_fact("stop_reason", reason.value)
            self.board.event("stop", f"experiments ended: {reason.value}", role=ME)
        return reason

    def _minds(self) -> int:
        """Conversations at once: rules take milliseconds, language models wait for their provider most of the time."""
        return (self.executor.slots + 2 if self._thinks else 2) + int(self._chat.guided)

    @property
    def _limits(self) -> LimitsConfig:
        return self.parts.limits()

    @property
    def wall_s(self) -> float:
        """Seconds that phase 3 has taken in all its sessions."""
        return round(self._wall_before + time.monotonic() - self._started, 3)

    def _keep_time(self) -> None:
        """Put the time so far on the board, now and then: a process that is killed has used it all the same, and people look at it."""
        if self.wall_s - self._kept_s >= LOOK_S:
            self._kept_s = self.wall_s
            self.board.set_fact("wall_s", self._kept_s)

    def _loop(self) -> StopReason:
        reason: StopReason | None = None
        while True:
            self._desk.apply_all()
            self._gate.hears()
            reason = self._known_reason(reason)
            self._tick(stopping=reason is not None or self._parked is not None)
            self._keep_time()
            if self._progress is not None:
                self._progress(self)
            if self._idle():
                if self._parked is not None:
                    raise self._parked
                if self._desk.apply_all():  # what people ask for before the end counts
                    continue
                reason = reason or self._stop_reason() or self._nothing_left()
                if reason is not None:
                    self._cancel_rest(reason)
                    self._duties.write_milestone()
                    return reason
            self._wait()

    def _tick(self, *, stopping: bool) -> None:
        paused = self._desk.switches.paused
        held = paused or (not stopping and self._gate.holds())
        if not stopping and not held:
            self._gate.lets_go_on()
        if not paused:
            self._send_agents(stopping=stopping, held=held)
        if not stopping and not held:
            self._submit_runs()
            self._turns.ask()
            self._duties.call_supervisor()
        can_think = not self._minds_spent() and self._parked is None
        self._duties.report_milestone(thinking=can_think)
        self._chat.answer(thinking=can_think and not stopping and not paused)

    def _wait(self) -> None:
        """Sleep until something happens, then take all that has happened."""
        wall, due_s = self._limits.wall_s, self._gate.due_s()
        waits = [LOOK_S, *([wall - self.wall_s] if wall else []), *([] if due_s is None else [due_s])]
        try:
            self._handle(*self._events.get(timeout=max(0.05, min(waits))))
            while True:
                self._handle(*self._events.get_nowait())
        except queue.Empty:
            return

    def _handle(self, kind: str, value: Any) -> None:
        if kind == "run":
            self._run_ended(value)
        elif kind == "agent":
            self._agent_ended(value)
        elif kind == "turn":
            self._turns.ended(self.is_parked)
        elif kind == "duty":
            self._duties.ended(value, self.is_parked)
        elif kind == "chat":
            self._chat.ended()

    def _idle(self) -> bool:
        running = self._agents or self._turns.running is not None or self._duties.running or self._chat.running or self._pipeline.active
        return not running and self._events.empty()

    def _nothing_left(self) -> StopReason | None:
        """Idle without a stop reason: everything has ended, or a person is asked for, or the campaign is paused."""
        if self._desk.switches.paused or self._gate.is_asking() or self.board.list(State.PROPOSED):
            return None
        experiments = self.board.list()
        if any(e.state in WAITING or e.state is State.FINISHED for e in experiments if not screened(e)):
            return None
        if remaining(self.parts, experiments) == 0:
            return StopReason.EXPERIMENTS
        return StopReason.EXHAUSTED if self._turns.has_no_more(experiments) else None

    # -- reasons to stop ---------------------------------------------------------------------------------

    def _known_reason(self, known: StopReason | None) -> StopReason | None:
        """Return the reason to stop. A budget that is raised while the last jobs end is none any more; every other reason stands."""
        if known is not None and known not in BUDGETS:
            return known
        reason = self._stop_reason()
        if (reason is None) != (known is None):
            self.board.set_fact("stopping", reason is not None)  # conversations end within seconds; their records stay
        return reason

    def _stop_reason(self) -> StopReason | None:
        if self._desk.switches.stopped:
            return StopReason.PERSON
        total = self.parts.ledger.total()
        usage = Usage(runs=self._runs_used(), wall_s=self.wall_s, usd=total.usd, tokens=total.input_tokens + total.output_tokens)
        spent = budget_spent(self._limits, usage)
        if spent is None and self._minds_spent():  # what is left of it would not pay for another answer
            spent = StopReason.USD if self._limits.usd else StopReason.TOKENS
        if spent is not None:
            return spent
        full = [r for r in self.board.runs(status="ended")
                if r.fidelity == "full" and r.partition == "search" and r.kind in ("full", "replicate")]
        ended = sorted(full, key=lambda run: run.ended)
        scores = [run.score.value for run in ended if run.score and run.score.ok and run.score.value is not None]
        return StopReason.CONVERGED if converged(self.parts.metric, scores, self._limits.convergence) else None

    def _minds_spent(self) -> bool:
        return self._spent_under == self._limits

    def _runs_used(self) -> int:
        return sum(run.status != "planned" for run in self.board.runs())

    def _cancel_rest(self, reason: StopReason) -> None:
        """A spent budget leaves nothing waiting; after a person's stop the board stays as it is, for a later resume."""
        if reason is StopReason.PERSON:
            return
        for experiment in self.board.list(State.PROPOSED, *WAITING):
            self.board.move(experiment.id, State.CANCELLED, by=ME, reason=f"the campaign ended: {reason.value}", outcome="cancelled")

    # -- people ------------------------------------------------------------------------------------------

    def _watch_board(self, stop: threading.Event) -> None:
        """Wake the loop when another process has left a command. SQLite has no notification, so this thread looks."""
        seen = -1
        while not stop.wait(0.1):
            version = self.board.database.data_version()
            if version != seen:
                seen = version
                if self._gate.is_asking() or self.board.commands(state="pending"):
                    self._events.put(("command", None))

    def _cancel_jobs(self, experiment: int) -> bool:
        runs = self._pipeline.experiment_runs(experiment)
        for run in runs:
            self._pipeline.cancel(run)
        return bool(runs)

    # -- agents: fix > analyze > implement ---------------------------------------------------------------

    def _send_agents(self, *, stopping: bool, held: bool) -> None:
        """Send agents to what waits for one; while new work is held, only those that analyze."""
        for experiment in self.board.list(State.FINISHED):
            if experiment.id in self._agents:
                continue
            label = experiment.error.split(":", 1)[0]
            if experiment.outcome == "failed" and not stopping and fix_due(
                label=label, fixes=experiment.fixes, max_fixes=self._limits.max_fixes
            ):
                if not held:
                    self._send_fix(experiment, label)
            elif self._judge(experiment, closing=stopping):
                self._send_analysis(self.board.get(experiment.id), by_rules=stopping)
        if not stopping and not held:
            for experiment in self._in_order(self.board.list(State.TO_IMPLEMENT)):
                if experiment.id not in self._agents and self._code_wanted():
                    self._send(experiment, self._work_of(experiment))

    def _code_wanted(self) -> bool:
        """Whether a Worker shall write now. One that thinks writes just in time: what was learnt until then reaches its program."""
        if not self._thinks:
            return True
        written = self.board.list(State.IMPLEMENTED, State.CHECKED, State.QUEUED)
        being_written = [e for e in self.board.list(State.TO_IMPLEMENT) if e.id in self._agents]
        return len(written) + len(being_written) < self.executor.slots + 2

    def _work_of(self, experiment: Experiment) -> Callable[[], object]:
        if experiment.fixes:
            label = experiment.error.split(":", 1)[0]
            return lambda: self._worker.fix(experiment, label)
        return lambda: self._worker.implement(experiment)

    def _send_fix(self, experiment: Experiment, label: str) -> None:
        moved = self.board.move(experiment.id, State.TO_IMPLEMENT, by=ME, reason=f"fix {experiment.fixes + 1} after {label}",
                                expect=State.FINISHED, fixes=experiment.fixes + 1, outcome=None)
        self._send(moved, self._work_of(moved))

    def _send_analysis(self, experiment: Experiment, *, by_rules: bool) -> None:
        runs = [run for run in self.board.runs(experiment.id, status="ended") if run.partition == "search"]
        self._send(experiment, lambda: self._worker.analyze(experiment, runs, experiment.verdict, by_rules=by_rules))

    def _send(self, experiment: Experiment, work: Callable[[], object]) -> None:
        self._agents[experiment.id] = self._start("agent", experiment.id, work)

    def _start(self, kind: str, value: Any, work: Callable[[], Any]) -> Future[Any]:
        """Run work beside the loop; its end wakes the loop as an event of that kind."""
        future = self._pool.submit(work)
        future.add_done_callback(lambda _: self._events.put((kind, value)))
        return future

    def _busy(self, id: int) -> bool:
        """Whether an agent or a job is at work on an experiment."""
        return id in self._agents or bool(self._pipeline.experiment_runs(id))

    def _agent_ended(self, id: int) -> None:
        error = self._agents.pop(id).exception()
        experiment = self.board.get(id)
        if self.is_parked(error):
            return
        if error is not None:
            log.error("worker on experiment %d failed", id, exc_info=error)
            self.board.event("error", f"worker failed: {error!r}", role="worker", experiment=id)
        if experiment.state is State.FINISHED:
            self.board.move(id, State.ANALYZED, by="worker", reason=experiment.verdict or str(experiment.outcome))
            self._turns.analyzed_since += 1
        elif experiment.state is State.TO_IMPLEMENT and error is not None:
            self.board.move(id, State.FINISHED, by="worker", reason="the worker failed", outcome="failed",
                            error=f"worker: {error}", verdict="reject", fixes=self._limits.max_fixes)
        elif experiment.state is State.TO_IMPLEMENT:
            self.board.move(id, State.IMPLEMENTED, by="worker", reason="code written and snapshotted", error="")
            self._drop_duplicate(id)

    def _drop_duplicate(self, id: int) -> None:
        """An identical program is no new experiment: it becomes one more Run of the first."""
        twin = self.board.twin(self.board.attempts(id)[-1])
        if twin is None:
            return
        self.board.move(id, State.CANCELLED, by=ME, reason=f"identical program as #{twin}; replicated there", outcome="cancelled")
        if self.board.get(twin).fidelity == "full":
            first = self.board.attempts(twin)[-1]
            repeat = max(1, len(full_runs(self.board, twin, None)))
            self.board.plan_run(first, kind="replicate", partition="search", seed=self._seed(twin, repeat), fidelity="full")

    # -- runs --------------------------------------------------------------------------------------------

    def _submit_runs(self) -> None:
        free = self.executor.slots - len(self._pipeline.active)
        if self._limits.max_runs:
            free = min(free, self._limits.max_runs - self._runs_used())
        if free <= 0:
            return
        self._queue_checked()
        for run in self._next_runs()[:free]:
            if run.kind == "full":
                self.board.move(run.experiment, State.RUNNING, by=ME, reason=f"run {run.id}", expect=State.QUEUED)
            self._pipeline.start(run, artefact=self._court.artefact(run))

    def _queue_checked(self) -> None:
        for experiment in self.board.list(State.CHECKED):
            if experiment.fidelity == "full":
                self.board.move(experiment.id, State.QUEUED, by=ME, reason="smoke passed")

    def _next_runs(self) -> list[Run]:
        """Return planned runs in the order they shall start: what a verdict or the incumbent waits for, then pinned, full before smoke."""
        waiting = self.board.runs(status="planned")
        planned = {run.experiment: run for run in waiting if run.kind in ("smoke", "full")}
        runs = [run for kind in (CONFIRM, "replicate") for run in waiting if run.kind == kind]
        runs += [planned.get(e.id) or self._plan(e, "full") for e in self._in_order(self.board.list(State.QUEUED))]
        active = set(self._pipeline.active)
        for experiment in self._in_order(self.board.list(State.IMPLEMENTED)):
            if self._busy(experiment.id):
                continue
            runs.append(planned.get(experiment.id) or self._plan(experiment, "smoke"))
        return [run for run in runs if run.id not in active]

    def _plan(self, experiment: Experiment, kind: str) -> Run:
        newest = self.board.attempts(experiment.id)[-1]
        fidelity = "full" if kind == "full" else "smoke"
        return self.board.plan_run(newest, kind=fidelity, partition="search", seed=self._seed(experiment.id, 0), fidelity=fidelity)

    def _seed(self, experiment: int, repeat: int) -> int:
        """Seeds are fixed by the campaign, common to all experiments: a lucky seed is nobody's improvement."""
        return self.parts.config.seed + SEED_STEP * repeat

    def _in_order(self, experiments: list[Experiment]) -> list[Experiment]:
        return sorted(experiments, key=lambda e: (not e.pinned, -e.priority, e.id))

    def _run_ended(self, id: int) -> None:
        score, seconds = self._pipeline.collect(id)
        run = self.board.end_run(id, score, seconds)
        experiment = self.board.get(run.experiment)
        if experiment.state is State.CANCELLED or run.kind not in ("smoke", "full"):
            return
        if score.label == "infrastructure":
            self._retry(run, experiment, score)
        else:
            self._move_by_score(experiment, run, score)

    def _move_by_score(self, experiment: Experiment, run: Run, score: Score) -> None:
        if not score.ok:
            self._fail(experiment, score)
        elif run.kind == "smoke":
            self.board.move(experiment.id, State.CHECKED, by="evaluator", reason=f"smoke {score.metric} {score.value:.6g}")
        else:
            self.board.move(experiment.id, State.FINISHED, by="evaluator", reason=f"{score.metric} {score.value:.6g}", outcome="ok")

    def _retry(self, run: Run, experiment: Experiment, score: Score) -> None:
        """A failure of the machine is never charged to the idea: run again, a few times."""
        lost = [r for r in self.board.runs(experiment.id, status="ended")
                if r.attempt == run.attempt and r.kind == run.kind and r.score and r.score.label == "infrastructure"]
        if len(lost) > MAX_INFRASTRUCTURE_RETRIES:
            self._fail(experiment, score)
        elif run.kind == "full":
            self.board.move(experiment.id, State.QUEUED, by=ME, reason=f"the machine failed: {score.error[:200]}")

    def _fail(self, experiment: Experiment, score: Score) -> None:
        self.board.move(experiment.id, State.FINISHED, by="evaluator", reason=score.label, outcome="failed",
                        error=f"{score.label}: {score.error[-3900:]}")

    def _judge(self, experiment: Experiment, *, closing: bool) -> bool:
        """Let the Judge rule on a finished experiment; store and tell the verdict once. False while runs are missing for it."""
        if experiment.verdict:
            return True
        ruled = self._court.rule(experiment, closing=closing)
        if ruled is None:
            return False
        self.board.change(experiment.id, verdict=ruled.decision, quarantined=int(ruled.decision == "quarantine"))
        self.board.event("verdict", f"{ruled.decision}: {ruled.reason}", role="judge", experiment=experiment.id)
        runs = full_runs(self.board, experiment.id, None)
        self.strategy.tell(experiment, ruled.decision, runs[-1].score.value if runs and runs[-1].score else None)
        if not closing:
            self._court.remeasure()
        return True

    # -- conversations that end for the campaign's sake ---------------------------------------------------

    def is_parked(self, error: BaseException | None) -> bool:
        """Whether a conversation ended for a reason that is not its experiment's: nothing is charged to it, and its record stays."""
        if isinstance(error, RequestRefused):
            return False
        if isinstance(error, ProviderOutage | ProviderRefused):
            self._parked = self._parked or error
        elif isinstance(error, BudgetEnded) and not isinstance(error, RequestLimit):
            self._spent_under = self._limits
        else:
            return isinstance(error, Stopped)
        return True

    # -- after a crash -----------------------------------------------------------------------------------

    def _recover(self) -> None:
        """Take up what an earlier process left: adopt living jobs, read finished ones, plan lost ones again."""
        for run in self.board.runs(status="started"):
            if self._pipeline.resume(run):
                continue
            score = failure(self.parts, "infrastructure", "the process that ran it ended without a trace")
            self.board.end_run(run.id, score, 0.0)
            self._requeue(self.board.get(run.experiment), f"run {run.id} was lost")
        for experiment in self.board.list(State.IMPLEMENTED, State.RUNNING):
            if not self._pipeline.experiment_runs(experiment.id):
                self._settle(experiment)

    def _settle(self, experiment: Experiment) -> None:
        """Killed between storing a score and moving the experiment: move it by its score, else run it."""
        kind = "full" if experiment.state is State.RUNNING else "smoke"
        newest = self.board.attempts(experiment.id)[-1].id
        scored = [(run, run.score) for run in self.board.runs(experiment.id, status="ended")
                  if run.kind == kind and run.attempt == newest and run.score and run.score.label != "infrastructure"]
        if scored:
            self._move_by_score(experiment, *scored[-1])
        else:
            self._requeue(experiment, "the process ended before its run started")

    def _requeue(self, experiment: Experiment, reason: str) -> None:
        if experiment.state is State.RUNNING:
            self.board.move(experiment.id, State.QUEUED, by=ME, reason=reason)
