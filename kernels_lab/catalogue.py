"""What is known of each of our problems besides its text: problems/problems.yaml, read once."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

import yaml

from kernels_lab.errors import UnknownProblem


@dataclass(frozen=True)
class Facts:
    """One entry of problems.yaml; the defaults serve problems from elsewhere, of which nothing is known."""

    resembles: str
    """KernelBench task, as level/number_name."""
    tags: tuple[str, ...] = ()
    rewrite: bool = False
    """The point is another algorithm: left out of means "without rewrites"."""
    vary: tuple[str, ...] = ()
    """Sizes that held-out shapes change."""
    small: dict[str, int] = field(default_factory=dict[str, int])
    """Tiny odd sizes."""
    empty: str = ""
    """The size that may be zero; "" if PyTorch defines no result there."""
    flops: str = ""
    """Least floating point operations, an expression in the sizes; "" if unknown."""
    bytes_share: float = 1.0
    """Share of all bytes that every right kernel must touch."""
    magnitude: float = 1000.0
    """Factor of the distribution "large"."""


def names() -> tuple[str, ...]:
    """Our problems, in the order of the list."""
    return tuple(_entries())


def facts(name: str) -> Facts:
    """What is known of one of our problems."""
    if name not in _entries():
        raise UnknownProblem(f"no problem {name!r}; there are: {', '.join(names())}")
    entry = dict(_entries()[name])
    return Facts(**{**entry, "tags": tuple(entry["tags"]), "vary": tuple(entry["vary"])})


def text(name: str) -> str:
    """Python text of one of our problems."""
    facts(name)
    return (_folder() / f"{name}.py").read_text(encoding="utf-8")


def _folder() -> Traversable:
    return resources.files("kernels_lab") / "problems"


@cache
def _entries() -> dict[str, dict[str, Any]]:
    return yaml.safe_load((_folder() / "problems.yaml").read_text(encoding="utf-8"))
