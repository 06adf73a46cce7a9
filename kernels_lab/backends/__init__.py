"""Ways to write a kernel. To add one: a class as base.Backend describes, in a file of its own, and a line in BACKENDS."""

from __future__ import annotations

from kernels_lab.backends.base import Backend
from kernels_lab.backends.cpp import Cpp
from kernels_lab.backends.cuda import Cuda
from kernels_lab.backends.torch_module import TorchModule
from kernels_lab.backends.triton import Triton

_ALL: tuple[Backend, ...] = (Cpp(), TorchModule(), Cuda(), Triton(), TorchModule("torch_cuda", "cuda"))
BACKENDS: dict[str, Backend] = {backend.name: backend for backend in _ALL}

__all__ = ["BACKENDS", "Backend"]
