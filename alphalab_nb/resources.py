"""Find what ships with the package (notebooks, adapters) and what this machine offers."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def shipped(*parts: str) -> Path:
    """Return the path of a shipped folder or file: inside the wheel, else beside the package in a checkout."""
    inside = _PACKAGE.joinpath("_shipped", *parts)
    if inside.exists():
        return inside
    return _PACKAGE.parent.joinpath(*parts)


def cores() -> list[int]:
    """Return the CPU cores this process may use."""
    return sorted(os.sched_getaffinity(0))


def gpus() -> list[str]:
    """Return the ids of the GPUs this process may use: CUDA_VISIBLE_DEVICES, else what nvidia-smi lists."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [part.strip() for part in visible.split(",") if part.strip()]
    if shutil.which("nvidia-smi") is None:
        return []
    listed = subprocess.run(
        ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"], capture_output=True, text=True, check=False
    )
    return listed.stdout.split() if listed.returncode == 0 else []
