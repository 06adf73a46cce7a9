"""A candidate's process at the bench: lay out its calls in shared memory, run them, and look for everything but right values.

What is looked for, by the name of the check: background_threads, moved_core, deferred_work, input_mutation, out_of_bounds, patched_runtime,
output_type, output_layout, aliased_output, stale_output.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor, nn

from kernels_lab.arena import Arena, Buffer, room_for, same_bits
from kernels_lab.failure import wrong
from kernels_lab.problem import Problem
from kernels_lab.process import Lap, Setup, Worker

TIMEOUT_S = 30.0
"""For one request to a candidate, unless the caller says otherwise."""
_IDLE_S = 0.002
_IDLE_CPU_NS = 1_000_000
"""What a worker that waits for its next request may use within _IDLE_S; more is work that goes on behind the clock."""
_BUILD_TIMEOUT_S = 300.0
"""For binding, which builds a module; the first call of a compiled one takes as long."""
_SPARE_BYTES = 256 << 20
_SHIFT_BYTES = 8 << 20
"""Most that is allocated before a candidate's own outputs are, so that they do not lie in the same pages for the life of its process."""


class Call(NamedTuple):
    """One call of a problem's model."""

    problem: Problem
    model: nn.Module
    inputs: list[Any]

    def arguments(self) -> list[Tensor]:
        """Return what a kernel gets as pointers."""
        return [tensor for _, tensor in self.problem.arguments(self.model, self.inputs)]


class _Slot(NamedTuple):
    arguments: list[Buffer]
    out: Buffer


class Bench:
    """A worker, its arena and its slots: places in memory for the arguments and the output of a call."""

    def __init__(self, setup: Setup, arguments_bytes: int, *, core: int | None = None, seed: int = 0, timeout_s: float = TIMEOUT_S) -> None:
        torch.set_num_threads(1)  # two threads of ours wait for each other, and for the candidate, on a busy machine
        self._arena = Arena(8 * arguments_bytes + _SPARE_BYTES)  # touched pages alone take memory
        self._jitter = random.Random(seed)
        self._slots: list[_Slot] = []
        self._calls: dict[int, Call] = {}
        self._native, self._plain, self._trusted = setup.program == "native", setup.plain, setup.trusted
        self._device = setup.device.partition(":")[0]
        self._core, self._timeout_s = core, timeout_s
        self.worker = Worker(setup, self._arena.fd, self._arena.nbytes, core=core)
        self.graph_breaks = 0
        self.idle_ns = 0

    def lay(self, calls: Sequence[Call], like: Tensor) -> None:
        """Give every call a slot at addresses of its own; the weights are shared. `like` has the output's shape and layout."""
        tensors = [[self._laid(tensor) for tensor in call.arguments()] for call in calls]
        inputs = _inputs(calls[0])
        self._arena.reset(self._jitter, room_for([*tensors[0][inputs:], *(part for own in tensors for part in (*own[:inputs], like))]))
        weights = [self._arena.place(tensor, self._jitter) for tensor in tensors[0][inputs:]]
        self._slots = [
            _Slot([*(self._arena.place(tensor, self._jitter) for tensor in own[:inputs]), *weights],
                  self._arena.place(like, self._jitter, output=True))
            for own in tensors
        ]
        for number, call in enumerate(calls):
            self.fill(number, call)
        self._bind(calls[0])

    def _laid(self, tensor: Tensor) -> Tensor:
        return tensor.contiguous() if self._plain else tensor

    def _bind(self, call: Call) -> None:
        problem, inputs = call.problem, _inputs(call)
        names = [name if number >= inputs else None for number, (name, _) in enumerate(problem.arguments(call.model, call.inputs))]
        slots = [{"arguments": [buffer.spec for buffer in slot.arguments], "out": slot.out.spec} for slot in self._slots]
        constants = {str(place): value for place, value in enumerate(call.inputs) if not isinstance(value, Tensor)}
        self.worker.ask(
            "bind", source=problem.source, sizes=list(problem.sizes.values()), scalars=list(problem.scalars.values()), slots=slots,
            names=names, constants=constants, shift=self._jitter.randrange(_SHIFT_BYTES), timeout_s=_BUILD_TIMEOUT_S,
        )  # fmt: skip

    def fill(self, number: int, call: Call) -> None:
        """Write a call's arguments into its slot, and poison the output."""
        slot = self._slots[number]
        for buffer, tensor in zip(slot.arguments, call.arguments()):
            buffer.tensor.copy_(tensor)
        slot.out.poison()
        self._calls[number] = call

    def run(self, slots: list[int], *, warm: bool = True) -> Lap:
        """Run the candidate on these slots; the caches are warm or cold. Looks at threads before anything else can hide them."""
        self.worker.ask("prepare", slots=slots, warm=warm, timeout_s=self._timeout_s)
        if not warm:
            self.worker.ask("flush")
        lap = self.worker.lap(slots, timeout_s=self._timeout_s)
        self._alone()
        return lap

    def _alone(self) -> None:
        if self._trusted:  # torch.compile keeps threads of its own
            return
        if (threads := self.worker.threads()) > self.worker.threads_at_start:
            before = self.worker.threads_at_start
            raise wrong("background_threads", f"{threads} threads after a call, {before} before the candidate was loaded")
        if self._core is not None and (cores := self.worker.cores()) != {self._core}:
            raise wrong("moved_core", f"it left core {self._core}, which it was given, for {sorted(cores)}")

    def collect(self, slots: list[int]) -> list[Tensor]:
        """Return the outputs of these slots, as views of shared memory, after all checks except that of their values."""
        before = self.worker.cpu_ns()
        answer = self.worker.ask("deliver", slots=slots, timeout_s=self._timeout_s)
        self.idle_ns = self.worker.cpu_ns() - before
        for number in slots:
            self._intact(number)
        if not self._native:
            self._described(answer, slots)
        for number in slots:
            out = self._slots[number].out
            if missing := out.unwritten():
                raise wrong("stale_output", f"{missing} of {out.tensor.numel()} elements of the output were never written")
        return [self._slots[number].out.tensor for number in slots]

    def rests(self) -> None:
        """Check that the worker does nothing while nobody asks it anything."""
        if self._trusted:
            return
        before = self.worker.cpu_ns()
        time.sleep(_IDLE_S)
        if (used := self.worker.cpu_ns() - before) > _IDLE_CPU_NS:
            raise wrong("background_threads", f"{used / 1e6:.1f} ms of processor time after the call had returned")

    def _intact(self, number: int) -> None:
        slot, call = self._slots[number], self._calls[number]
        names = [name for name, _ in call.problem.arguments(call.model, call.inputs)]
        for name, buffer, tensor in zip(names, slot.arguments, call.arguments()):
            if not same_bits(buffer.tensor, tensor):
                raise wrong("input_mutation", f"{name} was changed by the call")
        if not all(buffer.guarded() for buffer in (*slot.arguments, slot.out)):
            raise wrong("out_of_bounds", "memory right before or behind a buffer was written")

    def _described(self, answer: dict[str, Any], slots: list[int]) -> None:
        if answer["patched"]:
            raise wrong("patched_runtime", f"the candidate replaced {answer['patched']}")
        if not answer["guarded"]:
            raise wrong("out_of_bounds", f"memory right before or behind a buffer on {self._device} was written")
        self.graph_breaks = int(answer["graph_breaks"])
        for number, was in zip(slots, answer["outputs"]):
            self._fits(was, self._slots[number].out.spec)
        if answer["aliased"]:
            raise wrong("aliased_output", str(answer["aliased"]))

    def _fits(self, was: dict[str, Any], wanted: Any) -> None:
        if was["type"] != "Tensor":
            raise wrong("output_type", f"the output is a {was['type']}; a plain torch.Tensor is wanted")
        for what in ("dtype", "shape"):
            if was[what] != wanted[what]:
                raise wrong("output_layout", f"the output's {what} is {was[what]}; the reference's is {wanted[what]}")
        if was["device"] != self._device:
            raise wrong("output_layout", f"the output is on {was['device']}; the reference's is on {self._device}")
        steps = [step for step, size in zip(was["strides"], was["shape"]) if size > 1]
        if steps != [step for step, size in zip(wanted["strides"], wanted["shape"]) if size > 1] and 0 not in was["shape"]:
            raise wrong("output_layout", f"the output's strides are {was['strides']}; the reference's are {wanted['strides']}")

    def operators(self) -> dict[str, int]:
        """Count the ATen operators that one call dispatches."""
        return self.worker.ask("operators", slots=[0])["operators"]

    def close(self) -> None:
        """End the worker and give the memory back."""
        self.worker.close()
        self._arena.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _inputs(call: Call) -> int:
    return sum(isinstance(value, Tensor) for value in call.inputs)
