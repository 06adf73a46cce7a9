"""Gradient boosting, direct: trees learn the change from the last value (or the present level) to every step."""

from __future__ import annotations

from typing import Any

from boosting import Boosted


class Model(Boosted):
    """See boosting.py."""

    def __init__(self, config: dict[str, Any], task: dict[str, Any]) -> None:
        super().__init__(config, task, base=config["relative_to"], cycles=int(config["cycles"]), recent=int(config["recent"]))
