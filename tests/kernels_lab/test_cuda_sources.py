"""Every CUDA source of the tests compiles, for two generations of GPUs, the way the lab builds it."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kernels_lab.backends import BACKENDS, cuda
from kernels_lab.failure import Failure

HERE = Path(__file__).parent
SOURCES = [*sorted((HERE / "cuda").glob("*.cu")), *sorted((HERE.parent / "gpu").rglob("*.cu"))]

pytestmark = pytest.mark.skipif(shutil.which("nvcc") is None, reason="nvcc is not installed: no CUDA source was compiled")


def said(source: Path, folder: Path) -> str:
    """What the backend says of a source; on a machine with a GPU nothing, it is simply built."""
    folder.mkdir()
    try:
        BACKENDS["cuda"].build(Path(shutil.copy(source, folder)), folder)
    except Failure as failure:
        return f"{failure.check}: {failure.message}"
    return ""


@pytest.mark.parametrize("architecture", [pytest.param("sm_80", marks=pytest.mark.slow), "sm_90"])
def test_all_sources_compile(architecture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "_architecture", lambda: architecture)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        answers = list(pool.map(said, SOURCES, (tmp_path / source.stem for source in SOURCES)))
    wrong = {source.name: answer for source, answer in zip(SOURCES, answers) if answer and not answer.startswith("not_run: compiles for")}
    assert not wrong
    assert not [answer for answer in answers if answer and architecture not in answer]


def test_kernels_keep_their_values_in_registers(tmp_path: Path) -> None:
    """Spills would make them slow where nobody looks."""
    spilling = [line for line in said(HERE / "cuda" / "softmax.cu", tmp_path / "build").splitlines() if "spill" in line]
    assert all(line.strip().startswith("0 bytes stack frame, 0 bytes spill stores") for line in spilling)


def test_compiler_outside_of_the_usual_folders_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in /usr/local/cuda/bin, which is on a user's PATH and not on the one that candidates' compilers get."""
    seen: list[str] = []

    def recorded(command: list[str], *_: object, **__: object) -> str:
        seen.extend(command[:1])
        return ""

    folder = tmp_path / "toolkit"
    folder.mkdir()
    (folder / "nvcc").write_text("#!/bin/sh\n")
    (folder / "nvcc").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    monkeypatch.setattr(cuda, "compiled", recorded)
    said(HERE / "cuda" / "swish.cu", tmp_path / "build")
    assert seen == [str(folder / "nvcc")]
