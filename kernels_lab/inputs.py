"""Inputs of a problem under a seed, in several distributions and layouts, so that no kernel can know them beforehand.

Distributions multiply, except "shifted", which adds to non-zeros only: structural zeros (triangles) stay zeros.
Whole numbers (classes) and masks are left alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor

Layout = Literal["contiguous", "strided"]

OFFSET = 100.0
"""Of "shifted", in units of the inputs: at mean 100 and spread 1, a variance as E[x^2] - E[x]^2 in float32 has lost 4 of its 7 digits."""

DENORMAL = 1e-39
"""Factor of "denormal": below 1.2e-38, float32 has no leading one; flags such as -ffast-math turn these into zeros."""


def carried_into(name: str, magnitude: float) -> Callable[[Tensor], Tensor]:
    """The function that carries natural inputs into the named distribution.

    natural    as the problem draws them
    large      times magnitude
    small      times 1e-3
    denormal   times 1e-39
    shifted    plus 100 where not zero
    sparse     nine of ten are zero
    outliers   one of fifty times magnitude
    """
    return {
        "natural": lambda x: x,
        "large": lambda x: x * magnitude,
        "small": lambda x: x * 1e-3,
        "denormal": lambda x: x * DENORMAL,
        "shifted": lambda x: torch.where(x == 0, x, x + OFFSET),
        "sparse": lambda x: x * (torch.rand_like(x) < 0.1),
        "outliers": lambda x: torch.where(torch.rand_like(x) < 0.02, x * magnitude, x),
    }[name]


DISTRIBUTIONS = ("natural", "large", "small", "denormal", "shifted", "sparse", "outliers")


def under(key: str, draw: Callable[[], Any]) -> Any:
    """What draw returns with torch's generator seeded by the key; the generator is put back as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(number(key))
        return draw()


def number(key: str) -> int:
    """A seed from a key, the same on every machine and in every process; keys that differ give seeds without relation."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:7])


def spread(tensor: Tensor) -> Tensor:
    """The same values, every second place of a buffer twice as long: a view that is not contiguous."""
    if tensor.dim() == 0:
        return tensor
    buffer = torch.empty(*tensor.shape[:-1], 2 * tensor.shape[-1], dtype=tensor.dtype)
    return buffer[..., ::2].copy_(tensor)
