"""Baselines are measured once per machine, and the headline names the fastest. Of figures nothing is said: the machine may be busy."""

from __future__ import annotations

from pathlib import Path

import pytest

from kernels_lab import baselines
from kernels_lab.evaluate import evaluate
from kernels_lab.problem import load

CANDIDATES = Path(__file__).parent / "candidates"


@pytest.fixture(autouse=True)
def fresh_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERNELS_LAB_CACHE", str(tmp_path))


def test_baseline_is_kept_for_this_machine_and_headline_is_against_the_fastest() -> None:
    problem = load("swish")
    assert set(baselines.known(problem)) == {"eager"}
    first = baselines.measured(problem, only=("library",), budget_s=0)
    assert first == baselines.measured(problem, only=("library",), budget_s=0) == baselines.known(problem)
    verdict = evaluate(problem, CANDIDATES / "swish.cpp", seed=3, compared="known", budget_s=0)
    assert verdict.ok, verdict.message
    assert set(verdict.speedup) == {"eager", "library"}
    slowest_gain = min(verdict.speedup.values(), key=lambda ratio: ratio["value"])
    assert verdict.headline is not None
    assert {key: verdict.headline[key] for key in slowest_gain} == slowest_gain
    assert verdict.headline["baseline"] == baselines.fastest(first).form


@pytest.mark.slow
def test_baselines_of_another_problem_or_size_are_not_used() -> None:
    problem = load("swish").small()
    baselines.measured(problem, only=("library",), budget_s=0)
    assert set(baselines.known(problem)) == {"eager", "library"}
    assert set(baselines.known(load("swish"))) == {"eager"}


@pytest.mark.slow
def test_compiled_baselines_are_measured_and_graph_breaks_reported() -> None:
    """The first graph of torch.compile takes 20 s, more on a busy machine."""
    problem = load("swish")
    found = baselines.measured(problem)
    assert baselines.refused(problem) == {}
    assert set(found) == set(baselines.FORMS)
    assert found["compile"].graph_breaks == 0


@pytest.mark.slow
def test_result_far_above_every_baseline_counts_once_a_second_process_agrees() -> None:
    """diag(A) @ B as a scaling of rows saves most of the work: far more than twofold on any machine."""
    verdict = evaluate(load("diagonal_matmul"), CANDIDATES / "diagonal_matmul.cpp", seed=3, compared="eager")
    assert verdict.ok, verdict.message
    assert verdict.quarantine is not None
    assert verdict.quarantine["reproduced"] is True
