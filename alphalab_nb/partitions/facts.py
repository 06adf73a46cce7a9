"""What the data say about a task: facts that recipes' parameter spaces and the harness are given beside the task block."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def with_season(task: Mapping[str, Any], explore_data: Path) -> dict[str, Any]:
    """Return the task block with the season settled from the data, so that a frozen harness has no choice left.

    What is no series has no season: its task block is settled as it is.

    Raises:
        FileNotFoundError: there are no partitions yet.
    """
    return _settled(task, _meta(explore_data))


def with_facts(task: Mapping[str, Any], explore_data: Path) -> dict[str, Any]:
    """Return `with_season`, and beside it `n_items` (series) and `length` (rows of explore), which defaults of recipes are made of."""
    meta = _meta(explore_data)
    counted = {"n_items": "items", "length": "rows"}
    return {**_settled(task, meta), **{name: meta[key] for name, key in counted.items() if key in meta}}


def _settled(task: Mapping[str, Any], meta: Mapping[str, Any]) -> dict[str, Any]:
    if "season" not in meta:
        return dict(task)
    return {**task, "season": task.get("season") or meta["season"], "seasons": meta["seasons"]}


def _meta(explore_data: Path) -> dict[str, Any]:
    return json.loads((explore_data / "meta.json").read_text(encoding="utf-8"))
