"""A kernel evaluation as it is often written; every hack here fools it. It exists to prove that the hacks are hacks.

One process, one set of inputs from a fixed seed, the reference's own output as the buffer of the candidate, weights that never change,
a loose tolerance, the mean of some calls, and the clock in reach of the candidate. Run it in a process that may be spoilt.
"""

from __future__ import annotations

import ctypes
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from kernels_lab.problem import Problem
from kernels_lab.worker.forms import Module

_CALLS = 10
_TOLERANCE = 1e-2  # KernelBench's first


class Naive(NamedTuple):
    """What it believes."""

    accepted: bool
    speedup: float


@torch.no_grad()
def judge(problem: Problem, candidate: Path, folder: Path) -> Naive:
    """Return what a naive evaluation says of a candidate."""
    torch.set_num_threads(1)
    model, inputs = problem.model(0), problem.inputs(0)
    reference_s = _mean_s(lambda: model(*inputs))
    buffer = model(*inputs)  # it has the right shape
    arguments = [tensor for _, tensor in problem.arguments(model, inputs)]
    call = _native(problem, candidate, folder, arguments, buffer) if candidate.suffix == ".cpp" else _module(problem, candidate, inputs)
    candidate_s = _mean_s(call)
    expected = model(*inputs)
    accepted = torch.allclose(call(), expected, rtol=_TOLERANCE, atol=_TOLERANCE)
    return Naive(bool(accepted), reference_s / candidate_s)


def _native(problem: Problem, candidate: Path, folder: Path, arguments: list[Tensor], buffer: Tensor) -> Callable[[], Tensor]:
    library = folder / "naive.so"
    flags = ["-std=c++20", "-O3", "-march=native", "-shared", "-fPIC", "-pthread"]
    subprocess.run(["g++", *flags, str(candidate), "-o", str(library)], check=True)
    launch = ctypes.CDLL(str(library)).launch
    pointers = (ctypes.c_void_p * len(arguments))(*(tensor.data_ptr() for tensor in arguments))
    sizes, scalars = list(problem.sizes.values()), list(problem.scalars.values())
    numbers = (ctypes.c_int64 * len(sizes))(*sizes), (ctypes.c_double * max(1, len(scalars)))(*scalars)

    def call() -> Tensor:
        launch(pointers, ctypes.c_void_p(buffer.data_ptr()), *numbers)
        return buffer

    return call


def _module(problem: Problem, candidate: Path, inputs: list[Tensor]) -> Callable[[], Tensor]:
    form = Module("candidate", str(candidate))
    form.bind(problem.source, [], [], {})
    return lambda: form.module(*inputs)


def _mean_s(call: Callable[[], object]) -> float:
    call()
    start = time.perf_counter()
    for _ in range(_CALLS):
        call()
    return (time.perf_counter() - start) / _CALLS
