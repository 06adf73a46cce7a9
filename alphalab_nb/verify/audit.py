"""Check the record of a whole campaign without running a program: hashes, moves, scores, accounts, openings."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from alphalab_nb.dispatch.carry import Order, carry_through
from alphalab_nb.dispatch.pipeline import artefact_of
from alphalab_nb.errors import BadInput
from alphalab_nb.executors import Executor
from alphalab_nb.parts import Parts
from alphalab_nb.process import FileLock
from alphalab_nb.storage.experiment import TRANSITIONS, Run, State
from alphalab_nb.storage.harnesses import retired
from alphalab_nb.storage.openings import Openings
from alphalab_nb.verify.ground import data_line, harness_lines
from alphalab_nb.verify.lines import Line, Lines, Verdict, equal
from alphalab_nb.verify.replay import plan_again, rescored_lines, score_of, unit_lines

BEGINNINGS = ("proposed", "to_implement")
"""States in which an experiment comes onto the board."""


def audit(parts: Parts, executor: Executor) -> Verdict:
    """Compare everything on record with everything that it can be computed from; stored artefacts are scored again and charged.

    Raises:
        BadInput: the harness is not frozen yet, so that there is nothing to compare with.
        WorkspaceError: the experiments of this campaign are running.
    """
    if parts.board.fact("harness") is None:
        raise BadInput("this campaign has no frozen harness yet, so there is nothing to verify; run phase build first")
    with FileLock(parts.workspace.lock):  # a record that grows while it is read contradicts itself
        ground = [*harness_lines(parts), data_line(parts)]
        scored = [run for run in map(parts.board.run, _ended(parts)) if run.score is not None and run.score.ok]
        lines = Lines([*ground, *move_lines(parts), *_score_lines(parts, scored), *_account_lines(parts), *_opening_lines(parts, scored)])
        if all(line.holds for line in ground):
            lines += _rescored(parts, executor, scored)
    return Verdict(f"campaign {parts.config.name}", tuple(lines))


def _ended(parts: Parts) -> list[int]:
    return [run.id for run in parts.board.runs(status="ended")]


# -- moves ---------------------------------------------------------------------------------------------------


def move_lines(parts: Parts) -> list[Line]:
    """Replay every move by the table of the lifecycle; the states must be where the moves lead."""
    at: dict[int, str] = {}
    faults, moves = list[Line](), _query(parts, "moves")
    for count, (experiment, source, target) in enumerate(moves, start=1):
        before = at.get(experiment)
        if source != before or not _legal(before, target):
            faults.append(Line(f"move {count}, of #{experiment}", before or "not on the board", f"{source} to {target}", holds=False,
                               why="the lifecycle has no such move"))
        at[experiment] = target
    for id, state in _query(parts, "states"):
        if at.get(id) != state:
            faults.append(Line(f"state of #{id}", at.get(id, "no move"), state, holds=False, why="no move leads there"))
    fine = f"{len(moves)} legal"
    return faults or [equal("moves", fine, fine, why=f"they lead to the states of {len(at)} experiments")]


def _legal(source: str | None, target: str) -> bool:
    if source is None:
        return target in BEGINNINGS
    return source in list(State) and target in TRANSITIONS[State(source)]


# -- scores --------------------------------------------------------------------------------------------------


def _score_lines(parts: Parts, scored: list[Run]) -> list[Line]:
    """Look at every score by itself: which harness made it, and whether it follows from its losses."""
    harness, until = parts.evaluator.version, {each.version: each.retired for each in retired(parts.board)}
    strange = [f"run {run.id}: {score_of(run).harness or 'none'}" for run in scored
               if score_of(run).harness != harness and not run.ended <= until.get(score_of(run).harness, "")]
    earlier = sum(score_of(run).harness != harness for run in scored)
    fine = f"{len(scored) - earlier} scores by {harness}" + (f", {earlier} by versions before it was frozen" if earlier else "")
    pooled = [line for run in scored for line in unit_lines(run)]
    return [
        equal("harness of every score", fine, _or(fine, strange)),
        *_condensed(f"scores, from the recorded losses of {len(pooled)} of {len(scored)} runs", pooled),
    ]


def _rescored(parts: Parts, executor: Executor, scored: list[Run]) -> list[Line]:
    """Score again what still has its artefact, of the full runs on search; confirm and sealed are not opened for it."""
    full = [run for run in scored if run.partition == "search" and run.fidelity == "full" and run.kind != "verify"]
    stored = [(run, artefact_of(parts, run)) for run in full if score_of(run).harness == parts.evaluator.version]
    there = [(run, artefact) for run, artefact in stored if artefact.is_dir()]
    scores = carry_through(parts, executor, [Order(run=plan_again(parts, run), artefact=artefact) for run, artefact in there])
    again = [line for (run, _), (_, score) in zip(there, scores) for line in rescored_lines(run, score)]
    return _condensed(f"scores, from {len(there)} of {len(stored)} artefacts that are still there", again)


def _condensed(what: str, lines: list[Line]) -> list[Line]:
    """One line for all that hold, and one for each that does not."""
    faults = [line for line in lines if not line.holds]
    return faults or [equal(what, f"{len(lines)} compared", f"{len(lines)} compared")]


# -- accounts ------------------------------------------------------------------------------------------------


def _account_lines(parts: Parts) -> list[Line]:
    """Compare the ledger with the conversations and the runs it is charged with, and its sums with one another."""
    total, by = parts.ledger.total(), parts.ledger.by("phase", "role", "experiment")
    dollars, tokens = round(sum(row["usd"] for row in by), 9), sum(row["input_tokens"] + row["output_tokens"] for row in by)
    compute = sum(run.seconds for run in parts.board.runs())
    return [
        equal("responses of language models without a charge", 0, int(_query(parts, "uncharged")[0][0])),
        equal("charges below zero", 0, int(_query(parts, "negative")[0][0])),
        equal("runs that ended without time or score", 0, int(_query(parts, "unended")[0][0])),
        equal("dollars, in all and by phase, role and experiment", round(total.usd, 9), dollars),
        equal("tokens, in all and by phase, role and experiment", total.input_tokens + total.output_tokens, tokens),
        equal("seconds of compute, in all and by run", round(total.compute_s, 3), round(compute, 3)),
    ]


def _opening_lines(parts: Parts, scored: list[Run]) -> list[Line]:
    """Compare the counted readings of confirm and sealed with what was scored on them and what the board says."""
    counts = {name: parts.partitions.reads(name) for name in ("confirm", "sealed")}
    lines: list[Line] = []
    for name, reads in counts.items():
        scores = sum(run.partition == name and run.kind != "verify" for run in scored)
        lines.append(Line(f"openings of {name}", f"{scores} scores", f"{reads} openings", _opened(parts, name) or not scores,
                          "every score on it needs an opening; that of phase build was for the baselines"))
    refits = sum(run.partition == "sealed" and run.kind == "verify" for run in scored)
    if refits:
        opened = sum(read.partition == "confirm" and read.by == "refit" for read in parts.partitions.history())
        lines.append(Line("openings of confirm, to fit again", f"{refits} programs", f"{opened} openings", opened > 0,
                          "what is fitted again has seen confirm"))
    sealed, openings = parts.board.fact("sealed"), Openings(parts.board).list()
    if sealed is not None and openings[-1].state == "finished":
        lines.append(equal("openings of sealed, as the result says", sealed["reads"], counts["sealed"]))
    recorded = {(opening.by, opening.told) for opening in openings}
    strange = [f"{by}: {reason}" for by, reason in parts.partitions.openings("sealed") if (by, reason) not in recorded]
    return [*lines, equal("openings of sealed that are not on record", "none", _or("none", strange))]


def _opened(parts: Parts, partition: str) -> bool:
    """Whether anybody has opened a partition for experiments."""
    return any(read.partition == partition and read.by != "phase build" for read in parts.partitions.history())


def _or(fine: str, faults: list[str]) -> str:
    return "; ".join(faults[:5]) if faults else fine


def _query(parts: Parts, name: str) -> list[tuple[Any, ...]]:
    text = (files("alphalab_nb.verify") / "audit.sql").read_text(encoding="utf-8")
    queries = dict(part.strip().split("\n", 1) for part in text.split("-- name: ")[1:])
    return [tuple(row) for row in parts.board.database.connection().execute(queries[name]).fetchall()]
