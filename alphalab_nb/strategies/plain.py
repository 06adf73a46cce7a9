"""What the strategies that others are measured against have in common: the defaults of all families first, nothing twice, no lessons.

They know no screening, no ensembles and no model of the scores. What they may propose next is all that they differ in.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from alphalab_nb.adapter import Recipe
from alphalab_nb.config import StrategyConfig
from alphalab_nb.errors import ConfigError
from alphalab_nb.storage.experiment import Proposal, State
from alphalab_nb.strategies.base import BoardView, Plan
from alphalab_nb.strategies.space import full_config, rounded, signature
from alphalab_nb.strategies.wishes import wishes

OPEN = frozenset({State.PROPOSED, State.TO_IMPLEMENT, State.IMPLEMENTED, State.CHECKED, State.QUEUED, State.RUNNING, State.FINISHED})
RESERVE = 2
"""Experiments beyond the free slots that a dispatcher asks for."""


@dataclass
class Turn:
    """One look at the board and what is proposed on it."""

    view: BoardView
    proposals: list[Proposal] = field(default_factory=list[Proposal])

    def __post_init__(self) -> None:
        view = self.view
        self.recipes = {recipe.family: recipe for recipe in view.recipes if not recipe.combines}
        self._taken = {
            signature(self.recipes[seen.experiment.family], seen.experiment.config, view.task)
            for seen in view.experiments if seen.experiment.family in self.recipes
        }
        self._counts = Counter(seen.experiment.family for seen in view.experiments if seen.experiment.state is not State.CANCELLED)
        self.waits = any(seen.experiment.state in OPEN for seen in view.experiments)
        scored = [seen for seen in view.experiments if seen.score is not None and not seen.experiment.quarantined]
        self.ranked = view.metric.ranked(scored, lambda seen: seen.score if seen.score is not None else float("nan"))

    @property
    def rng(self) -> random.Random:
        """Return the generator of the next proposal, fixed by seed and board."""
        return random.Random(f"{self.view.seed}/{len(self.view.experiments)}/{len(self.proposals)}")

    def families(self) -> list[Recipe]:
        """Return the families that may get one more experiment, cheap ones first."""
        cap, avoided = max(2, round(self.view.family_share * self.view.budget)), wishes(self.view).avoided
        allowed = [recipe for name, recipe in self.recipes.items() if name not in avoided and self._counts[name] < cap]
        return sorted(allowed, key=lambda recipe: (recipe.spec.cost, recipe.family))

    def is_new(self, recipe: Recipe, config: Mapping[str, Any]) -> bool:
        return signature(recipe, config, self.view.task) not in self._taken

    def default(self) -> Proposal | None:
        """Return the next default that is not on the board; at most half of the budget goes to defaults."""
        if len(self.view.experiments) + len(self.proposals) >= -(-self.view.budget // 2):
            return None
        for recipe in self.families():
            config = recipe.default(self.view.task)
            if self.is_new(recipe, config):
                return self.proposal(recipe, config, "defaults", f"The default of {recipe.family} is where its search starts")
        return None

    def proposal(self, recipe: Recipe, config: Mapping[str, Any], stage: str, hypothesis: str, *, parent: int | None = None) -> Proposal:
        name = f"{recipe.family}_{stage}_{len(self.view.experiments) + len(self.proposals) + 1}"
        return Proposal(name=name, family=recipe.family, hypothesis=hypothesis, config=rounded(config), stage=stage, parent=parent)

    def take(self, proposal: Proposal) -> None:
        self.proposals.append(proposal)
        self._counts[proposal.family] += 1
        self._taken.add(signature(self.recipes[proposal.family], proposal.config, self.view.task))


Draw = Callable[[Turn], Proposal | None]
"""Returns one more proposal, or None if it knows none."""


def planned(view: BoardView, n: int, draw: Draw, *, ahead: bool) -> Plan:
    """Return the defaults that are left, then what is drawn.

    Args:
        ahead: whether proposals can be drawn before the results of those under way are known.
    """
    turn = Turn(view)
    while len(turn.proposals) < min(n, view.remaining):
        proposal = turn.default()
        if proposal is None and (ahead or len(turn.proposals) < n - RESERVE or not (turn.waits or turn.proposals)):
            proposal = draw(turn)
        if proposal is None:
            break
        turn.take(proposal)
    screened = [s.experiment.id for s in view.experiments if s.experiment.state is State.CHECKED and s.experiment.fidelity == "smoke"]
    return Plan(proposals=turn.proposals, promote=screened, exhausted=n > 0 and not turn.proposals and not turn.waits)


def moved(turn: Turn, recipe: Recipe, config: Mapping[str, Any], rng: random.Random) -> dict[str, Any]:
    """Return the configuration with one or two parameters moved; choices of a branch that this opens take their defaults."""
    return rounded(recipe.perturb(full_config(recipe, config, turn.view.task), turn.view.task, rng))


def differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the parameters that both configurations have, with different values."""
    return tuple(name for name, value in new.items() if name in old and old[name] != value)


def said(names: Sequence[str], config: Mapping[str, Any]) -> str:
    """Return the parameters with their values, in words."""
    return ", ".join(f"{name} {config[name]}" for name in names)


def no_options(config: StrategyConfig) -> None:
    """Refuse options.

    Raises:
        ConfigError: there is one.
    """
    for key in config.options:
        raise ConfigError(f"strategy '{config.name}' has no option '{key}'; remove it from strategy.options")
