"""CUDA through a plain C ABI: the arguments of cpp and `void* stream`. Compiled by nvcc; runs on a GPU, elsewhere it is only compiled."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch

from kernels_lab import sandbox
from kernels_lab.backends.base import compiled, own_flags
from kernels_lab.failure import Failure, Label
from kernels_lab.process import Setup

_TIMEOUT_S = 120.0
_DEFAULT_ARCHITECTURE = "sm_90"


class Cuda:
    """nvcc and ctypes."""

    name = "cuda"
    device = "cuda"
    suffix = ".cu"

    def strided(self, candidate: Path) -> bool:
        return candidate.suffix != self.suffix

    def missing(self) -> str:
        parts = {"nvcc": shutil.which("nvcc"), "a GPU that torch can use": torch.cuda.is_available()}
        return " and ".join(part for part, there in parts.items() if not there)

    def build(self, candidate: Path, folder: Path) -> Setup:
        if not shutil.which("nvcc"):
            raise Failure(Label.INFRASTRUCTURE, "not_run", "neither compiled nor run: nvcc is not installed")
        said = self._compile(candidate, folder)
        if not torch.cuda.is_available():
            raise Failure(Label.INFRASTRUCTURE, "not_run", f"compiles for {_architecture()}; not run, this machine has no GPU\n{said}")
        load = {"path": str(folder / "k.so"), "form": "cuda", "device": "cuda"}
        return Setup("module", load, sandbox.View(read_only=(folder,), gpu=True), memory_mib=0)

    def _compile(self, candidate: Path, folder: Path) -> str:
        """Return what ptxas says of registers, shared memory and spills."""
        flags = ["-O3", f"-arch={_architecture()}", "-Xptxas", "-v", "-Xcompiler", "-fPIC", *own_flags(candidate.read_text())]
        nvcc = str(shutil.which("nvcc"))  # in full: a toolkit's own folder is seldom where compilers are looked for
        said = compiled([nvcc, *flags, "-shared", str(candidate), "-o", str(folder / "k.so")], candidate, folder, timeout_s=_TIMEOUT_S)
        return "\n".join(line for line in said.splitlines() if "registers" in line or "spill" in line)


def _architecture() -> str:
    return "sm_{}{}".format(*torch.cuda.get_device_capability()) if torch.cuda.is_available() else _DEFAULT_ARCHITECTURE
