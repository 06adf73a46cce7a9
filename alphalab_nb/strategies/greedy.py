"""Greedy search, keep if better: change one choice of whatever scored best. What most systems of this kind do, so a control for ours.

It believes each score. Whether a gain is kept is the Judge's decision for every strategy; greedy goes on from the best score all the same.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from alphalab_nb.adapter import Recipe
from alphalab_nb.config import StrategyConfig
from alphalab_nb.storage.experiment import Experiment, Proposal
from alphalab_nb.strategies.base import BoardView, Plan
from alphalab_nb.strategies.plain import Turn, differing, moved, no_options, planned, said
from alphalab_nb.strategies.space import full_config, rounded

DRAWS = 60
"""Draws among the numbers of a configuration; its choices are all looked at."""
FARTHEST = 4
"""Changes at once that are tried when all smaller ones are known."""


class GreedyStrategy:
    """Proposes neighbours of the best."""

    name = "greedy"

    @classmethod
    def from_config(cls, config: StrategyConfig) -> GreedyStrategy:
        no_options(config)
        return cls()

    def ask(self, view: BoardView, n: int) -> Plan:
        """Propose for free slots only: the next step starts from what the last one brought."""
        return planned(view, n, _neighbour_of_best, ahead=False)

    def tell(self, experiment: Experiment, verdict: str, score: float | None) -> None:
        """Learn nothing here: the next view holds it."""


def _neighbour_of_best(turn: Turn) -> Proposal | None:
    """Return the best ranked experiment with one choice changed; more at once, then the next best, where everything near is known."""
    rng, allowed = turn.rng, turn.families()
    for seen in turn.ranked:
        recipe = turn.recipes.get(seen.experiment.family)
        if recipe not in allowed:
            continue
        start = rounded(full_config(recipe, seen.experiment.config, turn.view.task))
        config = _changed(turn, recipe, start, rng)
        if config is not None:
            change = said(differing(start, config), config)
            return turn.proposal(recipe, config, "greedy", f"#{seen.experiment.id} is the best so far; {change} may be better still",
                                 parent=seen.experiment.id)
    return None


def _changed(turn: Turn, recipe: Recipe, start: Mapping[str, Any], rng: random.Random) -> dict[str, Any] | None:
    for others in range(FARTHEST):
        base = start
        for _ in range(others):
            base = moved(turn, recipe, base, rng)
        new: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for config in _one_changed(turn, recipe, base, rng):
            if turn.is_new(recipe, config):
                new.setdefault(differing(start, config), []).append(config)
        if new:
            return rng.choice(new[rng.choice(list(new))])  # each parameter is as likely as any other, however many values it has
    return None


def _one_changed(turn: Turn, recipe: Recipe, base: Mapping[str, Any], rng: random.Random) -> list[dict[str, Any]]:
    flipped = [rounded(config) for _, config in recipe.flips(dict(base), turn.view.task)]
    drawn = [moved(turn, recipe, base, rng) for _ in range(DRAWS)]
    return flipped + [config for config in drawn if len(differing(base, config)) == 1]
