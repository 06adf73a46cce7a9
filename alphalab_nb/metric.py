"""The metric of a campaign. Its direction is settled here and nowhere else: nobody writes `reverse=True`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

T = TypeVar("T")

Direction = Literal["minimize", "maximize"]


@dataclass(frozen=True)
class Metric:
    """What is measured, which way is better, and in which unit."""

    name: str
    direction: Direction = "minimize"
    unit: str = ""

    def better(self, value: float, than: float | None) -> bool:
        """Say whether `value` is strictly better than the other value; NaN never is, anything beats None."""
        if math.isnan(value):
            return False
        if than is None or math.isnan(than):
            return True
        return self.loss(value) < self.loss(than)

    def loss(self, value: float) -> float:
        """Turn a value into a loss: smaller is better, NaN is worst."""
        if math.isnan(value):
            return math.inf
        return value if self.direction == "minimize" else -value

    def ranked(self, items: Iterable[T], value: Callable[[T], float]) -> list[T]:
        """Return the items best first."""
        return sorted(items, key=lambda item: self.loss(value(item)))

    def ahead(self, value: float, others: Mapping[str, float | None]) -> list[str]:
        """Return the names of those that are better than a value, best first."""
        known = {name: other for name, other in others.items() if other is not None and self.better(other, value)}
        return self.ranked(known, lambda name: known[name])

    def improvement(self, value: float, over: float) -> float:
        """Return the relative improvement over a reference as a fraction; positive is better."""
        if over == 0:
            return 0.0
        return (self.loss(over) - self.loss(value)) / abs(over)
