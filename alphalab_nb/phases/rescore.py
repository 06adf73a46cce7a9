"""Score the history again with a changed harness: freeze it as a new version, certify the baselines, judge every stored artefact anew.

Scores of different versions never rank together, so that a person who mends a harness in the middle of a campaign would begin again
without this. What the earlier version measured stays on record. Everything here goes on where it was interrupted.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from pathlib import Path

from alphalab_nb.dispatch.carry import Order, carry_through, taken_up
from alphalab_nb.dispatch.pipeline import artefact_of
from alphalab_nb.errors import BadInput, HarnessChanged
from alphalab_nb.executors import Executor
from alphalab_nb.parts import Parts
from alphalab_nb.phases.build import certify_baselines
from alphalab_nb.phases.cheats import plant_cheats
from alphalab_nb.phases.steps import Result
from alphalab_nb.process import FileLock
from alphalab_nb.storage.experiment import Run, Score
from alphalab_nb.storage.harnesses import retire, retired
from alphalab_nb.storage.leaderboard import ASIDE, version_of
from alphalab_nb.storage.snapshots import remove


def rescore(parts: Parts, executor: Executor, *, change: bool, by: str) -> Result:
    """Bring every full search score to the present version of the harness; each is a Run of its own, and charged.

    Only the newest program of an experiment is scored again, once for each seed; nothing is run. Confirm scores are not renewed:
    the Judge and phase 4 measure anew what they compare.

    Args:
        change: a harness that is not what was frozen becomes a new version; without this it is refused.

    Raises:
        BadInput: nothing is frozen yet, or the harness was changed and `change` is not given.
        PhaseFailed: a planted cheat gets past the changed harness, or its baselines cannot be certified.
        WorkspaceError: this campaign is running.
    """
    if parts.board.fact("harness") is None:
        raise BadInput("this campaign has no frozen harness yet, so there is nothing to score again; run phase build first")
    with FileLock(parts.workspace.lock):
        _renew(parts, change=change, by=by)
        sources = _sources(parts)
        there = [run for run in sources if artefact_of(parts, run).is_dir()]
        scores = carry_through(parts, executor, [_order(parts, run) for run in there])
    failed = [{"id": run.experiment, "label": score.label, "error": score.error[-300:]} for run, score in scores if not score.ok]
    missing = sorted({run.experiment for run in sources} - {run.experiment for run in there})
    return {"harness": parts.evaluator.version, "retired": [each.version for each in retired(parts.board)],
            "scored": len(scores) - len(failed), "failed": failed, "missing": missing}


# -- the new version -----------------------------------------------------------------------------------------


def _renew(parts: Parts, *, change: bool, by: str) -> None:
    """Attack, freeze and certify a changed harness, as phase 2 did; what is done already is not done again."""
    difference = _difference(parts)
    if difference:
        if not change:
            raise BadInput(f"{difference.split(':', 1)[0]}. Restore it, or let `alphalab-nb rescore --yes` attack and freeze it as a new "
                           "version, certify the baselines with it and score the history again")
        _again(parts, "plant_cheats")
        plant_cheats(parts)
        retire(parts.board, _record(parts), by=by)
        parts.evaluator.freeze()
    version = parts.evaluator.version
    if parts.board.fact("harness") != version:
        parts.board.set_fact("harness", version)
        parts.board.event("harness", f"{version} replaces {retired(parts.board)[-1].version}", role=by)
    certificate = parts.board.fact("certificate") or {}
    if certificate.get("harness") != version or certificate.get("faults"):
        _again(parts, "certify_baselines")
        certify_baselines(parts)


def _difference(parts: Parts) -> str:
    """Return by what the harness differs from what was frozen; empty if it does not."""
    try:
        parts.evaluator.check()
    except HarnessChanged as error:
        return str(error)
    return ""


def _again(parts: Parts, step: str) -> None:
    parts.board.set_step("build", step, "started")


def _record(parts: Parts) -> dict[str, object]:
    return json.loads((parts.workspace.build / "harness.json").read_text(encoding="utf-8"))


# -- the history ---------------------------------------------------------------------------------------------


def _sources(parts: Parts) -> list[Run]:
    """Return the runs whose artefacts the present version has not judged: of each experiment's newest scored program, one a seed."""
    version, runs = parts.evaluator.version, parts.board.runs(status="ended")
    full = [run for run in runs if run.fidelity == "full" and run.partition == "search" and run.kind not in ASIDE]
    judged = {(run.attempt, run.seed) for run in full if version_of(run) == version and not _lost(run.score)}
    older = [run for run in full if run.kind != "rescore" and run.score is not None and run.score.ok]
    newest = {run.experiment: run.attempt for run in older}
    wanted = {(run.attempt, run.seed): run for run in reversed(older) if newest[run.experiment] == run.attempt}
    return sorted((run for key, run in wanted.items() if key not in judged), key=lambda run: run.id)


def _lost(score: Score | None) -> bool:
    """Whether the machine failed, not the program: then it is scored once more."""
    return score is None or score.label == "infrastructure"


def _order(parts: Parts, source: Run) -> Order:
    run = taken_up(parts, source, "rescore")
    artefact = artefact_of(parts, run)
    if parts.adapter.manifest.run:
        _copy(artefact_of(parts, source), artefact)
    return Order(run=run, artefact=artefact)


def _copy(source: Path, target: Path) -> None:
    """Give a run its own artefact, by links: what verifies it later finds it where every run has it."""
    if target.exists():
        remove(target)
    shutil.copytree(source, target, copy_function=_link, symlinks=True)


def _link(source: str, target: str) -> None:
    with contextlib.suppress(OSError):
        os.link(source, target)
        return
    shutil.copy2(source, target)
