"""A rewrite in PyTorch: a file with `class ModelNew(torch.nn.Module)`.

It is constructed as the problem's Model is, and has the same keys in its state_dict: the lab gives it the weights of the reference.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import torch

from kernels_lab import sandbox
from kernels_lab.failure import Failure, Label
from kernels_lab.process import Setup


class TorchModule:
    """ModelNew on the CPU, or on a GPU."""

    suffix = ".py"

    def __init__(self, name: str = "torch", device: str = "cpu") -> None:
        self.name, self.device = name, device

    def strided(self, candidate: Path) -> bool:
        return candidate.suffix == self.suffix

    def missing(self) -> str:
        return "" if self.device == "cpu" or torch.cuda.is_available() else "a GPU that torch can use"

    def build(self, candidate: Path, folder: Path) -> Setup:
        copied = module_file(candidate, folder)
        if lacks := self.missing():
            raise Failure(Label.INFRASTRUCTURE, "not_run", f"not run: this machine lacks {lacks}")
        load = {"path": str(copied), "form": "candidate", "device": self.device}
        if self.device == "cpu":
            return Setup("module", load, sandbox.View(read_only=(folder,)))
        return Setup("module", load, sandbox.View(read_only=(folder,), gpu=True), memory_mib=0)


def module_file(candidate: Path, folder: Path) -> Path:
    """Return a copy of the file inside the folder, once it is known to be Python."""
    try:
        compile(candidate.read_text(), candidate.name, "exec")
    except (SyntaxError, ValueError) as error:
        raise Failure(Label.CRASH, "compile_error", f"{type(error).__name__}: {error}") from None
    return Path(shutil.copy(candidate, folder / "candidate.py"))
