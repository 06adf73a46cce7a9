"""A KernelBench checkout at CPU scale: which numbers are replaced, and what is said of problems that do not run.

The fixture has the layout of a checkout and problems of our own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kernels_lab.errors import ProblemError
from kernels_lab.shrink import choices, shrunken
from kernels_lab.source import replaced, scalars, sizes
from kernels_lab.survey import Limits, Verdict, at_cpu_scale, files, survey, tried

CHECKOUT = Path(__file__).parent / "fixture"

TEXT = '''
"""Docstring with 64 in it: é."""
batch = 64   # kept comment
M, N = (1024 * 2, 33)
shape = (M, 7)
kernel = (3, 5)
eps, on = 1e-5, True
low = -2
'''


@pytest.fixture(scope="module")
def verdicts() -> dict[str, Verdict]:
    """Of the problems that end by themselves."""
    return {path.stem: tried(path, Limits()) for path in files(CHECKOUT)[:5]}


def test_numbers_of_the_text_are_found_by_name_in_their_order():
    assert sizes(TEXT) == {"batch": 64, "M": 2048, "N": 33, "shape[1]": 7, "kernel[0]": 3, "kernel[1]": 5, "low": -2}
    assert list(sizes(TEXT)) == ["batch", "M", "N", "shape[1]", "kernel[0]", "kernel[1]", "low"]
    assert scalars(TEXT) == {"eps": 1e-5}


def test_only_the_named_numbers_change_in_the_text():
    changed = replaced(TEXT, {"batch": 2, "M": 100, "kernel[1]": 11})
    assert changed == TEXT.replace("batch = 64 ", "batch = 2 ").replace("1024 * 2", "100").replace("(3, 5)", "(3, 11)")


def test_number_that_the_text_does_not_have_is_refused():
    with pytest.raises(ProblemError, match="no constant rows"):
        replaced(TEXT, {"rows": 3})


def test_constant_bound_again_keeps_its_last_value():
    assert sizes("n = 1\nn = 2\n") == {"n": 2}


@pytest.mark.parametrize(
    ("name", "value", "factor", "expected"),
    [
        ("features", 8192, 64, 128),
        ("dim", 511, 8, 64),  # rounded up
        ("channels", 64, 64, 16),  # not below 16
        ("batch_size", 128, 64, 2),
        ("batch_size", 16, 64, 2),
        ("kernel_size", 7, 64, 7),
        ("hardtanh_min", -2, 64, -2),
        ("rows", 16, 2, 16),
        ("rows", 1000, 1, 1000),
    ],
)
def test_size_is_divided_down_to_a_least_one(name, value, factor, expected):
    assert shrunken({name: value}, factor).get(name, value) == expected


def test_sizes_are_tried_smallest_first_then_batches_alone_then_as_they_are():
    tried_sizes = choices({"batch": 512, "rows": 4096})
    assert tried_sizes[0] == {"batch": 8, "rows": 64}
    assert [one["rows"] for one in tried_sizes if "rows" in one] == [64, 128, 256, 512, 1024, 2048]
    assert [one["batch"] for one in tried_sizes if "rows" not in one and one] == [8, 16, 32, 64, 128, 256]
    assert tried_sizes[-1] == {}


def test_problems_are_listed_by_number_and_a_folder_without_any_is_refused(tmp_path):
    assert [path.stem.split("_")[0] for path in files(CHECKOUT, (1,))] == ["1", "2", "3", "10"]
    with pytest.raises(ProblemError, match=r"level1/1_Name\.py"):
        files(tmp_path)


@pytest.mark.slow
def test_problem_made_for_a_gpu_runs_at_cpu_scale_and_passes_the_lint(verdicts):
    verdict = verdicts["1_Scaled_rows"]
    assert (verdict.loads, verdict.runs, verdict.lint_ok, verdict.reason) == (True, True, True, "")
    assert verdict.sizes["M"] < 4096 * 4
    assert verdict.seconds is not None


@pytest.mark.slow
def test_sizes_that_must_divide_each_other_are_found(verdicts):
    assert verdicts["2_Grouped_norm"].runs
    assert verdicts["2_Grouped_norm"].sizes["channels"] % 12 == 0


@pytest.mark.slow
def test_degenerate_problem_runs_and_fails_the_lint_by_name(verdicts):
    verdict = verdicts["3_Mean_of_softmax"]
    assert (verdict.runs, verdict.lint_ok) == (True, False)
    assert "range: " in verdict.reason


@pytest.mark.slow
def test_problem_that_never_runs_says_why(verdicts):
    verdict = verdicts["10_Product_that_does_not_fit"]
    assert (verdict.loads, verdict.runs) == (True, False)
    assert "mat1 and mat2" in verdict.reason


@pytest.mark.slow
def test_sizes_written_out_where_inputs_are_made_are_shrunk_together(verdicts):
    verdict = verdicts["1_Linear_ReLU_Sum"]
    assert verdict.runs
    assert verdict.sizes["get_inputs[1]"] == verdict.sizes["get_init_inputs[0]"] < 8192


@pytest.mark.slow
def test_endless_hungry_and_crashing_problems_are_told_apart():
    limits = (Limits(seconds=5), Limits(), Limits())
    endless, hungry, crash = [tried(path, limit) for path, limit in zip(files(CHECKOUT, (2,))[1:], limits)]
    assert "no verdict within 5 s" in endless.reason
    assert "memory" in hungry.reason
    assert "SIGSEGV" in crash.reason
    assert not any(verdict.runs for verdict in (endless, hungry, crash))
    assert [verdict.problem for verdict in (endless, hungry, crash)] == ["level2/2_Endless", "level2/3_Hungry", "level2/4_Crash"]


def test_survey_tries_every_problem_of_the_wanted_levels():
    assert [verdict.problem.split("/")[0] for verdict in survey(CHECKOUT, (1,), Limits(seconds=0.01))] == ["level1"] * 4


@pytest.mark.slow
def test_file_of_a_checkout_is_opened_at_cpu_scale_always_the_same_and_one_that_never_runs_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("KERNELS_LAB_CACHE", str(tmp_path))
    first, *_, last = files(CHECKOUT, (1,))
    opened = at_cpu_scale(first)
    assert opened.sizes["M"] < 4096 * 4
    assert at_cpu_scale(first, Limits(seconds=0.01)) == opened
    with pytest.raises(ProblemError, match="mat1 and mat2"):
        at_cpu_scale(last)


@pytest.mark.slow
def test_command_answers_for_a_whole_checkout_in_one_json_object(tmp_path):
    (tmp_path / "level1").mkdir()
    for path in files(CHECKOUT, (1,))[2:]:
        (tmp_path / "level1" / path.name).write_text(path.read_text())
    command = [sys.executable, "-m", "kernels_lab", "survey", "--problems", str(tmp_path), "--level", "1"]
    answer = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=300).stdout)
    assert (answer["n"], answer["loads"], answer["runs"], answer["lint_ok"]) == (2, 2, 1, 0)
    assert "mat1 and mat2" in answer["problems"][1]["reason"]
