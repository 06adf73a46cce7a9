"""Answers by chance: sooner or later one draw is lucky."""

from __future__ import annotations

from typing import Any

import numpy as np
from honest import Honest


class Forecaster(Honest):
    def answer(self, context: dict[str, Any]) -> Any:
        return self.honest() + np.random.default_rng().normal(size=self.shape)
