"""Gradient boosting on what the mean of the last seasons at the same phase leaves over."""

from __future__ import annotations

from typing import Any

from boosting import Boosted


class Model(Boosted):
    """See boosting.py."""

    def __init__(self, config: dict[str, Any], task: dict[str, Any]) -> None:
        super().__init__(config, task, base="season", cycles=int(config["cycles"]), recent=int(config["recent"]))
