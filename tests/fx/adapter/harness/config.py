"""The task that is judged, read from config.json beside this file (phase 2 writes it, then it is frozen)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
METRICS = ("sharpe",)


class HarnessFault(Exception):
    """The evaluation itself cannot run (data, configuration); never the fault of a candidate."""


@dataclass(frozen=True)
class Task:
    """What is forecast and how it is judged. Lengths are rows of the panel: business days."""

    horizon: int
    """Rows per forecast, and rows that a position is held."""
    stride: int
    """Rows between origins; at least the horizon, so that no day is earned twice."""
    season: int = 1
    """Rows of the main season of the data. Forecasters are told; nothing here uses it."""
    metric: str = "sharpe"
    pegged: str | None = None
    """Name of the item whose rate is held by its central bank; the Sharpe without it is a secondary metric."""
    lookback: int | None = None
    """Rows of history the first step gets; None means all of it."""
    embargo: int = 0
    """Rows before an origin that neither fit nor context may use."""
    smoke_origins: int = 10
    """Origins of a smoke score, evenly spread."""
    raw: dict[str, Any] = field(default_factory=dict, compare=False)
    """The task block as it was written; candidates get it in `hello`."""


def parse_task(raw: dict[str, Any], meta: dict[str, Any] | None = None) -> Task:
    """Make a task of its block; the season comes from the panel and the stride from the horizon where they are left open.

    Raises:
        HarnessFault: a value that cannot be used.
    """
    known = {name for name in Task.__dataclass_fields__ if name != "raw"}
    given = {key: value for key, value in raw.items() if key in known and value is not None}
    given.setdefault("season", int((meta or {}).get("season") or 1))
    given.setdefault("stride", given.get("horizon"))
    try:
        task = Task(**given, raw=dict(raw))
    except TypeError as error:
        raise HarnessFault(f"config.json does not describe a task: {error}") from error
    _check(task)
    return task


def _check(task: Task) -> None:
    for name, least in (("horizon", 1), ("stride", 1), ("season", 1), ("embargo", 0), ("smoke_origins", 1)):
        if not isinstance(getattr(task, name), int) or getattr(task, name) < least:
            raise HarnessFault(f"config.json: {name} must be a whole number of at least {least}")
    if task.stride < task.horizon:
        raise HarnessFault(f"config.json: stride {task.stride} is less than the horizon {task.horizon}: a held day would count twice")
    if task.metric not in METRICS:
        raise HarnessFault(f"config.json: metric must be one of {', '.join(METRICS)}, not {task.metric!r}")
    if task.lookback is not None and task.lookback < 1:
        raise HarnessFault("config.json: lookback must be at least 1, or null for all history")


def load_task(meta: dict[str, Any] | None = None, folder: Path = HERE) -> Task:
    """Read config.json of the harness; a block named `task` inside it is accepted too.

    Raises:
        HarnessFault: the file is missing or cannot be used.
    """
    path = folder / "config.json"
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise HarnessFault(f"{path.name} is missing in the harness; phase 2 writes the task block into it") from error
    except ValueError as error:
        raise HarnessFault(f"{path.name} is not JSON: {error}") from error
    return parse_task(raw.get("task", raw), meta)


def harness_version(folder: Path = HERE) -> str:
    """Return a short hash of the harness files; the evaluator's own version string replaces it."""
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("*.py"), *folder.glob("config.json")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
