"""Phase 4: confirm the best on data no search has seen, then open the sealed test once for the champion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from alphalab_nb.dispatch.carry import Order, carry_through
from alphalab_nb.dispatch.court import Claim, Court
from alphalab_nb.dispatch.pipeline import artefact_of
from alphalab_nb.errors import BudgetEnded, PhaseFailed
from alphalab_nb.executors import Executor
from alphalab_nb.judge import paired_interval
from alphalab_nb.judge.pooling import pooled, pooled_like
from alphalab_nb.parts import Parts
from alphalab_nb.phases.baselines import score_baselines
from alphalab_nb.phases.choice import champions, choose_champion, contests, set_champions
from alphalab_nb.phases.gap import newest_score, optimism_gap
from alphalab_nb.phases.steps import Result, step
from alphalab_nb.storage.experiment import Run, RunKind, Score
from alphalab_nb.storage.leaderboard import Ranked, ranking
from alphalab_nb.storage.openings import Openings
from alphalab_nb.storage.snapshots import remove

CANDIDATES = 10
"""How many of the leaderboard's best are confirmed; few, because choosing among many on confirm would wear it out."""
CANDIDATES_OF_MANY = 2
"""The same for each contest where there are many of them: the leader and the best default, or who follows if that leads."""
LEADERS = 6
"""So many of them are the best of all; the others are the best of further families, for variants of one family stand and fall
together. The best family default is one in any case: a search must not end with less than it began with."""


@step("report")
def confirm_best(parts: Parts, executor: Executor) -> Result:
    """Score the leaderboard's best and the best family default on the confirm partition, and choose the champion, or that of each contest.

    The champion is the candidate with the best posterior by search and confirm together (`judge.champion`): either partition alone is
    a small sample, and whoever was picked for its search score is oversold by it. Whether it is proven is said beside it.

    Raises:
        BudgetEnded: no experiment has a full score.
        HarnessChanged: the harness is not what was frozen.
    """
    parts.evaluator.check()
    ranked = ranking(parts.board, parts.metric, parts.board.fact("harness"))
    if not ranked:
        raise BudgetEnded("no experiment reached a full score, so there is nothing to confirm; raise the limits and run again")
    held = contests(parts, ranked)
    nominated = {name: nominees(entries, CANDIDATES if len(held) == 1 else CANDIDATES_OF_MANY) for name, entries in held.items()}
    asked = [*(entry for entries in nominated.values() for entry in entries), *_references(parts, ranked)]
    chosen = list({entry.experiment.id: entry for entry in asked}.values())
    parts.partitions.open("confirm", by="phase report", reason=f"confirm {len(chosen)} candidates")
    scores = _score_stored(parts, executor, chosen, "confirm")
    usable = {id: value for id, value in scores.items() if value is not None}
    leading, worth = dict[str, int](), dict[int, Result]()
    for name, entries in nominated.items():
        candidates = [entry for entry in entries if entry.experiment.id in usable]
        if candidates:
            leading[name], found = choose_champion(parts.board, parts.metric, held[name], candidates, usable)
            worth |= found
    if not leading:
        raise PhaseFailed("no candidate could be scored on the confirm partition; see runs/*/score/stderr.log")
    set_champions(parts.board, leading)
    rows = [
        {"id": e.experiment.id, "name": e.experiment.name, "family": e.experiment.family, "stage": e.experiment.stage,
         "search": e.value, "confirm": scores[e.experiment.id], "expected": worth.get(e.experiment.id)} for e in chosen
    ]
    default = _best_default(ranked)
    return {"champion": next(iter(leading.values())), "default": default.experiment.id if default else None, "rows": rows}


@step("report")
def open_sealed(parts: Parts, executor: Executor) -> Result:
    """Open the sealed partition once: champions, their reference defaults and the baselines are scored in this one opening.

    With `refit`, programs are RUN again on everything before the sealed rows first; both numbers are kept. An opening that was
    interrupted is taken up again; a further one is opened only if it was asked for on the record.

    Raises:
        BadInput: the test was opened for another champion.
        PhaseFailed: no champion could be scored.
    """
    confirmed = parts.board.step("report", "confirm_best")
    assert confirmed is not None, "confirm_best comes first"
    leading, openings = champions(parts.board), Openings(parts.board)
    opening = openings.take(next(iter(leading.values())))
    if opening.state == "finished":
        return parts.board.fact("sealed")
    by_id = {e.experiment.id: e for e in ranking(parts.board, parts.metric, parts.board.fact("harness"))}
    entries = [by_id[id] for id in leading.values()]
    entries += [e for e in _references(parts, list(by_id.values())) if e.experiment.id not in leading.values()]
    refitted = _refit(parts, executor, entries) if parts.task.get("refit") else {}
    parts.partitions.open("sealed", by=opening.by, reason=opening.told, again=opening.number > 1)
    fixed = _sealed_scores(parts, executor, entries, {e.experiment.id: artefact_of(parts, _made(parts, e)) for e in entries})
    final = _sealed_scores(parts, executor, [e for e in entries if e.experiment.id in refitted], refitted) or fixed
    scored = {name: id for name, id in leading.items() if final[id].ok}
    if not scored:
        openings.fail(opening)
        failed = "; ".join(f"#{id}: {final[id].error}" for id in leading.values())
        raise PhaseFailed(f"the champion could not be scored on the sealed test: {failed}")
    confirm_values = {row["id"]: row["confirm"] for row in confirmed["result"]["rows"]}
    lead, court = next(iter(scored.values())), Court(parts)
    result = {
        "champion": lead,
        "score": pooled([final[id] for id in scored.values()]),
        "fixed_score": pooled([fixed[id] for id in scored.values()]),
        "refit": bool(refitted),
        "confirm": pooled_like(final[lead], [confirm_values[id] for id in scored.values()]),
        "search": pooled_like(final[lead], [by_id[id].value for id in scored.values()]),
        "baselines": dict(score_baselines(parts, "sealed").values),
        "reads": parts.partitions.reads("sealed"),
        "secondary": final[lead].secondary if "" in leading else {},
        "references": [_against(parts, entry, final, lead) for entry in entries if entry.experiment.id not in leading.values()],
    }
    if "" in leading:
        result["gap"] = optimism_gap(parts, lead, fixed[lead])
        result["claim"] = asdict(court.claim(lead, among=sum(value is not None for value in confirm_values.values())))
    else:
        families = {experiment.id: experiment.family for experiment in parts.board.list()}
        among = Counter(families[id] for id, value in confirm_values.items() if value is not None)
        claims = {name: court.claim(id, among=among[name]) for name, id in leading.items()}
        result["families"] = [_family(claims[name], by_id[id], final[id], confirm_values[id]) for name, id in leading.items()]
        result["attempted"] = len(set(families.values()))
    openings.finish(opening, result)
    return parts.board.fact("sealed")


def _family(claim: Claim, entry: Ranked, score: Score, confirm: float | None) -> Result:
    """Return what is known at the end of a family that solves a problem of its own."""
    champion = entry.experiment
    return {"family": champion.family, "champion": champion.id, "name": champion.name, "search": entry.value, "confirm": confirm,
            "score": score.value, "error": score.error, "secondary": score.secondary, "claim": asdict(claim)}


def _against(parts: Parts, entry: Ranked, scores: dict[int, Score], champion: int) -> Result:
    """Compare the champion with a reference on the paired units of the sealed test; negative is better."""
    score = scores[entry.experiment.id]
    row: Result = {"id": entry.experiment.id, "name": entry.experiment.name, "family": entry.experiment.family, "score": score.value}
    if score.ok and score.units:
        block = parts.rule.block(parts.task)
        interval = paired_interval(scores[champion].units, score.units, block=block, seed=parts.config.seed)
        row["loss_difference"] = {"mean": interval.mean, "low": interval.low, "high": interval.high, "n": interval.n}
    return row


def nominees(ranked: Sequence[Ranked], most: int = CANDIDATES) -> list[Ranked]:
    """Return who may become champion, by rank: the leaders, the best of further families, the best default, and the next if few."""
    leaders = ranked[: min(LEADERS, most - 1)]
    chosen, families = {entry.experiment.id for entry in leaders}, {entry.experiment.family for entry in leaders}
    for entry in ranked:
        if len(chosen) < most and entry.experiment.family not in families:
            families.add(entry.experiment.family)
            chosen.add(entry.experiment.id)
    default = _best_default(ranked)
    if default is not None:
        chosen.add(default.experiment.id)
    for entry in ranked:
        if len(chosen) < most:
            chosen.add(entry.experiment.id)
    return [entry for entry in ranked if entry.experiment.id in chosen]


def _best_default(ranked: Sequence[Ranked]) -> Ranked | None:
    return next((entry for entry in ranked if entry.experiment.stage == "defaults"), None)


def _references(parts: Parts, ranked: Sequence[Ranked]) -> list[Ranked]:
    """The best family default, and the default of the manifest's reference family: fixed before any sealed number is known.

    Where each family solves a problem of its own there is none: the baselines are what all are compared with.
    """
    if parts.adapter.manifest.compare_within == "family":
        return []
    named = next((e for e in ranked if e.experiment.stage == "defaults" and e.experiment.family == parts.adapter.manifest.reference), None)
    found = [entry for entry in (_best_default(ranked), named) if entry is not None]
    return list({entry.experiment.id: entry for entry in found}.values())


def _score_stored(parts: Parts, executor: Executor, entries: Sequence[Ranked], partition: str) -> dict[int, float | None]:
    """Score stored artefacts with the campaign's seed; what was scored so before, by the Judge, is not scored again."""
    held = {entry.experiment.id: newest_score(parts, entry.experiment.id, partition) for entry in entries}
    orders = [Order(run=_plan(parts, entry, "confirm", partition), artefact=artefact_of(parts, _made(parts, entry)))
              for entry in entries if held[entry.experiment.id] is None]
    fresh = {run.experiment: score for run, score in carry_through(parts, executor, orders)}
    scores = {id: fresh.get(id) or score for id, score in held.items()}
    return {id: score.value if score is not None and score.ok else None for id, score in scores.items()}


def _sealed_scores(parts: Parts, executor: Executor, entries: Sequence[Ranked], artefacts: dict[int, Path]) -> dict[int, Score]:
    orders = [Order(run=_plan(parts, entry, "sealed", "sealed"), artefact=artefacts[entry.experiment.id]) for entry in entries]
    return {run.experiment: score for run, score in carry_through(parts, executor, orders)}


def _refit(parts: Parts, executor: Executor, entries: Sequence[Ranked]) -> dict[int, Path]:
    """RUN each program again on explore + search + confirm, without a score: nothing is left there to judge it on."""
    data = parts.workspace.root / "vault" / "refit"
    if data.exists():
        remove(data)
    parts.partitions.merged(("explore", "search", "confirm"), data)
    orders = [Order(run=_plan(parts, entry, "verify", "sealed"), data=data) for entry in entries]
    scores = carry_through(parts, executor, orders, score=False)
    remove(data)
    failed = [f"#{run.experiment}: {score.label} {score.error[-300:]}" for run, score in scores if not score.ok]
    if failed:
        raise PhaseFailed("a program could not be fitted again on everything before the sealed rows: " + "; ".join(failed))
    return {run.experiment: parts.workspace.run(run.id) / "out" / "artefact" for run, _ in scores}


def _plan(parts: Parts, entry: Ranked, kind: RunKind, partition: str) -> Run:
    attempt = parts.board.attempt(entry.runs[-1].attempt)
    return parts.board.plan_run(attempt, kind=kind, partition=partition, seed=parts.config.seed, fidelity="full")


def _made(parts: Parts, entry: Ranked) -> Run:
    """Return the run whose artefact is judged: that of the campaign's seed, which all who are compared have in common."""
    return next((run for run in entry.runs if run.seed == parts.config.seed), entry.runs[0])
