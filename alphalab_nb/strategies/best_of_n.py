"""Best of N: draws around the defaults that know nothing of each other. What any search has to beat at an equal number of runs."""

from __future__ import annotations

from alphalab_nb.config import StrategyConfig
from alphalab_nb.storage.experiment import Experiment, Proposal
from alphalab_nb.strategies.base import BoardView, Plan
from alphalab_nb.strategies.plain import Turn, differing, moved, no_options, planned, said

FURTHER = 0.5
"""Probability of each further move away from the default."""
DRAWS = 60
"""Draws before a family counts as used up."""


class BestOfNStrategy:
    """Proposes independent draws."""

    name = "best_of_n"

    @classmethod
    def from_config(cls, config: StrategyConfig) -> BestOfNStrategy:
        no_options(config)
        return cls()

    def ask(self, view: BoardView, n: int) -> Plan:
        """Propose as many as are asked for: no result changes what comes next."""
        return planned(view, n, _drawn, ahead=True)

    def tell(self, experiment: Experiment, verdict: str, score: float | None) -> None:
        """Learn nothing: the draws are independent."""


def _drawn(turn: Turn) -> Proposal | None:
    """Return a draw around the default of a family that is drawn, too."""
    rng, families = turn.rng, turn.families()
    rng.shuffle(families)
    for recipe in families:
        default = recipe.default(turn.view.task)
        for _ in range(DRAWS):
            config = moved(turn, recipe, default, rng)
            while rng.random() < FURTHER:
                config = moved(turn, recipe, config, rng)
            if turn.is_new(recipe, config):
                change = said(differing(default, config), config)
                return turn.proposal(recipe, config, "draw", f"A draw around the default of {recipe.family}: {change}")
    return None
