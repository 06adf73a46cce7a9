"""Our 24 problems and what the loader promises of any problem."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from kernels_lab.errors import ProblemError, UnknownProblem
from kernels_lab.inputs import DISTRIBUTIONS
from kernels_lab.lint import lint
from kernels_lab.problem import Problem, load, load_file, names

KINDS = {"elementwise", "reduction", "softmax", "norm", "loss", "matmul", "scan", "pooling", "chain"}


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=names())
def problem(request) -> Problem:
    return load(request.param)


def answer(problem: Problem, seed: int = 1, distribution: str = "natural") -> Tensor:
    return problem.model(seed)(*problem.inputs(seed, distribution))


def same(left: list[Tensor], right: list[Tensor]) -> bool:
    return len(left) == len(right) and all(torch.equal(x, y) for x, y in zip(left, right))


def test_list_has_24_problems_of_every_kind_and_at_most_4_rewrites():
    problems = [load(name) for name in names()]
    assert len(problems) == 24
    assert {tag for problem in problems for tag in problem.tags} >= KINDS
    assert 1 <= sum(problem.rewrite for problem in problems) <= 4


def test_problem_passes_the_lint(problem):
    assert lint(problem).messages == ()


def test_problem_gives_one_contiguous_float32_tensor_and_names_its_resemblance(problem):
    output = answer(problem)
    assert output.dtype == torch.float32
    assert output.is_contiguous()
    level, task = problem.resembles.split("/")
    assert level in {"level1", "level2"}
    assert task.split("_")[0].isdigit()


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_reference_stays_finite_at_tiny_sizes_in_every_distribution(problem, distribution):
    assert torch.isfinite(answer(problem.small(), 3, distribution)).all()


def test_held_out_sizes_are_odd_near_the_problems_own_and_run(problem):
    drawn = [problem.drawn(seed) for seed in range(6)]
    for name in problem.facts.vary:
        assert all(held_out.sizes[name] % 2 for held_out in drawn)
        assert all(0.8 < held_out.sizes[name] / problem.sizes[name] < 1.2 for held_out in drawn)
    assert len({held_out.source for held_out in drawn}) > 1
    assert torch.isfinite(answer(drawn[0])).all()


def test_empty_problem_gives_an_empty_output(problem):
    if empty := problem.empty():
        assert answer(empty).numel() == 0


def test_library_form_agrees_with_the_model(problem):
    if library := problem.library(1):
        inputs = problem.inputs(1)
        torch.testing.assert_close(library(*inputs), problem.model(1)(*inputs))


def test_arguments_cover_every_input_parameter_and_the_roofline_counts_them(problem):
    model, inputs = problem.model(1), problem.inputs(1)
    arguments = problem.arguments(model, inputs)
    assert [name for name, _ in arguments] == [f"input{i}" for i in range(len(inputs))] + list(model.state_dict())
    assert all(x.is_contiguous() for _, x in arguments)
    assert problem.traffic(model, inputs, model(*inputs)) >= 0.6 * sum(x.numel() * x.element_size() for _, x in arguments)
    assert problem.flops is not None
    assert 0 < problem.flops < math.inf


def test_same_seed_gives_the_same_inputs_and_parameters_and_another_seed_others(problem):
    assert same(problem.inputs(5), problem.inputs(5))
    assert not same(problem.inputs(5), problem.inputs(6))
    parameters = [list(problem.model(seed).state_dict().values()) for seed in (5, 5, 6)]
    assert same(parameters[0], parameters[1])
    assert not parameters[0] or not same(parameters[0], parameters[2])


def test_drawing_inputs_leaves_the_generator_of_the_process_alone():
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    load("softmax").inputs(1)
    load("layer_norm_residual").model(1)
    assert torch.equal(torch.rand(4), expected)


def test_strided_inputs_hold_the_same_values_in_another_layout():
    plain, strided = (load("softmax").small().inputs(1, "natural", layout)[0] for layout in ("contiguous", "strided"))
    assert torch.equal(plain, strided)
    assert plain.is_contiguous()
    assert not strided.is_contiguous()


def test_distributions_differ_as_their_names_say_and_keep_zeros_and_classes():
    triangle = {name: load("triangular_matmul").inputs(1, name)[0] for name in DISTRIBUTIONS}
    assert all(not x.tril(-1).any() for x in triangle.values())
    assert triangle["large"].abs().max() > 100
    assert triangle["small"].abs().max() < 0.01
    assert 0 < triangle["denormal"].abs().max() < 1.2e-38
    assert triangle["shifted"].diagonal().mean() > 90
    assert (triangle["sparse"] == 0).float().mean() > 0.9
    classes = load("cross_entropy").inputs(1, "large")[1]
    assert torch.equal(classes, classes.clamp(0, load("cross_entropy").sizes["classes"] - 1))


def test_unknown_problem_and_unknown_size_are_refused_with_what_there_is():
    with pytest.raises(UnknownProblem, match="softmax"):
        load("softmaxx")
    with pytest.raises(ProblemError, match="rows, cols"):
        load("softmax").at({"row": 3})


def test_file_without_the_form_is_refused_by_what_it_lacks(tmp_path: Path):
    file = tmp_path / "1_Half.py"
    file.write_text("class Model:\n    pass\n")
    with pytest.raises(ProblemError, match="get_inputs, get_init_inputs"):
        load_file(file).inputs(1)


def test_problem_has_a_kernel_in_c_that_states_its_idea(problem):
    kernel = (Path(__file__).parent / "candidates" / f"{problem.name}.cpp").read_text()
    assert kernel.startswith("// ")
    assert 'extern "C" void launch(' in kernel
