"""Bounds, ratios, summaries and cores: what the figures of the kernel lab rest on."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from kernels_lab import cores, machine
from kernels_lab.arena import same_bits
from kernels_lab.ratio import Ratio, compared
from kernels_lab.summary import Row, summary
from kernels_lab.tolerance import error, looks_reduced, slack, strays, truth


class Product(nn.Module):
    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return a @ b


def product(magnitude: float = 1.0) -> tuple[nn.Module, list[torch.Tensor]]:
    generator = torch.Generator().manual_seed(1)
    return Product(), [magnitude * torch.randn(64, 1024, generator=generator), torch.randn(1024, 48, generator=generator)]


@pytest.mark.parametrize("magnitude", [1e-30, 1.0, 1e20])
def test_bound_admits_another_order_of_summation_and_refuses_half_precision(magnitude: float) -> None:
    model, (a, b) = product(magnitude)
    expected = truth(model, [a, b])
    one_by_one = sum((a[:, k : k + 1] * b[k : k + 1] for k in range(1024)), torch.zeros(64, 48))
    halved = (a.bfloat16() @ b.bfloat16()).float()
    assert error(one_by_one, expected) <= 1
    assert error(halved, expected) > 1
    assert looks_reduced(halved, expected)


@pytest.mark.parametrize("harm", ["nan", "inf", "zero", "swapped"])
def test_bound_refuses_one_wrong_element(harm: str) -> None:
    model, inputs = product()
    expected = truth(model, inputs)
    output = expected.reference.clone()
    assert error(output, expected) <= 1
    output[3, 5] = {"nan": math.nan, "inf": math.inf, "zero": 0.0, "swapped": float(output[5, 3])}[harm]
    assert error(output, expected) > 1
    assert strays(output, expected.reference, slack(expected))


def test_overflow_of_single_precision_is_judged_by_the_reference() -> None:
    model, inputs = product(1e38)
    expected = truth(model, inputs)
    assert not bool(expected.reference.isfinite().all())
    assert error(expected.reference.clone(), expected) <= 1
    assert error(torch.zeros_like(expected.reference), expected) == math.inf


def test_interval_of_a_ratio_contains_the_truth_under_disturbances() -> None:
    """Two thousand rounds of 40 with one-sided noise: what disturbs only makes longer, and often both of a pair."""
    generator = np.random.default_rng(1)
    hits, trials = 0, 200
    for trial in range(trials):
        common = 1 + generator.exponential(0.3, 40) * (generator.random(40) < 0.5)
        times = [time * common * (1 + generator.exponential(0.05, 40)) for time in (3.0, 2.0)]
        found = compared(times[0], times[1], seed=trial)
        hits += found.low <= 1.5 <= found.high
    assert hits / trials >= 0.93


def test_ratios_combine_as_independent_factors() -> None:
    double = Ratio(2.0, 2.0 / 1.1, 2.0 * 1.1)
    assert double.times(double.inverse()).value == pytest.approx(1.0)
    assert double.times(double).width() == pytest.approx(math.sqrt(2) * math.log(1.1))


def test_fast_p_counts_failures_as_attempts_and_the_papers_variant_does_not() -> None:
    rows = [Row("a", False, 1.2), Row("b", False, 0.5), Row("c", True, 30.0), Row("d", False, None)]
    found = summary(rows, "compile")
    assert (found.attempted, found.correct) == (4, 3)
    assert (found.fast["1"], found.fast_of_correct["1"]) == (0.5, pytest.approx(2 / 3))
    assert found.geometric_mean == pytest.approx((1.2 * 0.5 * 30) ** (1 / 3))
    assert found.geometric_mean_without_rewrites == pytest.approx(math.sqrt(0.6))
    assert found.baseline == "compile"


@pytest.mark.parametrize("speedup", [0.0, math.inf, math.nan, -1.0])
def test_one_impossible_speedup_cannot_decide_a_geometric_mean(speedup: float) -> None:
    with pytest.raises(ValueError, match="not a speedup"):
        summary([Row("a", False, 1.0), Row("b", False, speedup)], "eager")


def test_two_evaluations_never_share_a_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERNELS_LAB_CORES", str(tmp_path / "cores"))
    mine = os.sched_getaffinity(0)
    take = "from kernels_lab.cores import leased\nwith leased(0) as core: print(core)"
    with cores.leased() as core:
        child = subprocess.run(
            [sys.executable, "-c", f"import os; os.sched_setaffinity(0, {mine})\n{take}"], capture_output=True, text=True, check=False
        )
        assert (child.stdout.strip() or "none") != str(core)
        assert child.returncode == 0 or "became free" in child.stderr
    assert os.sched_getaffinity(0) == mine


def test_roofline_grows_with_traffic_and_arithmetic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERNELS_LAB_CACHE", str(tmp_path))
    assert 0 < machine.floor_us(1 << 20, None) < machine.floor_us(1 << 26, None)
    assert machine.floor_us(1 << 20, 1e12) > machine.floor_us(1 << 20, None)


def test_two_measurements_that_agree_narrow_the_interval_and_two_that_do_not_widen_it() -> None:
    one, like, unlike = Ratio(1.0, 0.9, 1 / 0.9), Ratio(1.02, 0.92, 1.13), Ratio(1.6, 1.45, 1.76)
    agreed, torn = one.pooled(like), one.pooled(unlike)
    assert agreed.value == pytest.approx(math.sqrt(1.02))
    assert agreed.width() < min(one.width(), like.width())
    assert torn.low < 1.0 < 1.6 < torn.high, "both are possible, as far as anybody knows"


def test_two_pairs_of_restless_processes_hold_the_truth_more_often_than_one() -> None:
    """Pairs of processes differ by a lasting 6 %, rounds by 2 %: as was measured of a root-mean-square norm against itself."""
    draw = np.random.default_rng(3)
    found = [[compared(*_process(draw)) for _ in range(2)] for _ in range(200)]
    alone = np.mean([one.low <= 1 <= one.high for one, _ in found])
    together = np.mean([pooled.low <= 1 <= pooled.high for pooled in (one.pooled(other) for one, other in found)])
    assert together > alone + 0.05
    assert together > 0.75


def _process(draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return tuple(1000 * math.exp(draw.normal(0, 0.06 / math.sqrt(2))) * np.exp(draw.normal(0, 0.02, 40)) for _ in range(2))


@pytest.mark.parametrize("numel", [1, 7, 8, 1001, 4096])
@pytest.mark.parametrize("dtype", [torch.float32, torch.int64, torch.bool])
def test_tensors_are_the_same_only_bit_for_bit(numel: int, dtype: torch.dtype) -> None:
    tensor = (torch.arange(numel + 1) % 2).to(dtype)[1:]  # not at the start of its memory
    assert same_bits(tensor, tensor.clone())
    other = tensor.clone()
    other[-1] = 1 - int(other[-1])
    assert not same_bits(tensor, other)
    assert not same_bits(tensor, tensor.reshape(-1, 1))


def test_equal_numbers_of_other_bits_are_not_the_same_and_nan_is_itself() -> None:
    assert not same_bits(torch.tensor([0.0, 1.0]), torch.tensor([-0.0, 1.0]))
    assert same_bits(torch.tensor([math.nan]), torch.tensor([math.nan]))
