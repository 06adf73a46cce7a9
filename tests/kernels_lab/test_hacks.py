"""Every hack that ships fools a naive timer, and the lab catches it by name."""

from __future__ import annotations

import multiprocessing
import tempfile
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from kernels_lab.backends import BACKENDS
from kernels_lab.correctness import check
from kernels_lab.evaluate import evaluate
from kernels_lab.failure import Failure
from kernels_lab.hacks.catalogue import Hack, hacks
from kernels_lab.hacks.naive import Naive, judge
from kernels_lab.problem import load, names

CANDIDATES, WRONG = (Path(__file__).parent / name for name in ("candidates", "wrong"))
HACKS = list(hacks())
HONEST = ("swish", "linear_sum", "huber_loss", "triangular_matmul", "masked_cumsum", "layer_norm_residual")


def believed(hack: Hack, folder: Path) -> Naive:
    """What the naive timer says; in a child, which the hack may spoil."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as child:
        return child.submit(judge, hack.problem, hack.file, folder).result()


@pytest.mark.parametrize("name", HACKS)
def test_hack_fools_a_naive_timer_and_is_caught_by_name(name: str, tmp_path: Path) -> None:
    hack = hacks()[name]
    least = 2 if hack.faster else 0
    # The mean of ten calls is what a busy machine makes of it: the naive timer has three tries to be fooled.
    tries = (believed(hack, tmp_path) for _ in range(3))
    assert any(fooled.accepted and fooled.speedup > least for fooled in tries)
    verdict = evaluate(hack.problem, hack.file, hack.backend, seed=11, time_it=hack.timed, compared="eager", budget_s=0)
    assert (verdict.ok, verdict.check) == (False, hack.check), verdict.message
    assert verdict.ranks is False


def test_forged_answer_is_caught_where_the_lab_holds_many_files_open(tmp_path: Path) -> None:
    """A worker's end of the channel keeps the number that it has in the lab's process."""
    hack = hacks()["forged_answer"]
    with ExitStack() as held:
        for _ in range(100):
            held.enter_context(tempfile.TemporaryFile())
        verdict = evaluate(hack.problem, hack.file, hack.backend, seed=11, time_it=hack.timed, compared="eager", budget_s=0)
    assert (verdict.ok, verdict.check) == (False, "forged_answer"), verdict.message


@pytest.mark.parametrize("name", [pytest.param(name, marks=() if name in HONEST else pytest.mark.slow) for name in names()])
def test_correct_kernel_raises_no_alarm(name: str, tmp_path: Path) -> None:
    setup = BACKENDS["cpp"].build(CANDIDATES / f"{name}.cpp", tmp_path)
    found = check(load(name), setup, seed=5)
    assert found.worst <= 1
    assert len(found.cases) >= 10


@pytest.mark.parametrize("seed", range(6))
def test_kernel_that_knows_only_the_sizes_of_the_file_is_caught_under_every_seed(seed: int, tmp_path: Path) -> None:
    """One held-out shape is smaller and one is larger; what it writes behind a smaller one may be a NaN that it read behind the input."""
    setup = BACKENDS["cpp"].build(WRONG / "file_sizes.cpp", tmp_path)
    with pytest.raises(Failure) as caught:
        check(load("swish"), setup, seed=seed)
    assert caught.value.check == "out_of_bounds"


def test_module_that_computes_otherwise_raises_no_alarm(tmp_path: Path) -> None:
    source = tmp_path / "candidate.py"
    source.write_text(
        "from torch import nn\nfrom torch.nn import functional\n\n\n"
        "class ModelNew(nn.Module):\n    def forward(self, x):\n        return functional.silu(x)\n"
    )
    folder = tmp_path / "build"
    folder.mkdir()
    found = check(load("swish"), BACKENDS["torch"].build(source, folder), seed=5, strided=True)
    assert "small/strided" in dict(found.cases)


@pytest.mark.parametrize("name", ["linear_sum", "layer_norm_residual"])
def test_correct_kernel_passes_the_checks_of_timing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of figures nothing is said: the machine may be busy."""
    monkeypatch.setenv("KERNELS_LAB_CACHE", str(tmp_path))
    verdict = evaluate(load(name), CANDIDATES / f"{name}.cpp", seed=7, compared="eager", budget_s=0)
    assert (verdict.ok, verdict.check, verdict.stage) == (True, None, "done"), verdict.message
    assert verdict.timing is not None
    assert verdict.headline is not None
    assert verdict.headline["baseline"] == "eager"
    assert verdict.headline["low"] <= verdict.headline["value"] <= verdict.headline["high"]
