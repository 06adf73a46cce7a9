"""The reference against itself in two processes: does the interval contain 1, and is it narrow enough to rank by?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from kernels_lab import baselines
from kernels_lab.cores import device_held, leased
from kernels_lab.problem import Problem
from kernels_lab.timing import BUDGET_S, compare


@dataclass(frozen=True)
class Trial:
    """One comparison of the reference with itself."""

    problem: str
    value: float
    low: float
    high: float
    clock: str
    noisy: bool

    @property
    def contains_one(self) -> bool:
        """Whether the interval is right."""
        return self.low <= 1 <= self.high


def trials(problems: Iterable[Problem], repeats: int, *, seed: int, device: str = "cpu", budget_s: float = BUDGET_S) -> list[Trial]:
    """Compare each problem's reference with itself this many times; see `timing.BUDGET_S`."""
    return [_trial(problem, seed + repeat, device, budget_s) for problem in problems for repeat in range(repeats)]


def summed_up(done: list[Trial]) -> dict[str, Any]:
    """Return the share of right intervals, and of those narrow enough."""
    ranked = [trial for trial in done if not trial.noisy]
    share = sum(trial.contains_one for trial in done) / len(done) if done else None
    of_ranked = sum(trial.contains_one for trial in ranked) / len(ranked) if ranked else None
    return {"trials": len(done), "contain_one": share, "ranked": len(ranked), "contain_one_of_ranked": of_ranked}


def _trial(problem: Problem, seed: int, device: str, budget_s: float) -> Trial:
    eager = baselines.setup("eager", device)
    with device_held(device), leased() as core:
        found = compare(problem, eager, eager, seed=seed, core=core, budget_s=budget_s)
    return Trial(problem.name, *found.speedup, clock=found.clock, noisy=found.noisy)
