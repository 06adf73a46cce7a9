"""The rule-based researcher: rules and TPE over the adapter's recipes. No language model.

Everything is computed from the BoardView, so a restarted process continues where the board stands.
"""

from __future__ import annotations

from alphalab_nb.config import StrategyConfig, nearest
from alphalab_nb.errors import ConfigError
from alphalab_nb.storage.experiment import Experiment
from alphalab_nb.strategies.base import BoardView, Plan
from alphalab_nb.strategies.breadth import Breadth
from alphalab_nb.strategies.lessons import lessons
from alphalab_nb.strategies.turn import NAME, Turn


class OfflineStrategy:
    """Proposes by rules and TPE."""

    name = NAME

    @classmethod
    def from_config(cls, config: StrategyConfig) -> OfflineStrategy:
        for key in config.options:
            raise ConfigError(f"strategy 'offline' has no option '{key}'{nearest(key, ['seed'])}; set strategy.seed beside options")
        return cls()

    def ask(self, view: BoardView, n: int) -> Plan:
        """Propose up to n experiments; fewer when waiting for running results will make better ones."""
        turn = (Breadth if view.compare_within == "family" else Turn)(view)
        proposals = turn.propose(min(n, view.remaining))
        idle = not proposals and not turn.in_flight
        promote, drop = turn.screened(at_once=idle)
        spent = idle and n > 0 and not promote and not turn.waits_for_people
        return Plan(proposals=proposals, promote=promote, drop=drop, lessons=lessons(view, author=self.name), exhausted=spent)

    def tell(self, experiment: Experiment, verdict: str, score: float | None) -> None:
        """Learn nothing here: the next view holds it."""
