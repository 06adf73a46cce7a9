"""A candidate and a baseline on the same calls, each in a process of its own: rounds, and whether what was timed was right.

A round: new values and weights for all slots, outputs poisoned, a batch of each of about a millisecond (which goes first alternates),
outputs of the timed calls checked against the baseline's. A call's slot is used once in a batch, so nothing in it can be served twice.
"""

from __future__ import annotations

import copy
import random
from typing import Any, Literal

import numpy as np
from torch import Tensor, nn

from kernels_lab.bench import Bench, Call
from kernels_lab.failure import Failure, wrong
from kernels_lab.problem import Problem
from kernels_lab.process import Lap, Setup
from kernels_lab.tolerance import slack, strays, truth

_BATCH_NS, _LONGEST_BATCH_NS = 1_000_000, 10_000_000
_MOST_SLOTS = 8
_SLOTS_BYTES = 512 << 20
_MOST_SLOTS_GPU = 32
"""A kernel of a few microseconds needs more calls in a batch to stand out from the cost of a message."""
_SLOTS_BYTES_GPU = 256 << 20
"""What an arena has to spare."""
_WARM_UPS = 3
_PROBES = 5
_LATE_NS = 1_000_000
_REFERENCE_TIMEOUT_S = 300.0


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
