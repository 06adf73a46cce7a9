"""Samples for models that forecast every step of the horizon at once. An origin is the first row of a forecast."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from series import Panel, Window, fill

CHUNK_CELLS = 4_000_000


def before(values: np.ndarray, origins: np.ndarray, length: int) -> np.ndarray:
    """Return the `length` rows before each origin of [T, N]: [O, N, length]."""
    return sliding_window_view(values, length, axis=0)[origins - length]


def ahead(values: np.ndarray, origins: np.ndarray, horizon: int) -> np.ndarray:
    """Return the `horizon` rows from each origin on: [O, N, horizon]."""
    return sliding_window_view(values, horizon, axis=0)[origins]


def latest(window: Window, length: int, season: int) -> np.ndarray:
    """Return the last `length` rows of a window without NaN, [N, length]; what is too short begins with its first row."""
    past = fill(window.target, season)[-length:]
    return np.concatenate([np.repeat(past[:1], length - len(past), axis=0), past]).T


def origins_of(panel: Panel, lookback: int, horizon: int) -> np.ndarray:
    """Return every origin that has a full window on both sides."""
    return np.arange(lookback, panel.rows - horizon + 1)


def aligned(origins: np.ndarray, rows: int, stride: int) -> np.ndarray:
    """Return the origins that the task's own rhythm, carried back from the end of the panel, would visit."""
    return origins[(rows - origins) % stride == 0]


def usable(panel: Panel, origins: np.ndarray, lookback: int, horizon: int) -> np.ndarray:
    """Return [O, N]: at least half of the rows on either side of the origin were really seen."""
    seen = np.concatenate([np.zeros((1, panel.items)), np.cumsum(np.isfinite(panel.target), axis=0)])
    past, future = seen[origins] - seen[origins - lookback], seen[origins + horizon] - seen[origins]
    return (2 * past >= lookback) & (2 * future >= horizon)


def chunks(origins: np.ndarray, cells_each: int) -> Iterator[np.ndarray]:
    """Cut the origins so that no chunk of samples takes much memory."""
    size = max(1, CHUNK_CELLS // max(1, cells_each))
    for first in range(0, len(origins), size):
        yield origins[first : first + size]


def fitting_lookback(panel: Panel, wanted: int, horizon: int) -> int:
    """Return the lookback, shortened until at least as many origins as rows of a window remain."""
    return int(np.clip(wanted, 1, max(1, (panel.rows - horizon) // 2)))


def item_scale(target: np.ndarray) -> np.ndarray:
    """Standard deviation of each item [N]; 1 where it is constant or unknown."""
    seen = np.isfinite(target)
    count = np.maximum(seen.sum(axis=0), 1)
    mean = np.where(seen, target, 0.0).sum(axis=0) / count
    deviation = np.sqrt((np.where(seen, target - mean, 0.0) ** 2).sum(axis=0) / count)
    return np.where(deviation > 1e-9 * (1 + np.abs(mean)), deviation, 1.0)


def item_weight(scale: np.ndarray, task: dict[str, Any]) -> np.ndarray:
    """Weight of scaled errors so that their sum is the task's loss: items judged in their own units count by their size."""
    if task.get("scale") == "zscore":
        return np.ones_like(scale)
    size = scale if task.get("metric") == "mae" else scale**2
    return size / size.mean()
