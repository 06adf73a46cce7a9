"""Many verdicts in a few numbers: fast_p and geometric means. Which baseline they are against is always said."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Row(NamedTuple):
    """One problem that was attempted."""

    problem: str
    rewrite: bool
    """Whether an algebraic rewrite is the point of the problem."""
    speedup: float | None
    """Against the baseline in question; None if no candidate was right."""


class Summary(NamedTuple):
    """A table of problems against one baseline."""

    baseline: str
    attempted: int
    correct: int
    fast: dict[str, float]
    """p -> right and faster than p / attempted (KernelBench, arXiv 2502.10517, eq. 1)."""
    fast_of_correct: dict[str, float]
    """p -> faster than p / right, as in the paper of AlphaLab."""
    geometric_mean: float | None
    geometric_mean_without_rewrites: float | None


def summary(rows: Sequence[Row], baseline: str, thresholds: Iterable[float] = (1.0, 1.5, 2.0)) -> Summary:
    """Sum up one row per attempted problem."""
    speedups = [checked(row.speedup) for row in rows if row.speedup is not None]
    plain = [row.speedup for row in rows if row.speedup is not None and not row.rewrite]
    faster = {f"{p:g}": sum(value > p for value in speedups) for p in thresholds}
    return Summary(
        baseline, len(rows), len(speedups),
        {p: count / len(rows) for p, count in faster.items()} if rows else {},
        {p: count / len(speedups) for p, count in faster.items()} if speedups else {},
        geometric_mean(speedups), geometric_mean(plain),
    )  # fmt: skip


def geometric_mean(speedups: Sequence[float]) -> float | None:
    """Return the geometric mean; None of nothing."""
    return math.exp(sum(math.log(checked(value)) for value in speedups) / len(speedups)) if speedups else None


def checked(speedup: float) -> float:
    """Return a speedup that can be averaged. Zero, infinite and undefined ones would decide a geometric mean alone, so they are errors."""
    if not (math.isfinite(speedup) and speedup > 0):
        raise ValueError(f"{speedup} is not a speedup; a candidate without a finite positive one was not measured, so give None")
    return speedup
