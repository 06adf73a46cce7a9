"""Is a candidate right: on new values in old buffers, other weights, held-out sizes, and every distribution of its problem.

Cases run one after another in one process, in which the reference never ran. The first that fails ends the check, and its failure is named:
by what the bench saw, else by what is wrong about the values.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from kernels_lab.arena import same_bits
from kernels_lab.bench import TIMEOUT_S, Bench, Call
from kernels_lab.failure import Failure, wrong
from kernels_lab.inputs import Layout
from kernels_lab.problem import Problem
from kernels_lab.process import Setup
from kernels_lab.tolerance import Truth, error, looks_reduced, truth
from kernels_lab.worker.module import Counting

_RERUNS = 3
_PUBLIC_SEED = 0
_HELD_OUT = {"smaller": (0.85, 0.98), "larger": (1.02, 1.15)}
"""Sizes that nobody has seen, as factors on the file's. A kernel that knows only those goes out of bounds at the first and stops short at
the second."""
_FREE = tuple(f"aten.{name}" for name in ("view", "_unsafe_view", "detach", "alias", "clone", "t.", "transpose", "unsqueeze", "expand"))
"""Operators that move or rename data and compute nothing."""


class Case(NamedTuple):
    """One call to check."""

    id: str
    problem: Problem
    model_seed: int
    input_seed: int
    distribution: str = "natural"
    layout: Layout = "contiguous"
    same_buffers: bool = False
    """New values at the addresses of the case before."""
    nearly: bool = False
    """The values of the case before, except for one stretch in the middle of each input."""


@dataclass(frozen=True)
class Checked:
    """What the check of correctness found."""

    cases: list[tuple[str, float]]
    """Id, and the largest |difference| as a share of what is allowed."""
    deterministic: bool
    """Whether reruns were equal bit for bit; within the bound they are in any case."""
    peak_mib: float
    cpu_s: float

    @property
    def worst(self) -> float:
        """The largest error of all cases; at most 1."""
        return max((error for _, error in self.cases), default=0.0)


@dataclass
class _Past:
    """What earlier cases left for the judgement of a later one."""

    errors: list[tuple[str, float]] = field(default_factory=list[tuple[str, float]])
    outputs: list[tuple[Case, Tensor]] = field(default_factory=list[tuple[Case, Tensor]])
    deterministic: bool = True


def cases(problem: Problem, seed: int, *, strided: bool) -> Iterator[Case]:
    """Yield the cases of an evaluation under this seed."""
    draw = random.Random(f"{problem.name}/{seed}")
    new = lambda: draw.randrange(1, 2**31)  # noqa: E731
    yield Case("default/public", problem, _PUBLIC_SEED, _PUBLIC_SEED)
    yield Case("default/natural", problem, _PUBLIC_SEED, values := new(), same_buffers=True)
    yield Case("default/nearly", problem, _PUBLIC_SEED, values, same_buffers=True, nearly=True)
    if problem.model(0).state_dict():
        yield Case("default/weights", problem, new(), values, same_buffers=True)
    small = problem.small()
    for distribution in problem.distributions:
        yield Case(f"small/{distribution}", small, new(), new(), distribution)
    for name, reach in _HELD_OUT.items():
        yield Case(f"{name}/natural", problem.drawn(new(), reach), new(), new())
    if strided:
        yield Case("small/strided", small, new(), new(), layout="strided")
    if empty := problem.empty():
        yield Case("empty", empty, new(), new())


def check(problem: Problem, setup: Setup, *, seed: int, strided: bool = False, timeout_s: float = TIMEOUT_S) -> Checked:
    """Run all cases. Raises Failure with the name of the check that failed."""
    past = _Past()
    room = _argument_bytes(problem)
    with Bench(setup, room, seed=seed, timeout_s=timeout_s) as bench:
        for case in cases(problem, seed, strided=strided):
            _run(case, bench, past, setup, room)
            if case.id == "default/natural":
                _again(bench, past)
                if setup.program == "module":
                    _not_the_reference(case, bench)
        _varies(past)
        return Checked(past.errors, past.deterministic, bench.worker.peak_mib(), bench.worker.cpu_ns() / 1e9)


def _run(case: Case, bench: Bench, past: _Past, setup: Setup, room: int) -> None:
    call = made(case)
    output, expected = _outcome(case, call, bench)
    wrongness = error(output, expected)
    if wrongness > 1 or wrongness != wrongness:
        raise _named(case, call, output, expected, wrongness, past, setup, room)
    past.errors.append((case.id, round(wrongness, 4)))
    past.outputs.append((case, output.clone()))


def made(case: Case) -> Call:
    """Return the call of a case: its model and inputs."""
    inputs = case.problem.inputs(case.input_seed, case.distribution, case.layout)
    if case.nearly:
        inputs = [_stretched(value) if isinstance(value, Tensor) else value for value in inputs]
    return Call(case.problem, case.problem.model(case.model_seed), inputs)


def _stretched(tensor: Tensor) -> Tensor:
    """Change a stretch in the middle: an eighth of the elements, which a fingerprint of a few of them does not see. Zeros stay zeros."""
    flat = tensor.clone().reshape(-1)
    start, stop = flat.numel() // 2, flat.numel() // 2 + max(1, flat.numel() // 8)
    flat[start:stop] = flat[start:stop] * 0.75 if flat.is_floating_point() else flat[start:stop].flip(0)
    return flat.reshape(tensor.shape)


def _outcome(case: Case, call: Call, bench: Bench) -> tuple[Tensor, Truth]:
    """Run the candidate before the reference is evaluated at these inputs."""
    like = _like(call)
    if case.same_buffers:
        bench.fill(0, call)
    else:
        bench.lay([call], like)
    bench.run([0])
    output = bench.collect([0])[0].clone()
    bench.rests()
    return output, truth(call.model, call.inputs)


@torch.no_grad()
def _like(call: Call) -> Tensor:
    """Return a tensor of the output's shape and layout."""
    return call.model(*call.inputs)


def _again(bench: Bench, past: _Past) -> None:
    """Run the same call again: equal bits, or at least within the bound around the first."""
    case, first = past.outputs[-1]
    call = made(case)
    for _ in range(_RERUNS):
        bench.fill(0, call)
        bench.run([0])
        output = bench.collect([0])[0]
        if not same_bits(output, first):
            past.deterministic = False
            if error(output, truth(call.model, call.inputs)) > 1:
                raise wrong("nondeterministic", f"{case.id}: the same call gave a right output first and a wrong one later")


def _not_the_reference(case: Case, bench: Bench) -> None:
    call = made(case)
    with Counting() as counting, torch.no_grad():
        call.model(*call.inputs)
    theirs, ours = _computing(bench.operators()), _computing(dict(counting.counts))
    if theirs == ours:
        raise wrong("reference_fallback", f"it runs the reference's own operators: {', '.join(sorted(ours)) or 'none'}")


def _computing(operators: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in operators.items() if not name.startswith(_FREE)}


def _varies(past: _Past) -> None:
    """Check that outputs of one shape are not all the same: where they are, nothing shows that the candidate looks at its inputs."""
    _, first = past.outputs[0]
    others = [output for case, output in past.outputs[1:] if output.shape == first.shape and output.numel()]
    if others and all(same_bits(output, first) for output in others):
        raise wrong("constant_output", "the output is the same for all inputs; if a degenerate task makes that right, it is worth nothing")


def _named(case: Case, call: Call, output: Tensor, expected: Truth, wrongness: float, past: _Past, setup: Setup, room: int) -> Failure:
    """Say what is wrong about wrong values."""
    seen = f"{case.id}: the largest error is {wrongness:.3g} times what is allowed"
    if past.outputs and _right_alone(case, call, setup, room):
        what = "cached_weights" if case.id == "default/weights" else "replayed_output"
        return wrong(what, f"{seen}; in a fresh process the same call is right, so something is remembered from earlier calls")
    if any(output.shape == other.shape and output.numel() and same_bits(output, other) for _, other in past.outputs):
        return wrong("seed_specific", f"{seen}; it is the output of another seed, bit for bit")
    if looks_reduced(output, expected):
        return wrong("reduced_precision", f"{seen}; an error of this size comes from half precision")
    if past.outputs and case.distribution == "natural" and case.problem.sizes != past.outputs[0][0].problem.sizes:
        return wrong("shape_specific", f"{seen}; at the sizes of the file it was right, here they are {dict(case.problem.sizes)}")
    return wrong("wrong_values", seen)


def _right_alone(case: Case, call: Call, setup: Setup, room: int) -> bool:
    try:
        with Bench(setup, room) as bench:
            output, expected = _outcome(case._replace(same_buffers=False), call, bench)
            return error(output, expected) <= 1
    except Failure:
        return False


def _argument_bytes(problem: Problem) -> int:
    call = Call(problem, problem.model(_PUBLIC_SEED), problem.inputs(_PUBLIC_SEED))
    tensors = [*call.arguments(), _like(call)]
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
