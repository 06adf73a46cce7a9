"""Each backend runs a right kernel where it can, and says so where it cannot."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest
import torch

from kernels_lab.backends import BACKENDS
from kernels_lab.evaluate import evaluate
from kernels_lab.failure import Label
from kernels_lab.problem import load

SOURCES = Path(__file__).parent / "backends"
needs_nvcc = pytest.mark.skipif(shutil.which("nvcc") is None, reason="nvcc is not installed")


@needs_nvcc
@pytest.mark.skipif(torch.cuda.is_available(), reason="here it would run")
def test_cuda_source_is_compiled_without_a_gpu_and_the_verdict_says_that_it_was_not_run() -> None:
    verdict = evaluate(load("swish"), SOURCES / "swish.cu", "cuda", seed=1)
    assert (verdict.ok, verdict.label, verdict.check, verdict.stage) == (False, Label.INFRASTRUCTURE, "not_run", "build")
    assert "compiles for sm_90; not run" in verdict.message
    assert "registers" in verdict.message


@needs_nvcc
def test_wrong_cuda_source_gets_the_compilers_message(tmp_path: Path) -> None:
    source = tmp_path / "wrong.cu"
    source.write_text("__global__ void swish(float* x) { x[0] = ; }\n")
    verdict = evaluate(load("swish"), source, "cuda", seed=1)
    assert (verdict.label, verdict.check) == (Label.CRASH, "compile_error")
    assert "wrong.cu(1): error: expected an expression" in verdict.message


@pytest.mark.skipif(importlib.util.find_spec("triton") is not None, reason="here it would run")
def test_triton_that_is_not_installed_is_no_failure_of_the_candidate() -> None:
    verdict = evaluate(load("swish"), SOURCES / "swish.py", "triton", seed=1)
    assert (verdict.label, verdict.check) == (Label.INFRASTRUCTURE, "not_run")
    assert "pip install alphalab-nb[triton]" in verdict.message


@pytest.mark.slow
def test_load_inline_source_is_right_and_sees_strided_inputs() -> None:
    """Half a minute of g++ for PyTorch's headers."""
    verdict = evaluate(load("swish"), SOURCES / "inline.cpp", "cpp", seed=1, time_it=False)
    assert (verdict.ok, verdict.check) == (True, None), verdict.message
    assert verdict.correctness is not None
    assert "small/strided" in {case["id"] for case in verdict.correctness["cases"]}


@pytest.mark.gpu
@pytest.mark.parametrize(("name", "file"), [("cuda", "swish.cu"), ("triton", "swish.py")])
def test_gpu_kernel_is_right_and_timed(name: str, file: str) -> None:
    if missing := BACKENDS[name].missing():
        pytest.skip(f"this machine lacks {missing}")
    verdict = evaluate(load("swish"), SOURCES / file, name, seed=1, compared="all")
    assert (verdict.ok, verdict.check, verdict.stage) == (True, None, "done"), verdict.message
    assert set(verdict.speedup) >= {"eager", "compile", "library"}
