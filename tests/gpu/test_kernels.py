"""Everything that needs a GPU, in one command: `python -m pytest -m gpu -s tests/gpu`.

Prints the table of the bench of the kernel lab, against torch.compile on the GPU. The first run compiles the baselines: minutes.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml

from kernels_lab import baselines
from kernels_lab.backends import BACKENDS
from kernels_lab.evaluate import Verdict, evaluate
from kernels_lab.problem import load
from kernels_lab.timing import compare

LAB = Path(__file__).parents[1] / "kernels_lab"
HERE = Path(__file__).parent
SOURCES = sorted((LAB / "cuda").glob("*.cu"))
HACKS: dict[str, str] = yaml.safe_load((HERE / "hacks" / "hacks.yaml").read_text())
CANDIDATES = [
    *(("cuda", source, source.stem) for source in SOURCES),
    ("triton", LAB / "backends" / "swish.py", "swish"),
    ("torch_cuda", LAB / "cuda" / "diagonal_matmul.py", "diagonal_matmul"),
]

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch finds no GPU here"),
]


@pytest.mark.parametrize(("backend", "source", "problem"), CANDIDATES, ids=[f"{backend}-{stem}" for backend, _, stem in CANDIDATES])
def test_right_kernel_is_found_right_and_timed_by_the_wall_clock(
    backend: str, source: Path, problem: str, verdicts: dict[str, Verdict]
) -> None:
    if missing := BACKENDS[backend].missing():
        pytest.skip(f"this machine lacks {missing}")
    verdict = verdicts[f"{problem} ({backend})"] = evaluate(load(problem), source, backend, seed=5, compared="all")
    assert (verdict.ok, verdict.check, verdict.stage) == (True, None, "done"), verdict.message
    assert verdict.timing is not None
    assert verdict.timing["clock"] == "wall"
    assert {"eager", "compile"} <= verdict.speedup.keys(), baselines.refused(load(problem), "cuda")


@pytest.mark.parametrize("name", HACKS)
def test_hack_is_caught_by_name(name: str) -> None:
    verdict = evaluate(load("swish"), HERE / "hacks" / f"{name}.cu", "cuda", seed=11, compared="eager", budget_s=0)
    assert (verdict.ok, verdict.check) == (False, HACKS[name]), verdict.message


def test_work_on_a_stream_of_its_own_is_waited_for() -> None:
    """Were it not, its time would be that of an empty call, and its outputs unwritten."""
    verdict = evaluate(load("swish"), HERE / "other_stream.cu", "cuda", seed=5, compared="eager", budget_s=0)
    assert (verdict.ok, verdict.check, verdict.stage) == (True, None, "done"), verdict.message


def test_reference_against_itself_is_as_fast_as_itself() -> None:
    eager = baselines.setup("eager", "cuda")
    found = compare(load("softmax"), eager, eager, seed=3)
    assert found.speedup.touches(0.97, 1.03)


@pytest.mark.parametrize("form", ["compile_max_autotune", baselines.NO_GRAPHS])
def test_baseline_is_measured_whether_or_not_it_replays_graphs(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERNELS_LAB_CACHE", str(tmp_path))
    found = baselines.measured(load("gelu_tanh"), "cuda", only=[form], budget_s=0)
    assert form in found, baselines.refused(load("gelu_tanh"), "cuda")
