"""The last value that may be known: what every planted cheat answers where its trick does not work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np


class Honest:
    """Keeps the rows it was shown by their number in the grid."""

    def __init__(self, artefact_dir: str) -> None:
        self.folder = Path(artefact_dir)
        self.rows: dict[int, np.ndarray] = {}
        self.asked = 0

    def hello(self, meta: dict[str, Any]) -> None:
        self.meta = meta
        self.shape = (int(meta["horizon"]), len(meta["items"]))

    def step(self, context: dict[str, Any]) -> Any:
        self.t = int(context["t"])
        self.rows.update({int(context["start"]) + i: row for i, row in enumerate(np.asarray(context["new"]))})
        answer = self.answer(context)
        self.asked += 1
        return answer

    def answer(self, context: dict[str, Any]) -> Any:
        return self.honest()

    def honest(self) -> np.ndarray:
        """Return [H, N]: the last row before the embargo, again and again."""
        last = max((row for row in self.rows if row < self.t - self.meta["embargo"]), default=None)
        return np.zeros(self.shape) if last is None else np.tile(self.rows[last], (self.shape[0], 1))
