"""One look of the rule-based researcher at the board: family defaults, screening, TPE, ensembles, refinement.

Everything is computed from the BoardView, so a restarted process continues where the board stands. The budget counts
experiments, and early results say most: defaults first, the last fifth for the neighbourhood of the best.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from alphalab_nb.adapter import Recipe
from alphalab_nb.storage.experiment import Experiment, Fidelity, Proposal, State
from alphalab_nb.strategies.base import BoardView, Seen
from alphalab_nb.strategies.foresight import expected_gain
from alphalab_nb.strategies.slope import most_promising
from alphalab_nb.strategies.space import Observation, full_config, rounded, signature, suggest
from alphalab_nb.strategies.wishes import Wishes, wishes

NAME = "offline"
"""Of the strategy, and the author of its lessons."""
IN_FLIGHT = frozenset({State.TO_IMPLEMENT, State.IMPLEMENTED, State.QUEUED, State.RUNNING, State.FINISHED})
TRIES = 60
"""Draws before a space counts as used up."""
NEIGHBOURS = 24
"""Neighbours of the best that are compared on paper before one is run."""
BATCH = 4
"""Screening runs that are ruled on together; the better half goes on."""
HOPELESS = 2
"""A family that failed this often without one score is left alone (paper: cancel all variants of what failed twice)."""
OUTCLASSED = -0.3
"""Relative loss against the best beyond which an experiment is no member of a wide ensemble."""
WIDE = 6
"""Members of an ensemble of the best whatever their family: their errors differ, too, and none of them is weak."""
LEAST_TRIED_EVERY = 4
"""Each fourth TPE proposal goes to the least-tried family, against lock-in on one family."""


@dataclass(frozen=True)
class Shares:
    """How many experiments of the budget each stage may use."""

    defaults: int
    screen: int
    tpe: int
    ensemble: int
    refine: int

    @classmethod
    def of(cls, budget: int, families: int, *, combiner: bool) -> Shares:
        """Divide a budget: at most half for the defaults, a fifth for refining, a tenth for ensembles, the rest searches."""
        defaults = min(families, -(-budget // 2))
        refine = min(round(0.2 * budget), budget - defaults)
        ensemble = min(max(1, round(0.1 * budget)), budget - defaults - refine) if combiner and budget >= 8 else 0
        rest = budget - defaults - refine - ensemble
        return cls(defaults, rest // 2, rest - rest // 2, ensemble, refine)


@dataclass
class Turn:
    """One look at the board and what is decided on it."""

    view: BoardView
    proposals: list[Proposal] = field(default_factory=list[Proposal])

    def __post_init__(self) -> None:
        view = self.view
        self.wishes: Wishes = wishes(view)
        self.recipes = {recipe.family: recipe for recipe in view.recipes}
        self.singles = [recipe for recipe in view.recipes if not recipe.combines]
        self.combiners = [recipe for recipe in view.recipes if recipe.combines]
        self.taken = {
            signature(self.recipes[s.experiment.family], s.experiment.config, view.task)
            for s in view.experiments if s.experiment.family in self.recipes
        }
        counted = [s for s in view.experiments if s.experiment.state is not State.CANCELLED or s.seconds > 0]
        self.per_stage = Counter(s.experiment.stage for s in counted)
        self.per_family = Counter(s.experiment.family for s in view.experiments if s.experiment.state is not State.CANCELLED)
        self.in_flight = [s for s in view.experiments if _in_flight(s.experiment)]
        self.waits_for_people = [s for s in view.experiments if s.experiment.state is State.PROPOSED]
        scored = [s for s in view.experiments if s.score is not None and not s.experiment.quarantined]
        self.ranked = view.metric.ranked(scored, lambda s: s.score if s.score is not None else float("nan"))
        self.shares = Shares.of(view.budget, len(self.singles), combiner=bool(self.combiners))

    # -- screening: promote the better half, drop the rest -----------------------------------------------------

    def screened(self, *, at_once: bool) -> tuple[list[int], dict[int, str]]:
        """Rule on the screening runs once a batch of them has ended, or at once if nothing else will."""
        ready = [s for s in self.view.experiments if s.experiment.state is State.CHECKED and s.experiment.fidelity == "smoke"]
        drop = {s.experiment.id: "a person asked to avoid this family" for s in ready if s.experiment.family in self.wishes.avoided}
        ready = [s for s in ready if s.experiment.id not in drop]
        coming = any(p.fidelity == "smoke" for p in (*self.proposals, *(s.experiment for s in self.in_flight)))
        more = coming or (self._left() > 0 and self._stage_of_next() == "screen")
        if not ready or (more and not at_once and len(ready) < min(BATCH, self.shares.screen)):
            return [], drop
        order = sorted(ready, key=self._promise, reverse=True)
        kept = -(-len(order) // 2)
        for loser in order[kept:]:
            drop[loser.experiment.id] = f"screened out by smoke {self.view.metric.name} {loser.smoke:.6g}: {kept} of {len(order)} go on"
        return [s.experiment.id for s in order[:kept]], drop

    def _promise(self, seen: Seen) -> float:
        """Return the expected relative gain over the best: its smoke score beside its family default's, plus that default's rank.

        Smoke scores of different families are not comparable, because a reduced fit costs them differently.
        """
        assert seen.smoke is not None
        metric, family = self.view.metric, seen.experiment.family
        same = [s for s in self.ranked if s.experiment.family == family and s.smoke is not None]
        default = next((s for s in same if s.experiment.stage == "defaults"), same[0] if same else None)
        if default is None or default.smoke is None or default.score is None or self.ranked[0].score is None:
            return -1.0
        return metric.improvement(seen.smoke, default.smoke) + metric.improvement(default.score, self.ranked[0].score)

    # -- stages ------------------------------------------------------------------------------------------------

    def propose(self, n: int) -> list[Proposal]:
        n -= len(self.waits_for_people)
        while len(self.proposals) < n:
            stage = self._stage_of_next()
            if stage != "defaults" and not self._may_go_on(n):
                break
            proposal = self._make(stage)
            if proposal is None:
                break
            self._take(proposal)
        return self.proposals

    def _may_go_on(self, n: int) -> bool:
        """After the defaults, propose for free slots only: n asks for two in reserve, which would be guessed without the results."""
        return len(self.proposals) < n - 2 or not (self.in_flight or self.proposals)

    def _left(self) -> int:
        return self.view.remaining - len(self.proposals)

    def _stage_of_next(self) -> str:
        shares, count = self.shares, self.per_stage
        last = 1 if shares.ensemble else 0
        if count["defaults"] < shares.defaults and self._untried():
            return "defaults"
        if self._left() <= last and self._combinable() >= 3:
            return "ensemble"
        if self._left() <= shares.refine + last and self.ranked:
            return "refine"
        quotas = (("screen", shares.screen), ("ensemble", shares.ensemble // 2), ("tpe", shares.tpe), ("ensemble", shares.ensemble - last))
        for stage, quota in quotas:
            if count[stage] < quota and (stage != "ensemble" or self._may_combine()):
                return stage
        return "tpe"

    def _make(self, stage: str) -> Proposal | None:
        """Return a proposal of a stage, or of the next best one if that stage has nothing new."""
        if stage == "ensemble" and self._left() <= 1 and self.in_flight:
            return None  # the last one combines the best of all, so it waits for them
        makers = {"defaults": self._default, "screen": self._screen, "tpe": self._tpe, "ensemble": self._ensemble, "refine": self._refine}
        for name in (stage, *(other for other in ("tpe", "refine") if other != stage)):
            proposal = makers[name]()
            if proposal is not None:
                return proposal
        return None

    def _default(self) -> Proposal | None:
        recipe = next(iter(self._untried()), None)
        if recipe is None:
            return None
        return self._proposal(recipe, recipe.default(self.view.task), "defaults", f"The default of {recipe.family} is a fair start: "
                              f"{recipe.spec.summary}", name=f"{recipe.family}_default")

    def _screen(self) -> Proposal | None:
        """Screen the better half of the families in turn."""
        families = self._promising()
        half = families[: max(2, -(-len(families) // 2))]
        start = self.per_stage["screen"]
        for recipe in [*half[start % len(half):], *half[: start % len(half)]] if half else []:
            config = self._suggested(recipe)
            if config is not None:
                return self._proposal(recipe, config, "screen", f"A cheap look at {said(config)} for {recipe.family}", fidelity="smoke")
        return None

    def _tpe(self) -> Proposal | None:
        families = self._promising()
        if self.per_stage["tpe"] % LEAST_TRIED_EVERY == LEAST_TRIED_EVERY - 1:
            families.sort(key=lambda recipe: self.per_family[recipe.family])
        else:
            families = _weighted_order(families, self._rng("family"))
        for recipe in families:
            config = self._suggested(recipe)
            if config is not None:
                return self._proposal(recipe, config, "tpe", f"TPE expects {said(config)} to improve {recipe.family}")
        return None

    def _ensemble(self) -> Proposal | None:
        """Combine the best experiments of different families, or the best of all."""
        strong, all_families = self._strong(), self._best_by_family()
        first = _combinations(_families(strong), strong, turn=self.per_stage["ensemble"])
        sets = itertools.chain(first, itertools.combinations(all_families[:WIDE], 3))
        for recipe, members in itertools.product(self._allowed(self.combiners), list(sets)):
            slots = [name for name, param in recipe.spec.params.items() if param.type == "experiments"]
            config = {**recipe.default(self.view.task), **{slot: [s.experiment.id for s in members] for slot in slots}}
            if signature(recipe, config, self.view.task) not in self.taken:
                names = ", ".join(f"#{s.experiment.id} {s.experiment.name}" for s in members)
                return self._proposal(recipe, config, "ensemble", f"Errors of different programs cancel in part: {names}",
                                      parent=members[0].experiment.id)
        return None

    def _refine(self) -> Proposal | None:
        """Move parameters of the best. In turn: a choice that its family never made, of the best single program; then one or two
        parameters of the best of all, ensembles included.
        """
        rng = self._rng("refine")
        singles = [s for s in self.ranked if s.experiment.family in {r.family for r in self.singles}]
        in_turn = self.per_stage["refine"] % 2 == 0
        first = singles if in_turn else self.ranked
        for seen in [*first[:3], *self.ranked]:
            recipe = self.recipes.get(seen.experiment.family)
            if recipe is None or not self._allowed([recipe]):
                continue
            config = self._untried_choice(recipe, seen.experiment.config) if in_turn else None
            config = config or self._neighbour(recipe, seen.experiment.config, rng)
            if config is not None:
                change = changed(seen.experiment.config, config)
                return self._proposal(recipe, config, "refine", f"Near the best: #{seen.experiment.id} with {change}",
                                      parent=seen.experiment.id)
        return None

    # -- parts -------------------------------------------------------------------------------------------------

    def _suggested(self, recipe: Recipe) -> dict[str, Any] | None:
        """Return a configuration of the family that nobody has proposed or vetoed yet."""
        observations, rng = self._observations(recipe.family), self._rng(recipe.family)
        for _ in range(5):
            config = suggest(recipe, self.view.task, observations, rng.getrandbits(32))
            if signature(recipe, config, self.view.task) not in self.taken:
                return config
        return self._neighbour(recipe, recipe.default(self.view.task), rng)

    def _untried_choice(self, recipe: Recipe, config: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the configuration with one choice that no experiment of the family has made: no slope can speak for it."""
        known = [full_config(recipe, o.config, self.view.task) for o in self._observations(recipe.family)]
        for name, moved in recipe.flips(full_config(recipe, config, self.view.task), self.view.task):
            if all(other.get(name) != moved[name] for other in known):
                return rounded(moved)
        return None

    def _neighbour(self, recipe: Recipe, config: Mapping[str, Any], rng: random.Random) -> dict[str, Any] | None:
        """Return a new configuration one step away: of a few, the one that the family's results speak for."""
        start = full_config(recipe, config, self.view.task)
        present, fresh = start, list[dict[str, Any]]()
        for attempt in range(TRIES):
            moved = rounded(recipe.perturb(present, self.view.task, rng))
            if signature(recipe, moved, self.view.task) not in self.taken:
                fresh.append(moved)
            elif not fresh:
                present = moved if attempt % 3 else start  # walk on from a twin, but not far
            if len(fresh) == NEIGHBOURS:
                break
        known = [(full_config(recipe, o.config, self.view.task), o.loss) for o in self._observations(recipe.family) if o.loss is not None]
        return most_promising(recipe, self.view.task, start, fresh, known) if fresh else None

    def _observations(self, family: str) -> list[Observation]:
        loss = self.view.metric.loss
        found = [
            Observation(
                s.experiment.config,
                loss=None if s.score is None else loss(s.score),
                screened=loss(s.smoke) if s.smoke is not None and s.experiment.state is State.CANCELLED else None,
                failed=s.experiment.outcome == "failed",
            )
            for s in self.view.experiments
            if s.experiment.family == family and (s.experiment.state is not State.CANCELLED or s.smoke is not None)
        ]
        return found + [Observation(p.config) for p in self.proposals if p.family == family]

    def _untried(self) -> list[Recipe]:
        """Return the families whose default is still to be proposed, cheap ones first: they say early what is easy."""
        fresh = [r for r in self._allowed(self.singles) if signature(r, r.default(self.view.task), self.view.task) not in self.taken]
        return sorted(fresh, key=lambda r: (r.family not in self.wishes.preferred, r.spec.cost, r.family))

    def _promising(self) -> list[Recipe]:
        """Return the families to search, best first; those without a score last."""
        order = {s.experiment.family: -place for place, s in reversed(list(enumerate(self.ranked)))}
        return sorted(self._allowed(self.singles), key=lambda r: (r.family not in self.wishes.preferred, -order.get(r.family, -10**6)))

    def _allowed(self, recipes: Sequence[Recipe]) -> list[Recipe]:
        cap = max(2, round(self.view.family_share * self.view.budget))
        open_ = [r for r in recipes if r.family not in self.wishes.avoided and self.per_family[r.family] < cap]
        return [r for r in open_ if not self._hopeless(r.family)]

    def _hopeless(self, family: str) -> bool:
        mine = [s for s in self.view.experiments if s.experiment.family == family]
        return sum(s.experiment.outcome == "failed" for s in mine) >= HOPELESS and all(s.score is None for s in mine)

    def _members(self) -> list[Seen]:
        """Return what may be combined, best first: no ensembles; of equal scores one, for the others are twins in all but name."""
        singles = {r.family for r in self.singles}
        found: dict[float | None, Seen] = {}
        for seen in self.ranked:
            if seen.experiment.family in singles and seen.experiment.verdict != "quarantine":
                found.setdefault(seen.score, seen)
        return list(found.values())

    def _strong(self) -> list[Seen]:
        members, metric = self._members(), self.view.metric
        best = metric.loss(members[0].score or 0.0) if members else 0.0
        return [s for s in members if best - metric.loss(s.score or 0.0) >= OUTCLASSED * abs(best)]

    def _best_by_family(self) -> list[Seen]:
        return _families(self._members())

    def _combinable(self) -> int:
        return len(self._best_by_family()) if self._allowed(self.combiners) else 0

    def _may_combine(self) -> bool:
        """Three families are scored and no default runs: else the members would be the first to end, not the best."""
        running = any(p.stage == "defaults" for p in (*self.proposals, *(s.experiment for s in self.in_flight)))
        return self._combinable() >= 3 and not running

    def _rng(self, purpose: str) -> random.Random:
        """Return the turn's generator: fixed by seed and board, different for each proposal."""
        return random.Random(f"{self.view.seed}/{len(self.view.experiments)}/{len(self.proposals)}/{purpose}")

    def _proposal(self, recipe: Recipe, config: dict[str, Any], stage: str, hypothesis: str, *, name: str = "",
                  parent: int | None = None, fidelity: Fidelity = "full", rules: Sequence[str] = ()) -> Proposal:
        number = self.per_stage[stage] + 1
        name = name or f"{recipe.family}_{stage}_{number}"
        hypothesis += self._rests_on(recipe.family, parent, rules)
        return Proposal(name=name, family=recipe.family, hypothesis=hypothesis, config=rounded(config), stage=stage, parent=parent,
                        fidelity=fidelity, predicted=expected_gain(self.view, stage=stage, family=recipe.family))

    def _rests_on(self, family: str, parent: int | None, further: Sequence[str]) -> str:
        """Return the lessons of this strategy that a proposal rests on, as a citation: its family works, its parent leads, others."""
        rules = {f"{NAME}:works:{family}", *([f"{NAME}:best"] if parent is not None else [])}
        others = {f"{NAME}:{rule}" for rule in further}
        held = [e.id for e in self.view.playbook if not e.human and (
            e.author in others or (e.author in rules and (parent is None or parent in e.evidence)))]
        return f" (playbook {', '.join(map(str, held))})" if held else ""

    def _take(self, proposal: Proposal) -> None:
        self.proposals.append(proposal)
        self.per_stage[proposal.stage] += 1
        self.per_family[proposal.family] += 1
        self.taken.add(signature(self.recipes[proposal.family], proposal.config, self.view.task))


def _in_flight(experiment: Experiment) -> bool:
    return experiment.state in IN_FLIGHT or (experiment.state is State.CHECKED and experiment.fidelity == "full")


def _weighted_order(families: Sequence[Recipe], rng: random.Random) -> list[Recipe]:
    """Shuffle so that each family is half as likely to come first as the one ranked before it."""
    left, order = list(families), list[Recipe]()
    while left:
        weights = [2.0 ** -place for place in range(len(left))]
        order.append(left.pop(rng.choices(range(len(left)), weights)[0]))
    return order


def _combinations(by_family: Sequence[Seen], of_all: Sequence[Seen], *, turn: int) -> Iterator[Sequence[Seen]]:
    """Yield sets of members, each turn another kind first: three families, the best of all, more families, fewer."""
    kinds = [(by_family, 3), (of_all, WIDE), (by_family, 4), (of_all, WIDE // 2), (by_family, 2), (by_family, 5)]
    for best, size in kinds[turn % len(kinds) :] + kinds[: turn % len(kinds)]:
        if len(best) >= min(size, 3):
            yield best[:size]


def _families(ranked: Sequence[Seen]) -> list[Seen]:
    """Return the best of each family, best first."""
    best: dict[str, Seen] = {}
    for seen in ranked:
        best.setdefault(seen.experiment.family, seen)
    return list(best.values())


def changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    changed = [f"{key} {old.get(key, 'unset')} -> {value}" for key, value in new.items() if old.get(key) != value]
    return ", ".join(changed) or "the branch that its other parameters select"


def said(config: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in config.items()) or "its only configuration"
