"""Breadth first: one budget over many problems, each a family of its own. What helped in some is tried early in the others.

Every family has its default run first. Then the family with the fewest experiments is next: with what helped elsewhere, else with one
choice that it never made, else with a neighbour of its best. A family that stays far behind its baseline is left alone: do not attempt
what a library does better.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alphalab_nb.adapter import Recipe
from alphalab_nb.storage.experiment import Proposal
from alphalab_nb.strategies.base import Seen
from alphalab_nb.strategies.carried import Change, changes
from alphalab_nb.strategies.space import full_config, rounded, signature
from alphalab_nb.strategies.turn import Turn, changed, said

ENOUGH = 3
"""Results of a family after which it is judged whether it is worth more."""
SEVERAL = 2
"""Families in which a choice gained nothing, after which it is not tried in others for its own sake."""
FAR_BEHIND = -0.3
"""Relative loss of its best against its baseline beyond which it is not."""


@dataclass
class Breadth(Turn):
    """One look at the board where families do not compete."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.best: dict[str, Seen] = {}
        for seen in self.ranked:
            self.best.setdefault(seen.experiment.family, seen)
        self.changes = changes(self.view)

    def _stage_of_next(self) -> str:
        return "defaults" if self._untried() else "tune"

    def _make(self, stage: str) -> Proposal | None:
        return self._default() if stage == "defaults" else self._tuned()

    def _tuned(self) -> Proposal | None:
        """Return the next experiment of the family with the fewest, of those that wait for no result if there are such."""
        busy = {seen.experiment.family for seen in self.in_flight} | {proposal.family for proposal in self.proposals}
        order = sorted(self._allowed(self.singles), key=lambda recipe: (
            recipe.family in busy, recipe.family not in self.wishes.preferred, self.per_family[recipe.family], recipe.family))
        return next((found for recipe in order if (found := self._next_of(recipe)) is not None), None)

    def _next_of(self, recipe: Recipe) -> Proposal | None:
        best = self.best.get(recipe.family)
        if best is None:  # nothing of it has a score yet
            config = self._suggested(recipe)
            return self._proposal(recipe, config, "tune", f"Another try of {recipe.family}: {said(config)}") if config else None
        start, about = full_config(recipe, best.experiment.config, self.view.task), f"#{best.experiment.id} with "
        carried = [change for change in self.changes if change.helps and self._new_here(recipe, start, change)]
        config = recipe.changed(start, {change.name: change.value for change in reversed(carried)}, self.view.task)
        if carried and signature(recipe, config, self.view.task) not in self.taken:
            told = f"What helped in {', '.join(sorted({family for change in carried for family in change.gains}))}: {about}"
            return self._proposal(recipe, config, "carry", told + changed(start, config), parent=best.experiment.id,
                                  rules=[change.rule for change in carried])
        config = self._untried_choice(recipe, start)
        if config is not None and signature(recipe, config, self.view.task) not in self.taken:
            told = f"A choice never made: {about}{changed(start, config)}"
            return self._proposal(recipe, config, "choice", told, parent=best.experiment.id)
        config = self._neighbour(recipe, start, self._rng("refine"))
        if config is None:
            return None
        return self._proposal(recipe, config, "refine", f"Near the best: {about}{changed(start, config)}", parent=best.experiment.id)

    def _new_here(self, recipe: Recipe, start: Mapping[str, Any], change: Change) -> bool:
        """Whether a change can be made to a configuration of a family that has not tried it, and others have gained by it."""
        param = recipe.spec.params.get(change.name)
        if param is None or change.name not in start or start[change.name] == change.value or recipe.family in change.gains:
            return False
        if param.type in ("int", "float"):
            low, high = recipe.bounds(param, self.view.task)
            return isinstance(change.value, int | float) and low <= change.value <= high
        return change.value in ((False, True) if param.type == "bool" else param.choices)

    def _untried_choice(self, recipe: Recipe, config: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the configuration with one choice that the family never made; not one that gained nothing in several others."""
        known = [full_config(recipe, observation.config, self.view.task) for observation in self._observations(recipe.family)]
        idle = {(change.name, str(change.value)) for change in self.changes if not change.helps and len(change.gains) >= SEVERAL}
        flips = (moved for name, moved in recipe.flips(config, self.view.task)
                 if (name, str(moved[name])) not in idle and all(other.get(name) != moved[name] for other in known))
        found = next(flips, None)
        return None if found is None else rounded(found)

    def _hopeless(self, family: str) -> bool:
        return super()._hopeless(family) or self._outclassed(family)

    def _outclassed(self, family: str) -> bool:
        """Whether a family has had its chance and stays far behind its own baseline."""
        best, beside = self.best.get(family), self.view.baselines.get(family)
        scored = sum(seen.experiment.family == family and seen.score is not None for seen in self.view.experiments)
        if best is None or best.score is None or beside is None or scored < ENOUGH:
            return False
        return self.view.metric.improvement(best.score, beside) < FAR_BEHIND
