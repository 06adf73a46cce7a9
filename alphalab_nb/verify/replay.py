"""Run a program again from its clean copy and score it again; score its stored artefacts again."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

from alphalab_nb.dispatch.carry import Order, carry_through
from alphalab_nb.dispatch.pipeline import artefact_of
from alphalab_nb.executors import Executor
from alphalab_nb.parts import Parts
from alphalab_nb.process import FileLock
from alphalab_nb.storage.experiment import Run, Score
from alphalab_nb.verify.claim import Claim, score_of
from alphalab_nb.verify.lines import Line, Lines, equal
from alphalab_nb.verify.noise import band_of, pooled

SAME = 1e-9
"""Relative difference up to which two readings of one artefact are one number: sums in another order, no more."""


def replay(parts: Parts, executor: Executor, claim: Claim) -> Lines:
    """Run and score the clean copy, score every stored artefact, and compare with the record. Each is a charged Run of kind verify.

    Raises:
        WorkspaceError: the experiments of this campaign are running.
    """
    stored = {run.id: artefact_of(parts, run) for run in claim.runs}
    repeatable = parts.adapter.manifest.repeatable  # else scoring the stored artefact again says no more than scoring the clean copy
    again = [(run, stored[run.id]) for run in claim.runs if stored[run.id].is_dir() and repeatable]
    orders = [Order(run=plan_again(parts, run), artefact=artefact) for run, artefact in again]
    with FileLock(parts.workspace.lock):  # the loop of phase 3 would take our runs for its own
        if claim.copy.is_dir():
            orders = [_rebuild(parts, claim), *orders]
        scores = [score for _, score in carry_through(parts, executor, orders)]
        rebuilt = [_rebuilt_line(parts, executor, claim, scores.pop(0))] if claim.copy.is_dir() else []
    lines = Lines([*rebuilt, *(line for run in claim.runs for line in unit_lines(run))])
    for run in claim.runs:
        lines += [] if stored[run.id].is_dir() else [_missing(parts, run, stored[run.id])]
    for (run, _), score in zip(again, scores):
        lines += rescored_lines(run, score)
    return lines


def plan_again(parts: Parts, run: Run) -> Run:
    """Put a verification of a run on the board: the same attempt, seed and fidelity, on search."""
    attempt = parts.board.attempt(run.attempt)
    return parts.board.plan_run(attempt, kind="verify", partition="search", seed=run.seed, fidelity=run.fidelity)


def _rebuild(parts: Parts, claim: Claim) -> Order:
    run = plan_again(parts, claim.runs[-1])
    return Order(run=run, code=claim.copy) if parts.adapter.manifest.run else Order(run=run, artefact=claim.copy)


def _rebuilt_line(parts: Parts, executor: Executor, claim: Claim, score: Score) -> Line:
    """Compare the score of the rebuilt program with those on record. A time outside is measured once more.

    Of a hundred honest times one is outside, and a campaign of many contests has many champions; what is wrong is so at another time, too.
    """
    line = _compared(parts, claim, score)
    if line.holds or not score.ok or parts.adapter.manifest.repeatable:
        return line
    [(_, again)] = carry_through(parts, executor, [_rebuild(parts, claim)])
    second = _compared(parts, claim, again)
    return replace(second, why=f"{second.why}; measured twice, {line.found} at first")


def _compared(parts: Parts, claim: Claim, score: Score) -> Line:
    """Compare one score of the rebuilt program with the record."""
    run, what = claim.runs[-1], "score of the program, run again from the clean copy"
    recorded = score_of(run).value
    if not score.ok or score.value is None or recorded is None:
        return _failed(what, recorded, score)
    band = band_of(parts, claim)
    return Line(what, recorded, score.value, band.holds(score.value), band.basis)


def rescored_lines(run: Run, score: Score) -> list[Line]:
    """Compare what a stored artefact scores now with what is on record, as a whole and unit by unit."""
    before, what = score_of(run), f"score of run {run.id}, from its stored artefact"
    if not score.ok or score.value is None or before.value is None:
        return [_failed(what, before.value, score)]
    exact = score.value == before.value
    why = "bit for bit" if exact else f"differs by {score.value - before.value:.3g}"
    return [
        Line(what, before.value, score.value, exact or math.isclose(score.value, before.value, rel_tol=SAME), why),
        equal(f"losses of run {run.id}, unit by unit", f"{len(before.units)} units", _units_found(before, score)),
    ]


def unit_lines(run: Run) -> list[Line]:
    """Compare a recorded value with the one that its recorded losses give; nothing where the pooling is the harness's own."""
    score = score_of(run)
    value = pooled(score)
    if value is None or score.value is None:
        return []
    same = math.isclose(value, score.value, rel_tol=SAME)
    return [Line(f"score of run {run.id}, from its recorded losses", score.value, value, same, "pooled anew")]


def _units_found(before: Score, now: Score) -> str:
    was, found = dict(before.units), dict(now.units)
    if was.keys() != found.keys():
        return f"{len(found)} units, {len(was.keys() ^ found.keys())} of them not the same"
    off = [name for name, value in was.items() if not math.isclose(value, found[name], rel_tol=SAME, abs_tol=1e-300)]
    return f"{len(off)} of {len(was)} units differ, the first is {off[0]}" if off else f"{len(found)} units"


def _missing(parts: Parts, run: Run, artefact: Path) -> Line:
    return equal(f"artefact of run {run.id}", artefact.relative_to(parts.workspace.root).as_posix(), "missing")


def _failed(what: str, recorded: float | None, score: Score) -> Line:
    """The machine's failure is nobody's fault; the verdict is FAULT all the same, for nothing was proved."""
    last = score.error.strip().rsplit("\n", 1)[-1][:300]
    return Line(what, recorded, score.label, holds=False, why=last, shared=score.label == "infrastructure")
