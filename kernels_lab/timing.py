"""How long does a candidate take, next to a baseline: both in fresh processes on one core, a batch of each in turn, the clock held here.

On a GPU the clock is wall time alone: what the processor does meanwhile, spinning or asleep, is the candidate's choice.
"""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from kernels_lab.bench import TIMEOUT_S
from kernels_lab.duel import Duel
from kernels_lab.failure import Failure, Label, wrong
from kernels_lab.problem import Problem
from kernels_lab.process import Lap, Setup
from kernels_lab.ratio import Ratio, compared, low

ROUNDS = 40
BUDGET_S = 4.0
"""For the rounds of one comparison, and as much again if the first go was restless. 0: one go of the least number of rounds."""
_SECOND_GO = 1 << 32
"""Added to the seed for the second go, so that no other comparison has its inputs."""
_LEAST_ROUNDS = 12
_MOVE_EVERY = 5
"""Rounds after which all data moves to other pages; odd, so that each goes first after every second move. Without it the reference was up
to a third faster than itself in another process."""
_COLD_ROUNDS = 6
_MEMO = 3.0
"""A call on values that it has just seen may be this many times cheaper than on new ones before it is said to remember them."""
_MEMO_LEAST_US = 100.0
"""Shorter batches drown in the cost of a message."""
_DISAGREE = 0.15
_AA_LIMIT = 0.03
"""What a baseline may differ from itself by."""
_TOO_WIDE = 0.10
"""Half-width of an interval, as a logarithm, beyond which a result cannot be ranked, unless it is a quarter of the speedup's at most:
that a candidate is 40 to 55 times faster can be ranked."""
_RESTLESS = 0.08
"""Half-width beyond which a second pair of processes is asked: quiet problems stay below it, most comparisons of restless ones do not."""

Laps = list[tuple[Lap, Lap]]
"""Of the candidate and the baseline, in the order of the rounds."""


@dataclass(frozen=True)
class Timing:
    """What a comparison found."""

    candidate_us: float
    baseline_us: float
    speedup: Ratio
    clock: Literal["wall", "cpu"]
    """Which clock the speedup is of: wall time, unless it disagrees with processor time, as on a machine with other work."""
    wall: Ratio | None
    """From wall time alone; None if nothing could be told."""
    cpu: Ratio | None
    """From processor time of all threads alone; on a GPU None if nothing could be told."""
    cold: float | None
    """Speedup with cold caches."""
    aa: Ratio
    """The baseline in one half of the rounds / in the other: 1 where nothing disturbs."""
    noisy: bool
    """The baseline disagrees with itself, or the interval is too wide to rank by: measure again."""
    rounds: int
    batch: int
    """Calls in a batch."""
    load: float
    graph_breaks: int
    peak_mib: float


@torch.no_grad()
def compare(
    problem: Problem, candidate: Setup, baseline: Setup, *, seed: int, core: int | None = None, budget_s: float = BUDGET_S,
    timeout_s: float = TIMEOUT_S,
) -> Timing:  # fmt: skip
    """Time a candidate against a baseline; where that was restless, in a second pair of processes too: they differ by more than rounds do.

    Raises Failure if the candidate is caught at something.
    """

    def go(seed: int) -> Timing:
        with Duel(problem, candidate, baseline, seed=seed, core=core, timeout_s=timeout_s) as duel:
            batch = duel.sized()
            timing = _measured(duel, batch, budget_s)
            if (ratio := duel.remembers(list(range(batch)))) > _MEMO and timing.candidate_us * batch > _MEMO_LEAST_US:
                raise wrong("memoised", f"a call on values that it has just seen takes 1/{ratio:.1f} of the time of one on new values")
            return timing

    first = go(seed)
    return _pooled(first, go(seed + _SECOND_GO)) if budget_s and (first.noisy or first.speedup.width() > _RESTLESS) else first


def _pooled(first: Timing, second: Timing) -> Timing:
    """Return what two pairs of processes found together, by the clock that both of them can be believed by."""
    clock = first.clock if first.clock == second.clock else "cpu"
    wall, cpu = (_both(getattr(first, name), getattr(second, name)) for name in ("wall", "cpu"))
    speedup, aa = wall if clock == "wall" else cpu, first.aa.pooled(second.aa).rounded()
    assert speedup is not None  # a timing has a ratio by every clock that it may be believed by
    return replace(
        second, candidate_us=_middle(first.candidate_us, second.candidate_us), baseline_us=_middle(first.baseline_us, second.baseline_us),
        speedup=speedup, clock=clock, wall=wall, cpu=cpu, aa=aa, noisy=_noisy(speedup, aa), rounds=first.rounds + second.rounds,
        peak_mib=max(first.peak_mib, second.peak_mib),
    )  # fmt: skip


def _both(first: Ratio | None, second: Ratio | None) -> Ratio | None:
    return first.pooled(second).rounded() if first and second else first or second


def _middle(first: float, second: float) -> float:
    return math.sqrt(first * second)


def _noisy(speedup: Ratio, aa: Ratio) -> bool:
    return not aa.touches(1 - _AA_LIMIT, 1 + _AA_LIMIT) or speedup.width() > max(_TOO_WIDE, abs(math.log(speedup.value)) / 4)


def _measured(duel: Duel, batch: int, budget_s: float) -> Timing:
    laps: Laps = []
    ways: Laps = []
    until = time.monotonic() + budget_s
    while len(laps) < _LEAST_ROUNDS or (len(laps) < ROUNDS and time.monotonic() < until):
        if duel.clock == "cpu" and len(laps) and len(laps) % _MOVE_EVERY == 0:
            duel.move(len(laps))
        laps.append(duel.round(len(laps), batch))
        ways.append(duel.empty(len(ways)))
    duel.candidate.rests()
    cold = [duel.round(number, 1, warm=False) for number in range(_COLD_ROUNDS)]
    return _summed_up(duel, laps, ways, cold, batch)


def _summed_up(duel: Duel, laps: Laps, ways: Laps, cold: Laps, batch: int) -> Timing:
    times = {clock: [_net(laps, ways, who, clock, batch) for who in (0, 1)] for clock in ("wall", "cpu")}
    if low(times[duel.clock][0]) <= 0:
        raise Failure(Label.GATE_MISSED, "below_floor", "the call takes no longer than an empty message: it computes nothing")
    block = _MOVE_EVERY if duel.clock == "cpu" else 1
    cpu, wall = (compared(*times[clock][::-1], block=block) if min(map(low, times[clock])) > 0 else None for clock in ("cpu", "wall"))
    clock = _believed(duel, cpu, wall)
    speedup = wall if clock == "wall" else cpu
    if speedup is None:
        raise Failure(Label.INFRASTRUCTURE, "unmeasured", "the baseline takes no longer than an empty message here")
    candidate, baseline = times[clock]
    aa = _with_itself(baseline)
    return Timing(
        candidate_us=low(candidate), baseline_us=low(baseline), speedup=speedup.rounded(), clock=clock, wall=wall and wall.rounded(),
        cpu=cpu and cpu.rounded(), cold=_cold(cold, ways, duel.clock), aa=aa.rounded(),
        noisy=_noisy(speedup, aa), rounds=len(laps), batch=batch, load=os.getloadavg()[0], graph_breaks=duel.baseline.graph_breaks,
        peak_mib=duel.candidate.worker.peak_mib(),
    )  # fmt: skip


def _believed(duel: Duel, cpu: Ratio | None, wall: Ratio | None) -> Literal["wall", "cpu"]:
    if duel.clock == "wall":
        return "wall"
    agree = wall and cpu and abs(wall.value / cpu.value - 1) <= _DISAGREE and wall.width() <= _TOO_WIDE
    return "wall" if agree else "cpu"


def _with_itself(times: NDArray[np.float64]) -> Ratio:
    """Compare the baseline with itself: pairs of rounds in turn, in each of which it went first once and second once."""
    one, other = (times[[place for place in range(len(times)) if place // 2 % 2 == side]] for side in (0, 1))
    half = min(len(one), len(other))
    return compared(one[:half], other[:half])


def _net(laps: Laps, ways: Laps, who: int, clock: str, calls: int) -> NDArray[np.float64]:
    """Return microseconds per call: of each batch, less the way to the worker and back."""
    way = low(np.array([getattr(pair[who], f"{clock}_ns") for pair in ways], float))
    gross = np.array([getattr(pair[who], f"{clock}_ns") for pair in laps], float)
    return (gross - way) / calls / 1e3


def _cold(laps: Laps, ways: Laps, clock: str) -> float | None:
    """Return the speedup with cold caches: few rounds, of one call each."""
    candidate, baseline = (float(np.median(_net(laps, ways, who, clock, 1))) for who in (0, 1))
    return float(f"{baseline / candidate:.4g}") if candidate > 0 else None
