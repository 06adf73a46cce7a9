"""Names of the strategies a campaign.yaml may choose."""

from __future__ import annotations

from collections.abc import Callable

from alphalab_nb.config import StrategyConfig, nearest
from alphalab_nb.errors import ConfigError
from alphalab_nb.strategies.base import Strategy
from alphalab_nb.strategies.listed import ListedStrategy
from alphalab_nb.strategies.offline import OfflineStrategy

STRATEGIES: dict[str, Callable[[StrategyConfig], Strategy]] = {
    "listed": ListedStrategy.from_config,
    "offline": OfflineStrategy.from_config,
}


def make_strategy(config: StrategyConfig) -> Strategy:
    """Return the configured strategy.

    Raises:
        ConfigError: no strategy of that name, or options it does not know.
    """
    if config.name not in STRATEGIES:
        raise ConfigError(f"there is no strategy '{config.name}'{nearest(config.name, list(STRATEGIES))}")
    return STRATEGIES[config.name](config)
