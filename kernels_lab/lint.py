"""Is a problem worth a kernel: does its output vary, and does it depend on everything the problem is made of?

A degenerate task rewards code that ignores it: the mean of a softmax is 1/n, so is a constant. Thresholds are those of robust-kbench
(github.com/SakanaAI/robust-kbench): range and standard deviation of the output above 0.01, variation along every axis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from kernels_lab.inputs import under
from kernels_lab.problem import Problem

THRESHOLD = 0.01
"""Least range and standard deviation, in the units of the output."""

CHANGE = 1e-4
"""Least change of the output, as a share of its largest value, by which it is said to depend on something."""

_SEEDS = range(1, 6)
"""Draws of the inputs; a loss is one number, so its range and spread are those over the draws."""


@dataclass(frozen=True)
class Finding:
    """One check that a problem fails."""

    check: str
    """finite, repeatable, range, spread, axes, seeds, inputs, parameters or init."""
    message: str


@dataclass(frozen=True)
class Lint:
    """What the lint says of one problem."""

    problem: str
    ok: bool
    findings: tuple[Finding, ...]

    @property
    def messages(self) -> tuple[str, ...]:
        """One line per finding, with the name of its check."""
        return tuple(f"{finding.check}: {finding.message}" for finding in self.findings)


@dataclass(frozen=True)
class _Task:
    """A problem with one model, its inputs under the first seed, and what comes out."""

    problem: Problem
    model: nn.Module
    inputs: list[Any]
    output: Tensor


def lint(problem: Problem) -> Lint:
    """Run every check; the checks that follow an output which is not finite would say nothing."""
    model, inputs = problem.model(_SEEDS[0]), problem.inputs(_SEEDS[0])
    task = _Task(problem, model, inputs, _answer(model, inputs))
    findings = tuple(_finite(task)) or tuple(finding for check in _CHECKS for finding in check(task))
    return Lint(problem.name, not findings, findings)


def _finite(task: _Task) -> Iterator[Finding]:
    if task.output.numel() == 0:
        yield Finding("finite", "the output is empty")
    elif not bool(torch.isfinite(task.output).all()):
        yield Finding("finite", "the output holds NaN or infinity")


def _repeatable(task: _Task) -> Iterator[Finding]:
    if not torch.equal(task.output, _answer(task.model, task.inputs)):
        yield Finding("repeatable", "two calls with the same inputs differ")


def _range(task: _Task) -> Iterator[Finding]:
    values = _population(task)
    if (width := float(values.max() - values.min())) <= THRESHOLD:
        yield Finding("range", f"the output spans {width:.2g}, not more than {THRESHOLD}")


def _spread(task: _Task) -> Iterator[Finding]:
    if (deviation := float(_population(task).std())) <= THRESHOLD:
        yield Finding("spread", f"the output's standard deviation is {deviation:.2g}, not more than {THRESHOLD}")


def _axes(task: _Task) -> Iterator[Finding]:
    for axis, length in enumerate(task.output.shape):
        if length > 1 and (deviation := float(task.output.std(dim=axis).mean())) <= THRESHOLD:
            yield Finding("axes", f"along axis {axis} the output's standard deviation is {deviation:.2g}, not more than {THRESHOLD}")


def _seeds(task: _Task) -> Iterator[Finding]:
    outputs = [_answer(task.model, task.problem.inputs(seed)) for seed in _SEEDS]
    if (change := max(float((y - outputs[0]).square().mean().sqrt()) for y in outputs[1:])) <= THRESHOLD:
        yield Finding("seeds", f"inputs drawn anew change the output by {change:.2g}, not more than {THRESHOLD}")


def _inputs(task: _Task) -> Iterator[Finding]:
    others = task.problem.inputs(_SEEDS[1])
    for place, other in enumerate(others):
        changed = [other if i == place else x for i, x in enumerate(task.inputs)]
        if isinstance(other, Tensor) and not _differs(task, _answer(task.model, changed)):
            yield Finding("inputs", f"drawing input {place} anew does not change the output")


def _parameters(task: _Task) -> Iterator[Finding]:
    for name, values in task.model.state_dict().items():
        if values.is_floating_point() and not _differs(task, _with_other(task, name, values)):
            yield Finding("parameters", f"other values of {name} do not change the output")


def _init(task: _Task) -> Iterator[Finding]:
    init_inputs = task.problem.init_inputs(_SEEDS[0])
    for place, value in enumerate(init_inputs):
        if isinstance(value, float):
            other = task.problem.model(_SEEDS[0], [1.5 * x + 0.1 if i == place else x for i, x in enumerate(init_inputs)])
            if not _differs(task, _answer(other, task.inputs)):
                yield Finding("init", f"another value than {value} as init input {place} does not change the output")


_CHECKS: tuple[Callable[[_Task], Iterator[Finding]], ...] = (_repeatable, _range, _spread, _axes, _seeds, _inputs, _parameters, _init)


def _answer(model: nn.Module, inputs: list[Any]) -> Tensor:
    """The model's output; several tensors are laid end to end."""
    with torch.inference_mode():
        output = model(*(x.clone() if isinstance(x, Tensor) else x for x in inputs))
    return output.float() if isinstance(output, Tensor) else torch.cat([y.float().flatten() for y in output])


def _population(task: _Task) -> Tensor:
    """The values whose range and spread count: the elements of one output, or one number over several draws."""
    if task.output.numel() > 1:
        return task.output
    return torch.stack([_answer(task.model, task.problem.inputs(seed)).flatten()[0] for seed in _SEEDS])


def _differs(task: _Task, output: Tensor) -> bool:
    scale = float(task.output.abs().max())
    return output.shape != task.output.shape or float((output - task.output).abs().max()) > CHANGE * scale


def _with_other(task: _Task, name: str, values: Tensor) -> Tensor:
    """The output with one parameter scaled by a factor of its own in each place and moved; its old values are put back."""
    kept = values.clone()
    other = under(f"lint/{name}", lambda: kept * (0.5 + torch.rand_like(kept)) + 0.1 * torch.rand_like(kept))
    values.copy_(other)
    try:
        return _answer(task.model, task.inputs)
    finally:
        values.copy_(kept)
