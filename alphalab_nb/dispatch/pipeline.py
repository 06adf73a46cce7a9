"""Carry one Run through its two steps on an executor: RUN (the experiment, sandboxed), then SCORE (the frozen harness).

The end of a job starts the next step from the executor's own thread, so no tick lies between them. Knows nothing of strategy,
states or budgets.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from alphalab_nb.errors import HarnessChanged
from alphalab_nb.executors import Command, Executor, Exit, Job, Limits
from alphalab_nb.judge.leaders import RUN_CPU
from alphalab_nb.parts import Parts
from alphalab_nb.storage.experiment import Label, Run, Score
from alphalab_nb.storage.snapshots import remove


@dataclass
class _Active:
    run: Run
    job: Job | None
    started: float
    score: Score | None = None
    wants_score: bool = True
    adopted: bool = False
    """Whether an earlier process started it: then what counts is the time that its jobs took, whoever watched."""
    jobs_s: float = 0.0
    run_cpu_s: float | None = None
    """CPU seconds of RUN; None: not made by this run, or not known."""


class Pipeline:
    """Runs of one campaign on one executor; `on_done(run id)` is called from a watcher thread when a Run has its score."""

    def __init__(self, parts: Parts, executor: Executor, on_done: Callable[[int], None]) -> None:
        self._parts, self._executor, self._on_done = parts, executor, on_done
        self._active: dict[int, _Active] = {}
        self._lock = threading.Lock()

    @property
    def active(self) -> list[int]:
        """Ids of the runs that occupy a slot."""
        with self._lock:
            return list(self._active)

    def experiment_runs(self, experiment: int) -> list[int]:
        with self._lock:
            return [id for id, entry in self._active.items() if entry.run.experiment == experiment]

    def start(self, run: Run, *, data: Path | None = None, artefact: Path | None = None, code: Path | None = None,
              score: bool = True, stretch: float = 1.0) -> None:
        """Begin a run: RUN on `data` (default: explore), or SCORE at once if an artefact is given or the domain has no RUN.

        `code` is a copy of the attempt's program. With `score=False` the run ends with its artefact and no value: a refit has
        nothing left to be judged on. RUN is given `stretch` times its budget and its time limit.
        """
        self._parts.board.start_run(run.id)
        without_run = artefact is None and not self._parts.adapter.manifest.run
        self._enter(run, wants_score=score, run_cpu_s=0.0 if without_run else None)
        if without_run:
            artefact = artefact_of(self._parts, run)
        if artefact is not None:
            self._score(run, artefact)
        else:
            self._run(run, data or self._parts.workspace.explore_data, code or snapshot_of(self._parts, run), stretch)

    def resume(self, run: Run) -> bool:
        """Take up a run that an earlier process started; False if it is lost and has to be planned again."""
        folder = self._parts.workspace.run(run.id)
        for step in ("score", "run"):
            job = self._executor.attach(folder / step) if (folder / step).is_dir() else None
            if job is not None:
                before = self._executor.attach(folder / "run") if step == "score" and (folder / "run").is_dir() else None
                made = before.result(None) if before is not None else None
                self._enter(run, adopted=True, jobs_s=made.wall_s if made else 0.0, run_cpu_s=made.cpu_s if made else None)
                self._watch(run, job, step)
                return True
        return False

    def cancel(self, run: int) -> None:
        with self._lock:
            entry = self._active.get(run)
        if entry is not None and entry.job is not None:
            entry.job.cancel()

    def collect(self, run: int) -> tuple[Score, float]:
        """Return what a done run was scored, and the wall seconds it took of its slot."""
        with self._lock:
            entry = self._active.pop(run)
        assert entry.score is not None
        return entry.score, round(entry.jobs_s if entry.adopted else time.monotonic() - entry.started, 3)

    # -- steps -------------------------------------------------------------------------------------------

    def _enter(self, run: Run, **known: Any) -> None:
        with self._lock:
            self._active[run.id] = _Active(run, None, time.monotonic(), **known)

    def _run(self, run: Run, data: Path, code: Path, stretch: float) -> None:
        self._watch(run, self._executor.submit(self._run_command(run, data, code, stretch)), "run")

    def _score(self, run: Run, artefact: Path) -> None:
        try:
            self._parts.evaluator.check()
        except HarnessChanged as error:
            self._finish(run, failure(self._parts, "infrastructure", str(error)))
            return
        self._watch(run, self._executor.submit(self._score_command(run, artefact)), "score")

    def _watch(self, run: Run, job: Job, step: str) -> None:
        with self._lock:
            self._active[run.id].job = job
        job.add_done_callback(lambda done: self._ended(run, done, step))

    def _ended(self, run: Run, job: Job, step: str) -> None:
        end = job.result(None)
        self._active[run.id].jobs_s += end.wall_s
        folder = self._parts.workspace.run(run.id)
        if step == "score":
            self._finish(run, self._read_score(run, folder / "score", end))
        elif end.label != "ok":
            self._finish(run, failure(self._parts, _label(end), tail(folder / "run" / "stderr.log"), end))
        elif not any((folder / "out" / "artefact").glob("*")):
            self._finish(run, failure(self._parts, "crash", "run.py ended without writing DIR/artefact/", end))
        elif self._active[run.id].wants_score:
            self._active[run.id].run_cpu_s = end.cpu_s
            self._score(run, folder / "out" / "artefact")
        else:
            self._finish(run, Score(ok=True, label="ok", metric=self._parts.metric.name, value=None, harness=self._parts.evaluator.version))

    def _read_score(self, run: Run, folder: Path, end: Exit) -> Score:
        try:
            self._parts.evaluator.check()
        except HarnessChanged as error:
            return failure(self._parts, "infrastructure", str(error))
        return self._parts.evaluator.read(folder, end)

    def _finish(self, run: Run, score: Score) -> None:
        with self._lock:
            entry = self._active[run.id]
            spent = {} if entry.run_cpu_s is None else {RUN_CPU: entry.run_cpu_s}
            entry.score = replace(score, resources={**score.resources, **spent})
        self._on_done(run.id)

    # -- commands ----------------------------------------------------------------------------------------

    def _run_command(self, run: Run, data: Path, code: Path, stretch: float) -> Command:
        folder = self._parts.workspace.run(run.id)
        out = folder / "out"
        if out.exists():
            remove(out)
        out.mkdir(parents=True)
        budget = self._parts.adapter.manifest.fidelities[run.fidelity].budget_s
        if run.fidelity == "full":
            budget = self._parts.config.executor.budget_s
        argv = [sys.executable, "run.py", "--out", str(out), "--seed", str(run.seed), "--fidelity", run.fidelity,
                "--budget-s", f"{stretch * budget:g}"]
        environment = {"ALPHALAB_DATA": str(data), "ALPHALAB_TASK": json.dumps(self._parts.task)}
        argv, environment = self._parts.sandbox.command(argv, cwd=code, read_only=[code, data], read_write=[out], env=environment)
        limits = replace(self._limits(), wall_s=stretch * self._limits().wall_s)
        return Command(argv=tuple(argv), cwd=code, env=environment, limits=limits, folder=folder / "run", name=f"run-{run.id}")

    def _score_command(self, run: Run, artefact: Path) -> Command:
        workspace = self._parts.workspace
        child, child_env = self._parts.sandbox.command(
            [sys.executable], cwd=artefact, read_only=[artefact, workspace.harness], read_write=[], env={"PYTHONPATH": "{harness}"}
        )
        return self._parts.evaluator.score_command(
            artefact=artefact, partition=run.partition, seed=run.seed, fidelity=run.fidelity, folder=workspace.run(run.id) / "score",
            limits=self._limits(), child=child, child_env=child_env,
        )

    def _limits(self) -> Limits:
        executor = self._parts.config.executor
        return Limits(wall_s=executor.wall_s, memory_mib=executor.memory_gib * 1024, pids=executor.pids, output_mib=executor.output_mib)


def snapshot_of(parts: Parts, run: Run) -> Path:
    """Return the code of the attempt that a run is of."""
    return parts.workspace.attempt(run.experiment, parts.board.attempt(run.attempt).number)


def artefact_of(parts: Parts, run: Run) -> Path:
    """Return what SCORE judges: what RUN left behind, or the attempt itself in a domain without RUN (points, sources)."""
    return parts.workspace.run(run.id) / "out" / "artefact" if parts.adapter.manifest.run else snapshot_of(parts, run)


def failure(parts: Parts, label: Label, error: str, end: Exit | None = None) -> Score:
    """Return the score of a run that did not get as far as being measured."""
    resources = {"wall_s": end.wall_s, "cpu_s": end.cpu_s, "peak_mib": end.peak_mib} if end else {}
    return Score(ok=False, label=label, metric=parts.metric.name, value=None, resources=resources, error=error[-4000:],
                 harness=parts.evaluator.version)


def _label(end: Exit) -> Label:
    return "infrastructure" if end.label in ("cancelled", "infrastructure") else end.label


def tail(path: Path, size: int = 2000) -> str:
    """Return the last characters of a log."""
    return path.read_bytes()[-size:].decode(errors="replace") if path.is_file() else ""
