"""The forms in which the module worker runs something: a module of PyTorch, an extension of PyTorch, a launch function for CUDA."""

from __future__ import annotations

import ctypes
import importlib.util
import sys
import types
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

_MODES = {"compile": None, "compile_max_autotune": "max-autotune", "compile_max_autotune_no_graphs": "max-autotune-no-cudagraphs"}
"""Form -> mode of torch.compile."""


class Form(Protocol):
    """Something that computes the output of a problem."""

    def bind(self, source: str, sizes: list[int], scalars: list[float], weights: dict[str, Tensor]) -> None:
        """Get ready for a problem (its text, with its sizes in it) and use these weights, whose memory the lab writes."""
        ...

    def call(self, inputs: list[Any], out: Tensor) -> Any:
        """Return the output; `out` has its shape, and a form that needs memory for it writes there."""
        ...


class Module:
    """ModelNew of a candidate's file, or the reference: Model, Library, or Model compiled."""

    def __init__(self, form: str, path: str, device: str = "cpu") -> None:
        self._form, self._source, self._device = form, "", device
        self._candidate = imported(path) if form == "candidate" else None

    def bind(self, source: str, sizes: list[int], scalars: list[float], weights: dict[str, Tensor]) -> None:
        if source != self._source:
            self._build(source)
        own = dict(self.module.state_dict(keep_vars=True))
        if own.keys() != weights.keys():
            raise KeyError(f"the state_dict of ModelNew has the keys {sorted(own)}; give it those of the reference: {sorted(weights)}")
        for name, tensor in own.items():
            tensor.data = weights[name]

    def call(self, inputs: list[Any], out: Tensor) -> Any:
        output = self._call(*inputs)
        # Its CUDA graph writes the next call's output to the same memory; who keeps an output copies it, as PyTorch's manual says.
        return output.clone() if self._form == "compile_max_autotune" and self._device.startswith("cuda") else output

    def _build(self, source: str) -> None:
        scope = types.ModuleType("problem")
        exec(compile(source, "problem.py", "exec"), scope.__dict__)
        owner = self._candidate or scope
        name = "ModelNew" if self._candidate else "Library" if self._form == "library" else "Model"
        if not hasattr(owner, name):
            raise AttributeError(f"the file defines no class {name}; a candidate is `class ModelNew(torch.nn.Module)`")
        self.module: nn.Module = getattr(owner, name)(*scope.get_init_inputs()).eval().requires_grad_(False)
        self.module.to(self._device)  # buffers that no state_dict names, too
        self._call: Any = self.module
        if self._form in _MODES:
            self._call = torch.compile(self.module, mode=_MODES[self._form])
        self._source = source


class Extension:
    """A compiled extension with `forward`, which takes inputs and weights as tensors."""

    def __init__(self, path: str) -> None:
        self._forward: Any = imported(path).forward
        self._weights: list[Tensor] = []

    def bind(self, source: str, sizes: list[int], scalars: list[float], weights: dict[str, Tensor]) -> None:
        self._weights = list(weights.values())

    def call(self, inputs: list[Any], out: Tensor) -> Any:
        return self._forward(*inputs, *self._weights)


class Launch:
    """A library with `launch(in, out, sizes, scalars, stream)` on CUDA's memory."""

    def __init__(self, path: str) -> None:
        self._launch = ctypes.CDLL(path).launch
        self._launch.restype = None

    def bind(self, source: str, sizes: list[int], scalars: list[float], weights: dict[str, Tensor]) -> None:
        self._sizes = (ctypes.c_int64 * max(1, len(sizes)))(*sizes)
        self._scalars = (ctypes.c_double * max(1, len(scalars)))(*scalars)
        self._weights = [tensor.data_ptr() for tensor in weights.values()]
        self._stream = ctypes.c_void_p(torch.cuda.current_stream().cuda_stream if torch.cuda.is_available() else None)
        self._calls: dict[int, tuple[Any, ...]] = {}

    def call(self, inputs: list[Any], out: Tensor) -> Any:
        # Arguments are packed in the first, untimed call of a slot: it takes as long as a small kernel. The worker keeps the list.
        if id(inputs) not in self._calls:
            self._calls[id(inputs)] = self._packed(inputs, out)
        self._launch(*self._calls[id(inputs)])
        return out

    def _packed(self, inputs: list[Any], out: Tensor) -> tuple[Any, ...]:
        pointers = [tensor.data_ptr() for tensor in inputs if isinstance(tensor, Tensor)] + self._weights
        array = (ctypes.c_void_p * len(pointers))(*pointers)
        return array, ctypes.c_void_p(out.data_ptr()), self._sizes, self._scalars, self._stream


def made(form: str, path: str, device: str = "cpu") -> Form:
    """Return the form of that name."""
    return Extension(path) if form == "extension" else Launch(path) if form == "cuda" else Module(form, path, device)


def imported(path: str) -> types.ModuleType:
    """Load a Python file, or an extension, by its path."""
    name = Path(path).stem
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not something that Python can load")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
