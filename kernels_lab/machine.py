"""The machine: what it is, what it can do at most, and where what was measured on it is kept."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch

_HEADROOM = 1.3
"""Our peaks are measured, not looked up; a kernel that beats them by less is believed."""
_WORKING_SETS = tuple(1 << power for power in range(16, 27, 2))  # 64 KiB .. 64 MiB
_REPEATS = 12


def cache_folder() -> Path:
    """Return where measurements of this machine are kept between evaluations."""
    home = os.environ.get("KERNELS_LAB_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kernels_lab"
    folder = Path(home)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def description() -> dict[str, Any]:
    """Return what the numbers of an evaluation depend on."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {"cpu": _cpu(), "cores": os.cpu_count(), "gpu": gpu, "torch": torch.__version__, "fingerprint": fingerprint()}


@cache
def fingerprint() -> str:
    """Return a short name for this machine with this PyTorch; measurements with another are not used."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
    return hashlib.sha256(f"{_cpu()}/{os.cpu_count()}/{gpu}/{torch.__version__}".encode()).hexdigest()[:12]


def floor_us(traffic_bytes: int, flops: float | None) -> float:
    """Return the least time that a right kernel can take on one core, from its compulsory traffic and arithmetic (roofline)."""
    peaks = _peaks()
    working_set = max((size for size in _WORKING_SETS if size <= traffic_bytes), default=_WORKING_SETS[0])
    # A smaller working set is never slower: where it reads so, its measurement was disturbed.
    bandwidth = max(rate for size, rate in peaks["bytes_per_us"].items() if int(size) >= working_set)
    return max(traffic_bytes / bandwidth, (flops or 0.0) / peaks["flops_per_us"]) / _HEADROOM


def kept(name: str) -> dict[str, Any] | None:
    """Return what was kept under this name for this machine."""
    file = _file(name)
    return json.loads(file.read_text()) if file.is_file() else None


def keep(name: str, values: dict[str, Any]) -> None:
    """Keep values for later evaluations on this machine; written in one piece."""
    file = _file(name)
    draft = file.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(values, indent=1))
    draft.replace(file)


def _file(name: str) -> Path:
    return cache_folder() / f"{name}-{fingerprint()}.json"


@cache
def _peaks() -> dict[str, Any]:
    found = kept("roofline")
    if found is None:
        found = {"bytes_per_us": {str(size): _copy_rate(size) for size in _WORKING_SETS}, "flops_per_us": _multiply_rate()}
        keep("roofline", found)
    return found


def _copy_rate(working_set: int) -> float:
    source = torch.zeros(working_set // 8)
    target = torch.zeros_like(source)
    return 2 * source.numel() * source.element_size() / _best_us(lambda: target.copy_(source))


def _multiply_rate(side: int = 512) -> float:
    left = torch.rand(side, side)
    return 2 * side**3 / _best_us(lambda: left @ left)


def _best_us(work: Callable[[], object]) -> float:
    """Return the shortest processor time of one call: a busy machine must not look like a slow one, or right kernels beat its "peak"."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    work()
    best = min(_batch_us(work) for _ in range(_REPEATS))
    torch.set_num_threads(threads)
    return best


def _batch_us(work: Callable[[], object], calls: int = 8) -> float:
    start = time.thread_time_ns()
    for _ in range(calls):
        work()
    return (time.thread_time_ns() - start) / calls / 1e3


@cache
def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor())
