"""Triton: a file with `class ModelNew` that launches triton kernels. On a GPU; on a CPU its interpreter shows correctness, never speed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import torch

from kernels_lab import sandbox
from kernels_lab.backends.torch_module import module_file
from kernels_lab.failure import Failure, Label
from kernels_lab.process import Setup


class Triton:
    """ModelNew with triton kernels."""

    name = "triton"
    suffix = ".py"

    @property
    def device(self) -> str:
        return "cuda" if torch.cuda.is_available() else "cpu"

    def strided(self, candidate: Path) -> bool:
        return candidate.suffix == self.suffix

    def missing(self) -> str:
        if importlib.util.find_spec("triton") is None:
            return "triton (pip install alphalab-nb[triton])"
        return "" if torch.cuda.is_available() else "a GPU: its interpreter shows correctness, not speed"

    def build(self, candidate: Path, folder: Path) -> Setup:
        if importlib.util.find_spec("triton") is None:
            raise Failure(Label.INFRASTRUCTURE, "not_run", "triton is not installed: pip install alphalab-nb[triton]")
        load = {"path": str(module_file(candidate, folder)), "form": "candidate", "device": self.device}
        interpret = {} if torch.cuda.is_available() else {"TRITON_INTERPRET": "1"}
        view = sandbox.View(read_only=(folder,), gpu=torch.cuda.is_available())
        return Setup("module", load, view, variables=interpret, memory_mib=0, processes=True)
