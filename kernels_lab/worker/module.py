"""Runs a candidate that needs PyTorch, or the reference in one of its forms, on tensors in shared memory.

Inputs and weights are views of memory that the lab writes (on a GPU: copies, made before the clock starts, and copied back after it has
stopped, so that the lab sees what became of them). Outputs stay here until the lab asks for them, after its clock has stopped.
"""

from __future__ import annotations

import json
import mmap
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from kernels_lab.worker.channel import Handler, flusher, serve
from kernels_lab.worker.confine import confine
from kernels_lab.worker.forms import made
from kernels_lab.worker.mirror import Mirror

_WATCHED = (
    (time, ("time", "perf_counter", "perf_counter_ns", "monotonic", "monotonic_ns", "process_time", "process_time_ns", "sleep")),
    (torch, ("allclose", "equal", "isclose", "empty", "empty_like", "frombuffer")),
    (Tensor, ("copy_", "clone", "contiguous", "untyped_storage", "data_ptr", "stride", "is_contiguous", "__eq__")),
    (nn.Module, ("__call__", "_call_impl", "load_state_dict", "state_dict", "eval")),
    (torch.cuda, ("synchronize", "Event", "current_stream")),
)
"""What a candidate would replace to fool somebody who measures in its process."""
_GPU_CACHE_BYTES = 256 << 20
"""More than the second-level cache of any GPU that we know (126 MiB on a B200); written to make everything else cold."""


@dataclass
class _Slot:
    inputs: list[Any]
    place: Tensor
    """Where the lab reads the output."""
    out: Tensor
    """The same, or its counterpart on the device."""
    given: list[Mirror] = field(default_factory=list[Mirror])
    """Inputs and weights on the device."""
    written: list[Mirror] = field(default_factory=list[Mirror])
    """The output on the device."""


class Modules:
    """One candidate and the tensors that it is called with."""

    def __init__(self, memory: mmap.mmap) -> None:
        self._memory = memory
        self._slots: list[_Slot] = []
        self._weights: dict[str, Tensor] = {}
        self._outputs: dict[int, Any] = {}
        self._shift = torch.empty(0, dtype=torch.uint8)
        self._device = "cpu"
        self._settled: Callable[[], object] = _nothing
        self._junk: Tensor | None = None
        self._flush_host = flusher()

    def handlers(self) -> dict[str, Handler]:
        return {
            "wake": self.wake, "load": self.load, "bind": self.bind, "prepare": self.prepare, "run": self.run, "deliver": self.deliver,
            "operators": self.operators, "flush": self.flush,
        }  # fmt: skip

    def wake(self, request: dict[str, Any]) -> None:
        """Start the device before the candidate is loaded and this process is confined: its driver's threads are not the candidate's."""
        self._device = request["device"]
        if self._device.startswith("cuda"):
            # Kept from here on: a candidate that replaces it is not waited for less long.
            self._settled = torch.cuda.synchronize
            # PyTorch convolves in TF32 unless told otherwise, which is no single precision: right kernels would differ from it.
            torch.backends.cudnn.allow_tf32 = False
        ones = torch.ones(1 << 16, device=self._device)
        (ones + ones).cpu()
        self._settled()

    def load(self, request: dict[str, Any]) -> None:
        """Load the candidate, confined, and remember what functions it must not replace."""
        torch.set_num_threads(1)
        torch.set_grad_enabled(False)
        if request["limits"]:
            confine(request["limits"])
        self._watched = [(owner, name, getattr(owner, name)) for owner, names in _WATCHED for name in names]
        self._form = made(request["form"], request["path"], request["device"])

    def bind(self, request: dict[str, Any]) -> dict[str, Any]:
        """Point weights and inputs at shared memory, and shift where the next outputs will lie."""
        self._outputs.clear()
        self._shift = torch.empty(request["shift"], dtype=torch.uint8)
        names: list[str | None] = request["names"]
        constants = [(int(place), value) for place, value in request["constants"].items()]
        inputs = sum(name is None for name in names)
        self._slots = [self._slot(slot, inputs, constants) for slot in request["slots"]]
        mirrors: list[Mirror] = []
        weights = [self._moved(self._view(spec), mirrors) for spec in request["slots"][0]["arguments"][inputs:]]
        self._weights = {str(name): tensor for name, tensor in zip(names[inputs:], weights)}
        for slot in self._slots:
            slot.given += mirrors
        self._form.bind(request["source"], request["sizes"], request["scalars"], self._weights)
        return {}

    def _slot(self, spec: dict[str, Any], inputs: int, constants: list[tuple[int, Any]]) -> _Slot:
        given: list[Mirror] = []
        written: list[Mirror] = []
        everything: list[Any] = [self._moved(self._view(part), given) for part in spec["arguments"][:inputs]]
        for position, value in sorted(constants):
            everything.insert(position, value)
        place = self._view(spec["out"])
        return _Slot(everything, place, self._moved(place, written, output=True), given, written)

    def _moved(self, host: Tensor, mirrors: list[Mirror], *, output: bool = False) -> Tensor:
        """Return the tensor itself, or on a device its mirror, which is added to the list."""
        if self._device == "cpu":
            return host
        mirrors.append(Mirror(host, self._device, output=output))
        return mirrors[-1].tensor

    def prepare(self, request: dict[str, Any]) -> None:
        """Bring what the lab has written to where the candidate reads it, poison included; on a CPU: into the caches."""
        for number in request["slots"]:
            slot = self._slots[number]
            for mirror in (*slot.given, *slot.written):
                mirror.upload()
            if request["warm"] and self._device == "cpu":
                for tensor in slot.inputs:
                    if isinstance(tensor, Tensor):
                        tensor.sum()
        self._settled()

    def flush(self, request: dict[str, Any]) -> None:
        """Make the caches cold: the processor's, and the device's."""
        self._flush_host(request)
        if self._device != "cpu":
            self._junk = torch.empty(_GPU_CACHE_BYTES, dtype=torch.uint8, device=self._device) if self._junk is None else self._junk
            self._junk.fill_(1)
        self._settled()

    def run(self, request: dict[str, Any]) -> None:
        call, slots, outputs = self._form.call, self._slots, self._outputs
        for number in request["slots"]:
            slot = slots[number]
            outputs[number] = call(slot.inputs, slot.out)
        self._settled()

    def deliver(self, request: dict[str, Any]) -> dict[str, Any]:
        """Copy the outputs to where the lab reads them, and describe what they were."""
        described = [self._deliver(number) for number in request["slots"]]
        aliased, guarded = self._aliased(request["slots"]), self._brought_back(request["slots"])
        self._outputs.clear()
        return {
            "outputs": described, "aliased": aliased, "guarded": guarded, "patched": self._patched(), "graph_breaks": _graph_breaks()
        }  # fmt: skip

    def _brought_back(self, numbers: list[int]) -> bool:
        """Bring inputs and weights back to where the lab compares them; say whether what lies around them and the outputs is untouched."""
        given = {id(mirror): mirror for number in numbers for mirror in self._slots[number].given}
        for mirror in given.values():
            mirror.download()
        written = [mirror for number in numbers for mirror in self._slots[number].written]
        return all(mirror.guarded() for mirror in (*given.values(), *written))

    def _deliver(self, number: int) -> dict[str, Any]:
        output, place, there = self._outputs.get(number), self._slots[number].place, self._slots[number].out.device
        if type(output) is not Tensor:
            return {"type": type(output).__name__}
        if output.dtype == place.dtype and output.shape == place.shape and output.device.type == there.type:
            place.copy_(output)
        return {
            "type": "Tensor", "dtype": str(output.dtype)[6:], "shape": list(output.shape), "strides": list(output.stride()),
            "device": output.device.type,
        }  # fmt: skip

    def _aliased(self, numbers: list[int]) -> str:
        """Say which output shares memory with an input, a weight or another output; empty if none does."""
        owners = {tensor.untyped_storage().data_ptr(): f"weight {name}" for name, tensor in self._weights.items() if tensor.numel()}
        for number in numbers:
            inputs = (tensor for tensor in self._slots[number].inputs if isinstance(tensor, Tensor) and tensor.numel())
            owners |= {tensor.untyped_storage().data_ptr(): "an input" for tensor in inputs}
        for number in numbers:
            output = self._outputs.get(number)
            if type(output) is not Tensor or not output.numel() or output is self._slots[number].out:
                continue
            address = output.untyped_storage().data_ptr()
            if address in owners:
                return f"the output of one call shares its memory with {owners[address]}"
            owners[address] = "the output of another call"
        return ""

    def _patched(self) -> str:
        return ", ".join(f"{owner.__name__}.{name}" for owner, name, was in self._watched if getattr(owner, name) is not was)

    def operators(self, request: dict[str, Any]) -> dict[str, Any]:
        """Count the ATen operators that one call dispatches."""
        slot = self._slots[request["slots"][0]]
        with Counting() as counting:
            self._form.call(slot.inputs, slot.out)
        return {"operators": dict(counting.counts)}

    def _view(self, spec: dict[str, Any]) -> Tensor:
        dtype = getattr(torch, spec["dtype"])
        if spec["extent"] == 0:
            return torch.empty_strided(spec["shape"], spec["strides"], dtype=dtype)
        flat = torch.frombuffer(self._memory, dtype=dtype, count=spec["extent"], offset=spec["offset"])
        return flat.as_strided(spec["shape"], spec["strides"])


class Counting(TorchDispatchMode):
    """Counts the operators that run inside it."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.counts[str(func)] += 1
        return func(*args, **(kwargs or {}))


def _nothing() -> None:
    """Wait for the processor, which has done its work when a call returns."""


def _graph_breaks() -> int:
    counters = sys.modules.get("torch._dynamo.utils")
    return sum(counters.counters["graph_break"].values()) if counters else 0


def main() -> None:
    """Serve on the descriptors named on the command line."""
    options = json.loads(sys.argv[1])
    serve(options["channel"], options["arena"], lambda memory: Modules(memory).handlers())
