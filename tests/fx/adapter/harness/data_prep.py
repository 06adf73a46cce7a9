"""Partitions as one panel, forecast origins, and the rows that are visible at each of them.

Rows are counted from the first row of explore. Nothing here knows who forecasts.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .config import HarnessFault, Task

BEFORE: dict[str, tuple[str, ...]] = {"search": (), "confirm": ("search",), "sealed": ("search", "confirm")}
"""Vault partitions that lie between explore and each scored partition; they are context, never truth."""


@dataclass(frozen=True)
class Panel:
    """Consecutive rows of all items."""

    target: np.ndarray  # (T, N), NaN = missing
    times: np.ndarray  # (T,) or (T, N), unix seconds
    items: tuple[str, ...]
    covariates: np.ndarray  # (T, N or 1, C)
    covariate_names: tuple[str, ...]
    known: np.ndarray  # (C,) bool: known in advance over the horizon
    t0: int
    meta: dict[str, Any]

    @property
    def rows(self) -> int:
        return self.target.shape[0]


def load_partition(folder: Path) -> Panel:
    """Read panel.npz and meta.json of one partition.

    Raises:
        HarnessFault: a file is missing or not a panel.
    """
    try:
        meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        with np.load(folder / "panel.npz", allow_pickle=False) as data:
            arrays = {name: data[name] for name in data.files}
        return _panel(arrays, meta)
    except (OSError, ValueError, KeyError) as error:
        raise HarnessFault(f"cannot read the partition {folder.name}: {error}") from error


def _panel(arrays: dict[str, np.ndarray], meta: dict[str, Any]) -> Panel:
    target = np.ascontiguousarray(arrays["target"], dtype=np.float64)
    covariates = arrays.get("covariates", np.zeros((target.shape[0], 1, 0)))
    return Panel(
        target=target, times=np.asarray(arrays["times"], dtype=np.int64), items=tuple(map(str, arrays["items"])),
        covariates=np.ascontiguousarray(covariates, dtype=np.float64),
        covariate_names=tuple(map(str, arrays.get("covariate_names", ()))),
        known=np.asarray(arrays.get("known", np.zeros(covariates.shape[-1])), dtype=bool), t0=int(arrays["t0"]), meta=meta,
    )


def join(panels: list[Panel]) -> Panel:
    """Put consecutive partitions one after the other.

    Raises:
        HarnessFault: they do not connect.
    """
    first = panels[0]
    for left, right in itertools.pairwise(panels):
        if right.t0 != left.t0 + left.rows or right.items != left.items or right.covariate_names != left.covariate_names:
            raise HarnessFault(f"partitions do not connect: rows end at {left.t0 + left.rows}, the next begin at {right.t0}")
    return Panel(
        target=np.concatenate([p.target for p in panels]), times=np.concatenate([p.times for p in panels]),
        items=first.items, covariates=np.concatenate([p.covariates for p in panels]),
        covariate_names=first.covariate_names, known=first.known, t0=first.t0, meta=first.meta,
    )


@dataclass(frozen=True)
class Scene:
    """Everything one score needs: all rows up to the end of the scored partition, and where it begins."""

    panel: Panel
    explore_rows: int
    start: int
    """First row of the scored partition."""


def load_scene(partition: str, data: Path, vault: Path) -> Scene:
    """Read explore and the vault up to the end of a partition."""
    if partition not in BEFORE:
        raise HarnessFault(f"there is no partition '{partition}' to score; known: {', '.join(BEFORE)}")
    explore = load_partition(data)
    earlier = [load_partition(vault / name) for name in BEFORE[partition]]
    panel = join([explore, *earlier, load_partition(vault / partition)])
    if (panel.target <= 0).any():  # NaN compares False
        raise HarnessFault("the data holds a rate that is not positive, so it has no log return")
    return Scene(panel, explore.rows, explore.rows + sum(p.rows for p in earlier))


def origins(start: int, end: int, task: Task) -> np.ndarray:
    """Return the first forecast row of every window in [start, end).

    With an embargo the first origin is that many rows late, so that everything before `start` may be fitted on.
    """
    return np.arange(start + task.embargo, end - task.horizon + 1, task.stride)


def thin(rows: np.ndarray, count: int) -> np.ndarray:
    """Return `count` of the origins, evenly spread; the same ones every time."""
    if len(rows) <= count:
        return rows
    return rows[np.round(np.linspace(0, len(rows) - 1, count)).astype(int)]


def fit_end(scene: Scene, first_origin: int, task: Task) -> int:
    """Return the end (exclusive) of the rows that may be fitted on: explore, and no row under the embargo."""
    return max(0, min(scene.explore_rows, first_origin - task.embargo))


def context_rows(origin: int, task: Task, seen: int | None = None) -> tuple[int, int]:
    """Return the rows [first, end) that become visible at an origin.

    Args:
        seen: end of the rows already shown; None at the first step, which gets the lookback (or all history).
    """
    end = max(0, origin - task.embargo)
    if seen is not None:
        return min(seen, end), end
    # a short history gives a short context: it never borrows rows from the other side of the origin
    first = 0 if task.lookback is None else max(0, end - task.lookback)
    return first, end


def contexts(panel: Panel, rows: np.ndarray, task: Task) -> Iterator[dict[str, Any]]:
    """Yield what a forecaster is shown at each origin, in time order. `t` and `start` count in the whole grid."""
    seen: int | None = None
    for origin in map(int, rows):
        first, end = context_rows(origin, task, seen)
        seen = end
        yield context(panel, origin, first, end, task.horizon)


def context(panel: Panel, origin: int, first: int, end: int, horizon: int) -> dict[str, Any]:
    """Return the visible rows [first, end) and what is known in advance of [origin, origin + horizon)."""
    ahead = slice(origin, origin + horizon)
    return {
        "t": panel.t0 + origin, "start": panel.t0 + first,
        "new": panel.target[first:end], "times": panel.times[first:end], "cov": panel.covariates[first:end],
        "future_times": panel.times[ahead],
        "future_cov": np.where(panel.known, panel.covariates[ahead], np.nan),
    }
