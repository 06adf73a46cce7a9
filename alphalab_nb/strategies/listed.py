"""Proposes a given list in its order. For benches, tests and people who know what they want to run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from alphalab_nb.config import StrategyConfig, nearest
from alphalab_nb.errors import ConfigError
from alphalab_nb.storage.board import clean_name
from alphalab_nb.storage.experiment import Experiment, Proposal, State
from alphalab_nb.strategies.base import BoardView, Plan


class ListedStrategy:
    """Takes `strategy.options.proposals`: a list of {family, name, config, hypothesis, ...}; only family is required."""

    name = "listed"

    def __init__(self, proposals: Sequence[Proposal]) -> None:
        self._proposals = tuple(proposals)

    @classmethod
    def from_config(cls, config: StrategyConfig) -> ListedStrategy:
        unknown = set(config.options) - {"proposals"}
        if unknown:
            raise ConfigError(f"strategy 'listed' has no option '{unknown.pop()}'; its only option is 'proposals'")
        listed = config.options.get("proposals")
        if not isinstance(listed, list) or not listed:
            raise ConfigError("strategy 'listed' needs strategy.options.proposals: a list of {family: ..., config: {...}}")
        proposals = [_proposal(number, entry) for number, entry in enumerate(listed, start=1)]
        names = [clean_name(proposal.name) for proposal in proposals]
        for name in names:
            if names.count(name) > 1:
                raise ConfigError(f"strategy.options.proposals: the name '{name}' occurs twice; give each its own")
        return cls(proposals)

    def ask(self, view: BoardView, n: int) -> Plan:
        """Return the next of the list; what is on the board already, in any state, was proposed before."""
        known = {seen.experiment.name for seen in view.experiments}
        left = [proposal for proposal in self._proposals if clean_name(proposal.name) not in known]
        chosen = left[: min(n, view.remaining)]
        screened = [s.experiment.id for s in view.experiments if s.experiment.state is State.CHECKED and s.experiment.fidelity == "smoke"]
        return Plan(proposals=chosen, promote=screened, exhausted=len(chosen) == len(left))

    def tell(self, experiment: Experiment, verdict: str, score: float | None) -> None:
        """Learn nothing: the list is fixed."""


def _proposal(number: int, entry: Any) -> Proposal:
    allowed = [item.name for item in fields(Proposal)]
    if not isinstance(entry, Mapping) or "family" not in entry:
        raise ConfigError(f"strategy.options.proposals[{number}] must be a mapping with at least 'family'")
    for key in entry:
        if key not in allowed:
            raise ConfigError(f"strategy.options.proposals[{number}]: unknown key '{key}'{nearest(str(key), allowed)}")
    defaults = {"name": f"{entry['family']}_{number}", "hypothesis": "given in the campaign's list", "stage": "listed"}
    return Proposal(**{**defaults, **entry})
