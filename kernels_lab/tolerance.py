"""What a right kernel in single precision may be wrong by: a bound from a double precision reference, for each element of the output.

    bound = u (8 + 4 sqrt(L)) (|y| + rms(y)) + 16 max(s, e) + 8 rms(s) + L tiny

u = 2^-24, y = the output in double precision, L = the longest dimension of an argument, rms along the last dimension. The first term is the
probabilistic growth of rounding in a sum of L terms (Higham and Mary, A new approach to probabilistic rounding error analysis, 2019).
s = how far y moves when every argument moves by one rounding (the conditioning), e = the error of the reference in single precision.
L tiny allows a kernel to flush denormal numbers.
"""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

UNIT = 2.0**-24
"""Unit roundoff of single precision."""
_TINY = 2.0**-126
_TRIALS = 2
_OTHER_INPUTS = 4.0
"""The bound is twice as wide for two outputs that both round, and other inputs of the same distribution have it somewhat wider."""
_HALF_PRECISIONS = (2.0**-15, 2.0**-5)
"""Relative errors between which float16, bfloat16 and the like lie."""


class Truth(NamedTuple):
    """What the output should be."""

    reference: Tensor
    """The reference's own output, single precision."""
    exact: Tensor
    """The same in double precision."""
    bound: Tensor
    """Largest allowed |difference| to exact, for each element."""


@torch.no_grad()
def truth(model: nn.Module, inputs: list[Any], *, seed: int = 0) -> Truth:
    """Evaluate the reference and the bound at these inputs."""
    reference: Tensor = model(*inputs)
    double = copy.deepcopy(model).double()
    wide = [_wide(value) for value in inputs]
    exact: Tensor = double(*wide)
    moved = _moved(double, wide, exact, seed)
    return Truth(reference, exact, _bound(reference, exact, moved, _longest(model, inputs)))


def error(output: Tensor, truth: Truth) -> float:
    """Return max |output - exact| / bound; at most 1 for a right output. Where single precision overflows, the reference decides."""
    if output.numel() == 0:
        return 0.0
    finite = truth.reference.isfinite()
    same = finite | (output == truth.reference) | (output.isnan() & truth.reference.isnan())
    if not bool(same.all()):
        return float("inf")
    ratio = ((output.double() - truth.exact).abs() / truth.bound)[finite]
    return float(ratio.nan_to_num(nan=float("inf")).max()) if ratio.numel() else 0.0


def looks_reduced(output: Tensor, truth: Truth) -> bool:
    """Whether the error is of the size that half precision makes."""
    finite = truth.reference.isfinite() & output.isfinite()
    scale = float(truth.exact[finite].square().mean().sqrt())
    size = float((output.double() - truth.exact)[finite].square().mean().sqrt())
    return scale > 0 and _HALF_PRECISIONS[0] < size / scale < _HALF_PRECISIONS[1]


def _moved(model: nn.Module, inputs: list[Any], exact: Tensor, seed: int) -> Tensor:
    """Return how far the output moves when arguments are rounded otherwise, the largest of a few trials."""
    generator = torch.Generator().manual_seed(seed)
    furthest = torch.zeros_like(exact)
    for _ in range(_TRIALS):
        other = copy.deepcopy(model)
        for tensor in other.state_dict().values():
            tensor.copy_(_rounded(tensor, generator))
        difference = (other(*(_rounded(value, generator) for value in inputs)) - exact).abs()
        furthest = torch.maximum(furthest, difference.nan_to_num(nan=0.0, posinf=0.0))
    return furthest


def _bound(reference: Tensor, exact: Tensor, moved: Tensor, longest: int) -> Tensor:
    own = (reference.double() - exact).abs().nan_to_num(nan=0.0, posinf=0.0)
    rounding = UNIT * (8 + 4 * longest**0.5) * (exact.abs() + _rms(exact))
    return rounding + 16 * torch.maximum(moved, own) + 8 * _rms(moved) + longest * _TINY


def _rms(values: Tensor) -> Tensor:
    squares = values.nan_to_num(nan=0.0, posinf=0.0, neginf=0.0).square()
    rows = values.ndim > 1 and values.shape[-1] > 1
    return (squares.mean(-1, keepdim=True) if rows else squares.mean()).sqrt()


def _longest(model: nn.Module, inputs: list[Any]) -> int:
    tensors = [value for value in (*inputs, *model.state_dict().values()) if isinstance(value, Tensor)]
    return max((size for tensor in tensors for size in tensor.shape), default=1)


def _wide(value: Any) -> Any:
    return value.double() if isinstance(value, Tensor) and value.is_floating_point() else value


def _rounded(value: Any, generator: torch.Generator) -> Any:
    if not (isinstance(value, Tensor) and value.is_floating_point()):
        return value
    return value * (1 + UNIT * (2 * torch.rand(value.shape, generator=generator, dtype=value.dtype) - 1))


def slack(truth: Truth) -> float:
    """Return what two right outputs may differ by, as a share of the root mean square of all elements.

    It stands for the bound where double precision would cost too much: for outputs of timed calls, next to the reference's.
    """
    scale = float(truth.exact.square().mean().sqrt())
    return _OTHER_INPUTS * float(truth.bound.max()) / scale if scale > 0 else 0.0


def strays(output: Tensor, reference: Tensor, allowed: float) -> bool:
    """Whether an output is further from the reference's than both may be from the truth."""
    if output.numel() == 0:
        return False
    limit = allowed * float(reference.square().mean().sqrt())
    return not bool((output - reference).abs().max() <= limit)
