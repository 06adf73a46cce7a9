"""How long does a candidate take, next to a baseline: both in fresh processes on one core, a batch of each in turn, the clock held here.

On a GPU the clock is wall time alone: what the processor does meanwhile, spinning or asleep, is the candidate's choice.

A round: new values and weights for all slots, outputs poisoned, a batch of each of about a millisecond (which goes first alternates),
outputs of the timed calls checked against the baseline's. A call's slot is used once in a batch, so nothing in it can be served twice.
"""

from __future__ import annotations

import copy
import math
import os
import random
import time
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kernels_lab.bench import TIMEOUT_S, Bench, Call
from kernels_lab.failure import Failure, Label, wrong
from kernels_lab.problem import Problem
from kernels_lab.process import Lap, Setup
from kernels_lab.ratio import Ratio, compared, low
from kernels_lab.tolerance import slack, strays, truth

ROUNDS = 40
BUDGET_S = 4.0
"""For the rounds of one comparison, and as much again if the first go was noisy. 0: one go of the least number of rounds."""
_LEAST_ROUNDS = 12
_BATCH_NS, _LONGEST_BATCH_NS = 1_000_000, 10_000_000
_MOST_SLOTS = 8
_SLOTS_BYTES = 512 << 20
_MOST_SLOTS_GPU = 32
"""A kernel of a few microseconds needs more calls in a batch to stand out from the cost of a message."""
_SLOTS_BYTES_GPU = 256 << 20
"""What an arena has to spare."""
_WARM_UPS = 3
_MOVE_EVERY = 5
"""Rounds after which all data moves to other pages; odd, so that each goes first after every second move. Without it the reference was up
to a third faster than itself in another process."""
_COLD_ROUNDS = 6
_PROBES = 5
_MEMO = 3.0
"""A call on values that it has just seen may be this many times cheaper than on new ones before it is said to remember them."""
_MEMO_LEAST_US = 100.0
"""Shorter batches drown in the cost of a message."""
_LATE_NS = 1_000_000
_REFERENCE_TIMEOUT_S = 300.0
_DISAGREE = 0.15
_AA_LIMIT = 0.03
"""What a baseline may differ from itself by."""
_TOO_WIDE = 0.10
"""Half-width of an interval, as a logarithm, beyond which a result cannot be ranked, unless it is a quarter of the speedup's at most:
that a candidate is 40 to 55 times faster can be ranked."""

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


class Duel:
    """A candidate and a baseline on the same calls."""

    def __init__(self, problem: Problem, candidate: Setup, baseline: Setup, *, seed: int, core: int | None, timeout_s: float) -> None:
        self._problem, self._draw = problem, random.Random(f"{problem.name}/timing/{seed}")
        self.clock: Literal["wall", "cpu"] = "cpu" if candidate.device == "cpu" else "wall"
        """Decides whatever one clock alone decides."""
        self._weights = problem.model(self._new())
        first = [self._fresh(), self._fresh()]
        self._like: Tensor = self._weights(*first[0].inputs)
        self._slack = slack(truth(self._weights, first[0].inputs))
        self._bytes = sum(tensor.numel() * tensor.element_size() for tensor in (*first[0].arguments(), self._like))
        self.baseline = Bench(baseline, self._bytes, core=core, seed=self._new(), timeout_s=_REFERENCE_TIMEOUT_S)
        try:
            self.candidate = Bench(candidate, self._bytes, core=core, seed=self._new(), timeout_s=timeout_s)
        except Failure:
            self.baseline.close()
            raise
        self._calls: list[Call] = []
        self._expected: dict[int, Tensor] = {}
        self._lay(first)

    def __enter__(self) -> Duel:
        return self

    def __exit__(self, *_: object) -> None:
        self.candidate.close()
        self.baseline.close()

    def _new(self) -> int:
        return self._draw.randrange(1, 2**31)

    def _fresh(self) -> Call:
        return Call(self._problem, self._weights, self._problem.inputs(self._new()))

    def _lay(self, calls: list[Call], number: int = 0) -> None:
        """Lay the calls out anew and warm both up, in turn, before the round of this number."""
        self._calls = calls
        order = self._order(number)
        for bench in order:
            bench.lay(calls, self._like)
        for _ in range(_WARM_UPS):
            for bench in reversed(order):
                bench.run(list(range(len(calls))))

    def _order(self, number: int) -> tuple[Bench, Bench]:
        """Return who goes first in a round, and who second. What is done before is done for the first last: else the caches are on the side
        of one of them, and the reference beats itself by a tenth."""
        return (self.candidate, self.baseline) if number % 2 else (self.baseline, self.candidate)

    def sized(self) -> int:
        """Choose how many calls make a batch, the same number for both, and lay out as many slots.

        The candidate's takes about a millisecond, unless the baseline's would then take too long. Were the numbers different, the first
        call after waking, which finds the caches of the core cold, would weigh differently, too.
        """
        candidate, baseline = (max(1, self._one_ns(bench)) for bench in (self.candidate, self.baseline))
        slots, room = (_MOST_SLOTS, _SLOTS_BYTES) if self.clock == "cpu" else (_MOST_SLOTS_GPU, _SLOTS_BYTES_GPU)
        batch = max(1, min(_BATCH_NS // candidate, _LONGEST_BATCH_NS // baseline, slots, room // max(1, self._bytes)))
        self._lay([*self._calls, *(self._fresh() for _ in range(batch - len(self._calls)))])
        return batch

    def _one_ns(self, bench: Bench) -> int:
        """Return about how long a call takes; on a GPU without the way to the worker and back, which takes longer than many a kernel."""
        if self.clock == "cpu":
            return min(bench.run([slot]).cpu_ns for slot in (0, 1, 0, 1))
        return min(bench.run([slot]).wall_ns for slot in (0, 1, 0, 1)) - min(bench.run([]).wall_ns for _ in range(4))

    def move(self, number: int) -> None:
        """Lay everything out anew: which pages data lies in makes one process faster than another that runs the same code."""
        self._lay(self._calls, number)

    def renew(self, slots: list[int], number: int = 0) -> None:
        """Write new values: one slot is drawn anew, the others are scaled by a factor that nobody foresees; so are the weights."""
        anew = self._draw.choice(slots)
        weights = self._scaled_weights()
        for slot in slots:
            base = self._fresh() if slot == anew else self._calls[slot]
            self._calls[slot] = base
            call = Call(self._problem, weights, [self._scaled(value) for value in base.inputs])
            for bench in reversed(self._order(number)):
                bench.fill(slot, call)

    def _scaled(self, value: Any) -> Any:
        if not isinstance(value, Tensor) or value.ndim == 0:
            return value
        if value.is_floating_point():
            return value * self._draw.uniform(0.9, 1.0)
        return value.roll(self._draw.randrange(max(1, value.shape[0])), 0)

    def _scaled_weights(self) -> nn.Module:
        model = copy.deepcopy(self._weights)
        for tensor in model.state_dict().values():
            if tensor.is_floating_point():
                tensor.mul_(self._draw.uniform(0.9, 1.0))
        return model

    def round(self, number: int, batch: int, *, warm: bool = True) -> tuple[Lap, Lap]:
        """Time a batch of the candidate and one of the baseline, and check every output of the candidate's."""
        slots = self._draw.sample(range(len(self._calls)), batch)
        self.renew(slots, number)
        laps = {id(bench): bench.run(slots, warm=warm) for bench in self._order(number)}
        self._judge(slots, laps[id(self.candidate)], number)
        return laps[id(self.candidate)], laps[id(self.baseline)]

    def _judge(self, slots: list[int], lap: Lap, number: int) -> None:
        found = {id(bench): bench.collect(slots) for bench in reversed(self._order(number))}
        outputs, expected = found[id(self.candidate)], dict(zip(slots, found[id(self.baseline)]))
        late = self.candidate.idle_ns
        if late > max(3 * self.baseline.idle_ns, lap.cpu_ns // 4) + _LATE_NS:
            raise wrong("deferred_work", f"{late / 1e6:.1f} ms of processor time were used after the clock had stopped")
        for slot, output in zip(slots, outputs):
            if strays(output, expected[slot], self._slack):
                before = self._expected.get(slot)
                replayed = before is not None and not strays(output, before, self._slack)
                what = "replayed_output" if replayed else "wrong_when_timed"
                raise wrong(what, f"the output of a timed call is wrong{'; it is that of an earlier call' if replayed else ''}")
        self._expected.update({slot: tensor.clone() for slot, tensor in expected.items()})

    def empty(self, number: int) -> tuple[Lap, Lap]:
        """Time the way to each worker and back, as awake as it is in a round, and in the round's order."""
        laps = {id(bench): bench.run([]) for bench in self._order(number)}
        return laps[id(self.candidate)], laps[id(self.baseline)]

    def remembers(self, slots: list[int]) -> float:
        """Return how many times cheaper a call on values that it has just seen is than one on new values."""
        new, again = [], []
        for _ in range(_PROBES):
            self.renew(slots)
            new.append(getattr(self.candidate.run(slots), f"{self.clock}_ns"))
            again.append(getattr(self.candidate.run(slots), f"{self.clock}_ns"))
        return float(np.median(new) / max(1.0, float(np.median(again))))


@torch.no_grad()
def compare(
    problem: Problem, candidate: Setup, baseline: Setup, *, seed: int, core: int | None = None, budget_s: float = BUDGET_S,
    timeout_s: float = TIMEOUT_S,
) -> Timing:  # fmt: skip
    """Time a candidate against a baseline. Raises Failure if it is caught at something."""
    with Duel(problem, candidate, baseline, seed=seed, core=core, timeout_s=timeout_s) as duel:
        batch = duel.sized()
        timing = _measured(duel, batch, budget_s)
        if timing.noisy and budget_s:
            timing = _measured(duel, batch, budget_s)
        if (ratio := duel.remembers(list(range(batch)))) > _MEMO and timing.candidate_us * batch > _MEMO_LEAST_US:
            raise wrong("memoised", f"a call on values that it has just seen takes 1/{ratio:.1f} of the time of one on new values")
        return timing


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
        noisy=not aa.touches(1 - _AA_LIMIT, 1 + _AA_LIMIT) or speedup.width() > max(_TOO_WIDE, abs(math.log(speedup.value)) / 4),
        rounds=len(laps), batch=batch, load=os.getloadavg()[0], graph_breaks=duel.baseline.graph_breaks,
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
