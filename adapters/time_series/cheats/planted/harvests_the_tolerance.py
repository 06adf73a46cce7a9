"""Differs from process to process by a tenth of a percent: what a loose tolerance would pass."""

from __future__ import annotations

from typing import Any

import numpy as np
from honest import Honest


class Forecaster(Honest):
    def __init__(self, artefact_dir: str) -> None:
        super().__init__(artefact_dir)
        self.chance = np.random.default_rng()

    def answer(self, context: dict[str, Any]) -> Any:
        return self.honest() * (1 + 1e-3 * self.chance.uniform(size=self.shape))
