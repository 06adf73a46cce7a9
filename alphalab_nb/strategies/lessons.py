"""Lessons for the playbook by rule, from measured numbers only. A lesson whose numbers no longer hold is withdrawn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from alphalab_nb.storage.experiment import State
from alphalab_nb.strategies.base import BoardView, Lesson, Seen
from alphalab_nb.strategies.carried import WORTH, changes

TWICE = 2
"""Results that a negative lesson needs (paper: what failed twice is not tried again)."""
MIN_RANKED = 5
"""Experiments with a smoke and a full score from which on the agreement of the two says something."""
TAXONOMY = 3
BACKING = 5
"""Experiments that a family's success rests on at most: its best."""


def lessons(view: BoardView, *, author: str) -> list[Lesson]:
    """Return every lesson that the board supports now, and the withdrawal of this author's earlier ones that it does not."""
    rules = (_best, _taxonomy, _families, _failures, _parameters, _ensembles, _horizon, _screening, _carried, _kinds)
    found = [lesson for rule in rules for lesson in rule(view)]
    kept = {f"{author}:{lesson.rule}" for lesson in found}
    stale = [entry for entry in view.playbook if entry.author.startswith(f"{author}:") and entry.author not in kept]
    withdrawn = [
        Lesson(rule=entry.author.removeprefix(f"{author}:"), claim=entry.claim, kind=entry.kind, evidence=entry.evidence, retire=True)
        for entry in stale
    ]
    return [*found, *withdrawn]


def _best(view: BoardView) -> Iterator[Lesson]:
    ranked = _ranked(view)
    if not ranked or view.compare_within == "family":  # the best of different problems says nothing
        return
    best, metric = ranked[0], view.metric
    config = ", ".join(f"{key} {value}" for key, value in best.experiment.config.items()) or "default"
    claim = f"Best on search: {_named(best)} with {metric.name} {_score(best):.6g} ({config})"
    reference = _best_baseline(view)
    if reference is not None:
        claim += f"; {_percent(metric.improvement(_score(best), reference[1]))} than the best baseline, {reference[0]} {reference[1]:.6g}"
        if not metric.better(_score(best), reference[1]):
            yield _lesson("best", "insight", f"No experiment beats the baselines yet. {claim}.", [best])
            return
    yield _lesson("best", "works", f"{claim}.", [best])


def _taxonomy(view: BoardView) -> Iterator[Lesson]:
    best = _best_of_families(view)
    if len(best) >= TAXONOMY:
        order = ", ".join(f"{seen.experiment.family} {_score(seen):.4g} (#{seen.experiment.id})" for seen in best)
        yield _lesson("taxonomy", "insight", f"Families by their best {view.metric.name}: {order}.", best)


def _families(view: BoardView) -> Iterator[Lesson]:
    """A family works if its best beats the best baseline; it fails if two results do not."""
    for family, results in _by_family(view).items():
        reference, best = _baseline_of(view, family), results[0]
        if reference is None:
            continue
        name, value = reference
        gain = _percent(view.metric.improvement(_score(best), value))
        compared = f"its best, {_named(best)}, is {gain} than the baseline {name} ({value:.6g})"
        if view.metric.better(_score(best), value):
            ahead = [seen for seen in results if view.metric.better(_score(seen), value)]
            yield _lesson(f"works:{family}", "works", f"{family} works: {compared}.", _unrelated(ahead)[:BACKING])
        elif len(results) >= TWICE:
            yield _lesson(f"fails:{family}", "fails", f"{family} has not paid in {len(results)} experiments: {compared}.", results)


def _failures(view: BoardView) -> Iterator[Lesson]:
    failed: dict[str, list[Seen]] = defaultdict(list)
    for seen in view.experiments:
        if seen.experiment.outcome == "failed" and seen.experiment.state in (State.ANALYZED, State.DONE):
            failed[seen.experiment.family].append(seen)
    scored = {seen.experiment.family for seen in view.experiments if seen.score is not None}
    for family, seen in failed.items():
        if len(seen) >= TWICE and family not in scored:
            labels = ", ".join(sorted({s.experiment.error.split(":", 1)[0] or "no score" for s in seen}))
            claim = f"Do not attempt {family}: {len(seen)} experiments ended without any score ({labels})."
            yield _lesson(f"avoid:{family}", "avoid", claim, seen)


def _parameters(view: BoardView) -> Iterator[Lesson]:
    """What one changed parameter did: the strongest effect between an experiment and the parent it was derived from."""
    by_id = {seen.experiment.id: seen for seen in view.experiments}
    strongest: dict[str, tuple[float, Seen, Seen, str]] = {}
    for child in _ranked(view):
        parent = by_id.get(child.experiment.parent or 0)
        if parent is None or parent.score is None or parent.experiment.family != child.experiment.family:
            continue
        changed = _changed(parent.experiment.config, child.experiment.config)
        if len(changed) != 1:
            continue
        gain = view.metric.improvement(_score(child), parent.score)
        rule = f"param:{child.experiment.family}.{changed[0]}"
        if rule not in strongest or abs(gain) > abs(strongest[rule][0]):
            strongest[rule] = (gain, parent, child, changed[0])
    for rule, (gain, parent, child, key) in strongest.items():
        old, new = parent.experiment.config.get(key), child.experiment.config.get(key)
        effect = f"{view.metric.name} {_score(parent):.6g} -> {_score(child):.6g}, {_percent(gain)}"
        between = f"#{parent.experiment.id} -> #{child.experiment.id}"
        claim = f"{child.experiment.family}: {key} {old} -> {new} and nothing else ({between}): {effect}."
        yield _lesson(rule, "insight", claim, [parent, child])


def _ensembles(view: BoardView) -> Iterator[Lesson]:
    """Whether combining beat the best of the combined."""
    by_id = {seen.experiment.id: seen for seen in view.experiments}
    combiners = {recipe.family for recipe in view.recipes if recipe.combines}
    for best in _best_of_families(view):
        members = [by_id[id] for id in _members(best.experiment.config) if id in by_id and by_id[id].score is not None]
        if best.experiment.family not in combiners or not members:
            continue
        strongest = view.metric.ranked(members, _score)[0]
        gain = view.metric.improvement(_score(best), _score(strongest))
        claim = (f"Combining {', '.join(f'#{m.experiment.id}' for m in members)} into {_named(best)} is {_percent(gain)} than the best"
                 f" of them, {_named(strongest)}.")
        kind = "works" if gain > 0 else "fails"
        yield _lesson(f"combining {kind}:{best.experiment.family}", kind, claim, [best, *members])


def _horizon(view: BoardView) -> Iterator[Lesson]:
    """Which experiment is best near and far, if the harness measures a profile over the horizon and the two differ."""
    profiles = {s.experiment.id: _profile(s.secondary.get("by_step")) for s in _best_of_families(view)}
    best = {s.experiment.id: s for s in _best_of_families(view) if len(profiles[s.experiment.id]) >= 4}
    if len(best) < TAXONOMY:
        return
    quarter = max(1, min(len(profiles[id]) for id in best) // 4)
    near = min(best, key=lambda id: sum(profiles[id][:quarter]))
    far = min(best, key=lambda id: sum(profiles[id][-quarter:]))
    if near != far:
        claim = (f"The best over the first quarter of the horizon is {_named(best[near])}, over the last quarter {_named(best[far])}:"
                 f" they complement each other.")
        yield _lesson("horizon", "insight", claim, [best[near], best[far]])


def _screening(view: BoardView) -> Iterator[Lesson]:
    """Whether smoke scores order experiments as full scores do."""
    both = [seen for seen in _ranked(view) if seen.smoke is not None]
    if len(both) < MIN_RANKED:
        return
    agreement = _rank_agreement([view.metric.loss(s.smoke or 0.0) for s in both], [view.metric.loss(_score(s)) for s in both])
    word = "a fair guide to" if agreement >= 0.6 else "a poor guide to"
    claim = f"Smoke scores are {word} full scores: {agreement:.0%} of {len(both)} experiments' pairs are ordered alike."
    yield _lesson("screening", "insight", claim, both)


def _carried(view: BoardView) -> Iterator[Lesson]:
    """What one choice did in several families that each solve a problem of their own: what the next one may begin with."""
    for change in changes(view) if view.compare_within == "family" else []:
        if len(change.gains) < TWICE:
            continue
        gained = sum(gain > WORTH for gain in change.gains.values())
        told = ", ".join(f"{family} {gain:+.0%}" for family, gain in sorted(change.gains.items(), key=lambda pair: -pair[1]))
        claim = (f"{change.name} = {change.value}, changed alone in {len(change.gains)} families, gained in {gained}, "
                 f"median {change.gain:+.0%}: {told}.")
        kind = "works" if change.helps else "fails" if change.gain < -WORTH else "insight"
        yield Lesson(rule=change.rule, kind=kind, claim=claim, evidence=change.evidence)


def _kinds(view: BoardView) -> Iterator[Lesson]:
    """Kinds of problems that are left to the library: none of their families is ahead of its baseline after two results each."""
    if view.compare_within != "family":
        return
    tags, by_family = {recipe.family: recipe.tags for recipe in view.recipes}, _by_family(view)
    for tag in sorted({tag for family in by_family for tag in tags.get(family, ())}):
        own = {family: results for family, results in by_family.items() if tag in tags.get(family, ())}
        beside = {family: _baseline_of(view, family) for family in own}
        if len(own) < TWICE or any(known is None or len(own[family]) < TWICE or view.metric.better(_score(own[family][0]), known[1])
                                   for family, known in beside.items()):
            continue
        told = ", ".join(f"{family} {_score(results[0]):.4g} in {len(results)} experiments" for family, results in own.items())
        yield _lesson(f"leave:{tag}", "avoid", f"Do not attempt {tag}: none is ahead of its baseline ({told}).",
                      [seen for results in own.values() for seen in results])


# -- parts ---------------------------------------------------------------------------------------------------


def _ranked(view: BoardView) -> list[Seen]:
    scored = [seen for seen in view.experiments if seen.score is not None and not seen.experiment.quarantined]
    return view.metric.ranked(scored, _score)


def _by_family(view: BoardView) -> dict[str, list[Seen]]:
    """Return the scored experiments of each family, best first; families in the order of their best."""
    families: dict[str, list[Seen]] = defaultdict(list)
    for seen in _ranked(view):
        families[seen.experiment.family].append(seen)
    return families


def _unrelated(results: Sequence[Seen]) -> list[Seen]:
    """Return results of which none is the parent of another: beside its parent, an experiment is measured by that, not by the baseline."""
    chosen: list[Seen] = []
    for seen in results:
        experiment, parents = seen.experiment, {other.experiment.parent for other in chosen}
        if experiment.id not in parents and experiment.parent not in {other.experiment.id for other in chosen}:
            chosen.append(seen)
    return chosen


def _best_of_families(view: BoardView) -> list[Seen]:
    return [results[0] for results in _by_family(view).values()]


def _best_baseline(view: BoardView) -> tuple[str, float] | None:
    known = [(name, value) for name, value in sorted(view.baselines.items()) if value is not None]
    return view.metric.ranked(known, lambda pair: pair[1])[0] if known else None


def _baseline_of(view: BoardView, family: str) -> tuple[str, float] | None:
    """Return the baseline that a family is measured by: its own problem's where it has one, else the best."""
    if view.compare_within == "campaign":
        return _best_baseline(view)
    return (family, view.baselines[family]) if view.baselines.get(family) is not None else None


def _score(seen: Seen) -> float:
    assert seen.score is not None
    return seen.score


def _named(seen: Seen) -> str:
    return f"#{seen.experiment.id} {seen.experiment.name}"


def _lesson(rule: str, kind: str, claim: str, evidence: Sequence[Seen]) -> Lesson:
    return Lesson(rule=rule, kind=kind, claim=claim, evidence=tuple(sorted(seen.experiment.id for seen in evidence)))


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return sorted(key for key in {*old, *new} if old.get(key) != new.get(key))


def _members(config: Mapping[str, Any]) -> list[int]:
    return [id for value in config.values() if isinstance(value, list) for id in value if isinstance(id, int)]


def _profile(raw: Any) -> list[float]:
    values = raw.values() if isinstance(raw, Mapping) else raw or []
    return [float(value) for value in values if isinstance(value, int | float)]


def _percent(gain: float) -> str:
    return f"{abs(gain):.1%} {'better' if gain > 0 else 'worse'}" if gain else "not better"


def _rank_agreement(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the share of pairs that both put in the same order."""
    pairs = [(i, j) for i in range(len(first)) for j in range(i)]
    return sum((first[i] - first[j]) * (second[i] - second[j]) > 0 for i, j in pairs) / len(pairs)
