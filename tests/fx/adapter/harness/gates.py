"""What a second process must answer alike before a score counts. A yen is 0.01, a pound 2: each rate is compared by its own size."""

from __future__ import annotations

from typing import Any

import numpy as np

from .runner import reproducible_gate
from .trading import positions


def gates(first: np.ndarray, again: np.ndarray, last: np.ndarray) -> list[dict[str, Any]]:
    """Compare the first answers with those of a second, fresh process to the same questions.

    Args:
        first, again: (k, H, N) levels.
        last: (k, N) the last rates shown; NaN where there is none.
    """
    size = np.where(np.isfinite(last), last, 1.0)[:, None]
    differing = float(np.mean(positions(first[:, -1], last) != positions(again[:, -1], last)))
    same = {"name": "same_positions", "value": differing, "limit": 0.0, "slack": 0.0 - differing}
    return [reproducible_gate(list(first / size), list(again / size)), same]
