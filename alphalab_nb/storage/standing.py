"""How far each lesson of the playbook stands, by rules over what was measured; what its author says of it does not count.

The gain of an experiment is its relative improvement over a reference: over its parent if the lesson cites both (the parent is then
no evidence of its own), else over the best baseline, else over its parent. Beyond the noise band it speaks for a lesson or against it.
A child that is worse than what it refines says nothing against a lesson that never spoke of its parent.

What comes later speaks, too. `works` and `insight` rest on what follows them: an experiment that cites the entry and does clearly worse,
or fails, is against it. `fails` and `avoid` speak of a family if all their evidence is of one family, none of it beside its parent, and
nothing of that family had done clearly better before: then a later experiment of the family that does clearly better is against them.
Each one against halves the weight; two, if no fewer than what speaks for it, retire the entry. Entries of people are only weighed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from alphalab_nb.errors import ToolError
from alphalab_nb.metric import Metric
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.experiment import Experiment, State
from alphalab_nb.storage.leaderboard import full_runs, values_of
from alphalab_nb.storage.playbook import Entry, Kind, Playbook, Standing

REVIEWER = "review"
"""Who retires what the board contradicts."""
TWICE = 2
"""Failures that `avoid` needs, runs that a firm entry rests on, experiments against an entry that retire it."""
_LOST = 1.0
"""Impact of evidence that gave no score: all of an experiment."""
_ENDED = (State.FINISHED, State.ANALYZED, State.DONE)
_CITED = re.compile(r"\bplaybook\s+(?:entr(?:y|ies)\s+)?((?:[\[#]*\d+\]?(?:\s*,\s*|\s+and\s+)?)+)", re.IGNORECASE)


@dataclass(frozen=True)
class Result:
    """What has come of one experiment."""

    id: int
    family: str
    parent: int | None
    value: float | None
    """Mean full search score; None if it has none that may rank."""
    runs: int
    """Full runs that were scored; one for a failure."""
    failed: bool
    """Given up for a fault of its own; a machine that failed says nothing of an idea."""
    ended: str
    """UTC ISO time of its last run."""


@dataclass(frozen=True)
class Scale:
    """What effects are measured by."""

    metric: Metric
    baseline: float | None
    """Score of the best baseline on search."""
    band: float | None
    """Relative difference of two scores that noise alone makes, as a fraction; None while nobody knows."""


def cited(text: str) -> set[int]:
    """Return the playbook entries that a text cites: `playbook 3`, `playbook entries 3, 5`."""
    return {int(number) for found in _CITED.findall(text) for number in re.findall(r"\d+", found)}


def users(entry: int, since: str, experiments: Sequence[Experiment]) -> list[Experiment]:
    """Return the experiments proposed after a time that cite an entry."""
    return [e for e in experiments if e.created >= since and entry in cited(f"{e.hypothesis} {e.brief}")]


def results(board: Board) -> dict[int, Result]:
    """Return what has come of every experiment that has ended, by id: scores of the present harness, none of the quarantined."""
    return {e.id: _result(board, e, board.fact("harness")) for e in board.list(*_ENDED)}


def _result(board: Board, experiment: Experiment, harness: str | None) -> Result:
    runs = [] if experiment.quarantined else full_runs(board, experiment.id, harness)
    values = values_of(runs)
    failed = experiment.outcome == "failed" and not experiment.error.startswith("infrastructure") and not values
    return Result(
        experiment.id, experiment.family, experiment.parent, sum(values) / len(values) if values else None, len(values) or int(failed),
        failed, max((run.ended for run in runs), default=experiment.moved),
    )


def scale_of(board: Board, metric: Metric, band: float | None) -> Scale:
    """Return what effects on this board are measured by."""
    known = [value for value in ((board.fact("baselines") or {}).get("search") or {}).values() if value is not None]
    return Scale(metric, metric.ranked(known, float)[0] if known else None, band)


@dataclass(frozen=True)
class _Case:
    """One entry beside what is known."""

    entry: Entry
    known: Mapping[int, Result]
    scale: Scale

    def own(self) -> list[Result]:
        """Return its evidence, without experiments that stand there as the parent of another only."""
        cited = [self.known[id] for id in self.entry.evidence if id in self.known]
        parents = {one.parent for one in cited}
        return [one for one in cited if one.id not in parents]

    def paired(self) -> bool:
        """Whether it tells what a change did to a parent, not what an experiment is worth beside the baseline."""
        return any(one.parent in self.entry.evidence for one in self.own())

    def gain(self, one: Result) -> float | None:
        """Return the relative improvement of a result over its reference as a fraction."""
        if one.value is None:
            return None
        parent = self.known.get(one.parent or 0)
        beside = parent.value if parent is not None else None
        paired = one.parent in self.entry.evidence and (one.id in self.entry.evidence or self.paired())
        first, second = (beside, self.scale.baseline) if paired else (self.scale.baseline, beside)
        reference = first if first is not None else second
        return None if reference is None else self.scale.metric.improvement(one.value, reference)

    def side(self, one: Result) -> int:
        """Return 1 for clearly better, -1 for clearly worse or failed, 0 for what nobody can tell from noise."""
        gain, band = self.gain(one), self.scale.band or 0.0
        if gain is None:
            return -1 if one.failed else 0
        return 1 if gain > band else -1 if gain < -band else 0

    def later(self, since: str, uses: Sequence[int]) -> list[Result]:
        """Return what has ended since and says something of the entry."""
        fresh = [one for one in self.known.values() if one.ended >= since and one.id not in self.entry.evidence]
        if self.entry.kind in ("works", "insight"):
            return [one for one in fresh if one.id in uses]
        family = self.speaks_of(since)
        return [one for one in fresh if one.family == family]

    def speaks_of(self, since: str) -> str | None:
        """Return the family that `fails` or `avoid` speaks of as a whole; None if it speaks of less, or of more."""
        families = {one.family for one in self.own()}
        before = [one for one in self.known.values() if one.family in families and one.ended < since]
        return None if len(families) != 1 or self.paired() or any(self.side(one) > 0 for one in before) else families.pop()


def weighed(entry: Entry, since: str, uses: Sequence[int], known: Mapping[int, Result], scale: Scale) -> Standing:
    """Return how far an entry stands.

    Args:
        since: UTC ISO time from which on its evidence has been what it is.
        uses: ids of the experiments proposed after it that cite it.
    """
    case = _Case(entry, known, scale)
    own = case.own()
    wanted = -1 if entry.kind in ("fails", "avoid") else 1
    sides = {one.id: case.side(one) for one in own}
    if entry.kind == "insight":  # an effect either way is what it tells of
        sides = {id: abs(side) for id, side in sides.items()}
    sides |= {one.id: case.side(one) for one in case.later(since, uses)}
    backing, against = ([id for id, side in sides.items() if side == way] for way in (wanted, -wanted))
    gains = [gain for one in own if (gain := case.gain(one)) is not None]
    runs = sum(known[id].runs for id in entry.evidence if id in known)
    standing = _judged(len(backing), tuple(sorted(against)), runs, scale.band)
    mean = sum(gains) / len(gains) if gains else None
    weight = 0.5 ** len(against)
    impact = abs(mean) if mean is not None else _LOST if any(one.failed for one in own) else 0.0
    worth = impact * weight * (1 + len(uses)) * (1.0 if standing.word == "firm" else 0.5)
    return replace(standing, gain=mean, runs=runs, weight=weight, use=len(uses), worth=worth)


def _judged(backing: int, against: tuple[int, ...], runs: int, band: float | None) -> Standing:
    opposed = f"contradicted by {' '.join(f'#{id}' for id in against)}"
    if against and len(against) >= backing:
        return Standing("contradicted", opposed, against=against)
    if against:
        return Standing("tentative", opposed, against=against)
    if runs < TWICE:
        return Standing("tentative", "one run" if runs else "nothing of it was measured")
    if band is None:
        return Standing("tentative", "the noise is not known yet")
    return Standing("firm", "") if backing else Standing("tentative", f"inside the noise of {band:.2%}")


def check_avoid(kind: Kind, evidence: Sequence[int], known: Mapping[int, Result], scale: Scale) -> None:
    """Refuse `avoid` on fewer than two failures.

    Raises:
        ToolError: what each experiment cited has come to, and how many failures are missing.
    """
    if kind != "avoid":
        return
    case = _Case(Entry(0, 1, "", "avoid", tuple(evidence), "", False, "active", ""), known, scale)
    failures = [id for id in dict.fromkeys(evidence) if id in known and case.side(known[id]) < 0]
    if len(failures) < TWICE:
        said = "; ".join(f"#{id} {_told(case, id)}" for id in dict.fromkeys(evidence))
        raise ToolError(f"'avoid' needs {TWICE} experiments that failed or did clearly worse than their reference, and {len(failures)} of"
                        f" those you cite did: {said}. Cite {TWICE - len(failures)} more, or take the kind 'fails'")


def _told(case: _Case, id: int) -> str:
    one = case.known.get(id)
    if one is None:
        return "has not ended"
    gain = case.gain(one)
    if gain is None:
        return "failed" if one.failed else "has no score that ranks" if one.value is None else "has no reference"
    band = f", noise {case.scale.band:.2%}" if case.scale.band is not None else ""
    return f"is {abs(gain):.2%} {'better' if gain > 0 else 'worse'} than its reference{band}"


def weigh(board: Board, playbook: Playbook, scale: Scale) -> None:
    """Weigh every entry in force, retire what is contradicted, and store how far each stands. A retired entry keeps what it had."""
    known, experiments, standings = results(board), board.list(), playbook.standings()
    for entry in playbook.entries():
        versions = playbook.versions(entry.id)
        uses = [e.id for e in users(entry.id, versions[0].at, experiments)]
        standings[entry.id] = found = weighed(entry, _since(versions), uses, known, scale)
        if not entry.human and found.word == "contradicted" and len(found.against) >= TWICE:
            playbook.retire(entry.id, author=REVIEWER)
            board.event("playbook", f"entry {entry.id} retired, {found.why}: {entry.claim[:200]}", role=REVIEWER)
    playbook.set_standings(standings)


def _since(versions: Sequence[Entry]) -> str:
    """Return from when on the evidence is what it is now: the same claim in other words makes nothing newer."""
    same = versions[-1]
    for version in reversed(versions):
        if set(version.evidence) != set(versions[-1].evidence):
            break
        same = version
    return same.at
