"""A GPU's place taken by the processor: the lab's way to a device and back without one, and CUDA sources as plain C++.

PyTorch reads "cpu:0" as the processor. The lab's worker reads it as a device: it copies inputs there and outputs back, looks at the guards
there, and is timed by the wall clock.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from kernels_lab import sandbox
from kernels_lab.process import Setup

DEVICE = "cpu:0"
_EMULATOR = Path(__file__).parent / "cuda_on_cpu.h"
_LAUNCH = re.compile(r"(\w+)<<<(.*?)>>>\((.*?)\);", re.DOTALL)


def emulated(source: Path, folder: Path) -> Setup:
    """Build a .cu file with g++ and the emulator; the setup runs it as the backend cuda would."""
    text = _LAUNCH.sub(r"emulator::Launch(\2)([=] { \1(\3); });", source.read_text())
    (folder / "candidate.cpp").write_text(text)
    flags = ["-std=c++20", "-O2", "-w", "-U_FORTIFY_SOURCE", "-ffp-contract=off", "-fPIC", "-shared"]
    command = ["g++", *flags, "-include", str(_EMULATOR), str(folder / "candidate.cpp"), "-o", str(folder / "k.so")]
    subprocess.run(command, check=True, capture_output=True, text=True)
    load = {"path": str(folder / "k.so"), "form": "cuda", "device": DEVICE}
    return Setup("module", load, sandbox.View(read_only=(folder,)), memory_mib=0)


def module(text: str, folder: Path) -> Setup:
    """A candidate in PyTorch, given as text, on the same device."""
    (folder / "candidate.py").write_text(text)
    load = {"path": str(folder / "candidate.py"), "form": "candidate", "device": DEVICE}
    return Setup("module", load, sandbox.View(read_only=(folder,)), memory_mib=0)
