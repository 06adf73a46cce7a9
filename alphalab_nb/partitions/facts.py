"""What the data say about a task: facts that recipes' parameter spaces and the harness are given beside the task block."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def with_season(task: Mapping[str, Any], explore_data: Path) -> dict[str, Any]:
    """Return the task block with the season settled from the data, so that a frozen harness has no choice left.

    Raises:
        FileNotFoundError: there are no partitions yet.
    """
    meta = json.loads((explore_data / "meta.json").read_text(encoding="utf-8"))
    return {**task, "season": task.get("season") or meta["season"], "seasons": meta["seasons"]}


def with_facts(task: Mapping[str, Any], explore_data: Path) -> dict[str, Any]:
    """Return `with_season`, and beside it `n_items` (series) and `length` (rows of explore), which defaults of recipes are made of."""
    meta = json.loads((explore_data / "meta.json").read_text(encoding="utf-8"))
    return {**with_season(task, explore_data), "n_items": meta["items"], "length": meta["rows"]}
