"""C++ on the CPU: `extern "C" void launch(const void* const* in, void* out, const int64_t* sizes, const double* scalars)`.

Built by g++ in less than a second and called through ctypes in a process without torch. A source that includes <torch/...> is built as
load_inline does (half a minute) and defines `torch::Tensor forward(...)` with the same arguments in the same order.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from kernels_lab import sandbox
from kernels_lab.backends.base import compiled, own_flags
from kernels_lab.process import Setup

_FLAGS = ["-std=c++20", "-O3", "-march=native", "-fopenmp-simd", "-fno-math-errno", "-fno-trapping-math", "-fPIC"]
_TIMEOUT_S, _TORCH_TIMEOUT_S = 60.0, 300.0
_LOAD_INLINE = """
import contextlib, os, pathlib, sys
from torch.utils.cpp_extension import load_inline
source, folder = pathlib.Path(sys.argv[1]).read_text(), sys.argv[2]
with contextlib.suppress(ModuleNotFoundError):  # else that of the system
    import ninja
    os.environ["PATH"] = f"{ninja.BIN_DIR}:{os.environ['PATH']}"
load_inline("candidate", source, functions=["forward"], build_directory=folder, extra_cflags=sys.argv[3:], verbose=False)
"""


class Cpp:
    """Plain C ABI, or load_inline."""

    name = "cpp"
    device = "cpu"
    suffix = ".cpp"

    def strided(self, candidate: Path) -> bool:
        return _includes_torch(candidate.read_text())

    def missing(self) -> str:
        return "" if shutil.which("g++") else "g++ is not installed"

    def build(self, candidate: Path, folder: Path) -> Setup:
        source = candidate.read_text()
        return _extension(candidate, folder) if _includes_torch(source) else _plain(candidate, folder, own_flags(source))


def _includes_torch(source: str) -> bool:
    return "<torch/" in source or "<ATen/" in source


def _plain(candidate: Path, folder: Path, flags: list[str]) -> Setup:
    # Two steps: linked with -ffast-math, g++ would switch the whole process to flush denormal numbers.
    compiled(["g++", *_FLAGS, *flags, "-c", str(candidate), "-o", str(folder / "k.o")], candidate, folder, timeout_s=_TIMEOUT_S)
    compiled(["g++", "-shared", str(folder / "k.o"), "-o", str(folder / "k.so")], candidate, folder, timeout_s=_TIMEOUT_S)
    return Setup("native", {"path": str(folder / "k.so")}, sandbox.View(read_only=(folder,)))


def _extension(candidate: Path, folder: Path) -> Setup:
    command = [sys.executable, "-I", "-c", _LOAD_INLINE, str(candidate), str(folder), *_FLAGS]
    compiled(command, candidate, folder, timeout_s=_TORCH_TIMEOUT_S)
    load = {"path": str(folder / "candidate.so"), "form": "extension", "device": "cpu"}
    return Setup("module", load, sandbox.View(read_only=(folder,)))
