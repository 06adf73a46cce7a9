"""A rewrite in PyTorch: a file with `class ModelNew(torch.nn.Module)`.

It is constructed as the problem's Model is, and has the same keys in its state_dict: the lab gives it the weights of the reference.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from kernels_lab import sandbox
from kernels_lab.failure import Failure, Label
from kernels_lab.process import Setup


class TorchModule:
    """ModelNew on the CPU."""

    name = "torch"
    device = "cpu"
    suffix = ".py"

    def strided(self, candidate: Path) -> bool:
        return candidate.suffix == self.suffix

    def missing(self) -> str:
        return ""

    def build(self, candidate: Path, folder: Path) -> Setup:
        copied = module_file(candidate, folder)
        return Setup("module", {"path": str(copied), "form": "candidate", "device": "cpu"}, sandbox.View(read_only=(folder,)))


def module_file(candidate: Path, folder: Path) -> Path:
    """Return a copy of the file inside the folder, once it is known to be Python."""
    try:
        compile(candidate.read_text(), candidate.name, "exec")
    except (SyntaxError, ValueError) as error:
        raise Failure(Label.CRASH, "compile_error", f"{type(error).__name__}: {error}") from None
    return Path(shutil.copy(candidate, folder / "candidate.py"))
