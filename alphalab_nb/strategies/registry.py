"""Names of the strategies a campaign.yaml may choose."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from alphalab_nb.config import StrategyConfig, nearest
from alphalab_nb.errors import ConfigError
from alphalab_nb.strategies.base import STRATEGIST, Strategy
from alphalab_nb.strategies.best_of_n import BestOfNStrategy
from alphalab_nb.strategies.greedy import GreedyStrategy
from alphalab_nb.strategies.listed import ListedStrategy
from alphalab_nb.strategies.offline import OfflineStrategy

if TYPE_CHECKING:  # the language model's libraries are loaded when it is chosen
    from alphalab_nb.strategies.strategist import OpenDeps

STRATEGIES: dict[str, Callable[[StrategyConfig], Strategy]] = {
    "best_of_n": BestOfNStrategy.from_config,
    "greedy": GreedyStrategy.from_config,
    "listed": ListedStrategy.from_config,
    "offline": OfflineStrategy.from_config,
}
"""Strategies that need no language model."""
AUTO = "auto"


def make_strategy(config: StrategyConfig, *, open_deps: OpenDeps | None = None) -> Strategy:
    """Return the configured strategy.

    Args:
        open_deps: what a Strategist works with; None if no language model plays that role.

    Raises:
        ConfigError: no strategy of that name, options it does not know, or a Strategist without a model.
    """
    name = config.name
    if name == AUTO:
        name = STRATEGIST if open_deps is not None else "offline"
    if name == STRATEGIST:
        return _strategist(config, open_deps)
    if name not in STRATEGIES:
        raise ConfigError(f"there is no strategy '{name}'{nearest(name, [*STRATEGIES, STRATEGIST, AUTO])}")
    return STRATEGIES[name](config)


def _strategist(config: StrategyConfig, open_deps: OpenDeps | None) -> Strategy:
    from alphalab_nb.strategies.strategist import StrategistStrategy

    if open_deps is None:
        raise ConfigError("strategy 'strategist' needs a language model; set llm, or use strategy 'offline'")
    if config.options:
        raise ConfigError(f"strategy 'strategist' has no option '{next(iter(config.options))}'")
    return StrategistStrategy(open_deps)
