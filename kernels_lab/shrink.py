"""Sizes at which a problem made for a GPU can be run on one CPU thread.

All sizes are divided by one factor, from the strongest down, until the problem runs and takes long enough to be timed. Where sizes depend
on each other so that no factor serves, or the first that does is slow, batches alone are divided. Numbers up to 16 are left alone: windows,
strides, axes, channels of colour. Batches go down to 2.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from kernels_lab.errors import ProblemError
from kernels_lab.problem import Problem, load_file
from kernels_lab.source import literals, sizes

FACTORS = (64, 32, 16, 8, 4, 2, 1)
"""Tried in this order; one step multiplies the work by 32 at most (three axes and two of channels)."""

SHORTEST_S = 0.3e-3
"""Below this, the cost of a call hides the kernel's."""

LONGEST_S = 50e-3
"""Above this, a problem costs more than it tells."""

_LEAST, _LEAST_BATCH = 16, 2


@dataclass(frozen=True)
class Fitted:
    """A problem at sizes that run here, and how long its model takes."""

    problem: Problem
    sizes: dict[str, int]
    """Constants that were replaced, at their new values."""
    seconds: float
    """Shortest of three calls of the eager model, one thread."""


def shrunken(given: Mapping[str, int], factor: int) -> dict[str, int]:
    """The sizes that change when all are divided by the factor; rounded up, so that a size never becomes zero."""
    return {name: new for name, value in given.items() if (new := _divided(name, value, factor)) != value}


def choices(given: Mapping[str, int]) -> list[dict[str, int]]:
    """Sizes to try in this order, each as the constants that change: everything divided, then batches alone, at last nothing."""
    found = [shrunken(given, factor) for factor in FACTORS[:-1]] + [shrunken(_batches(given), factor) for factor in FACTORS]
    return [one for place, one in enumerate(found) if one not in found[:place]]


def fitted(path: Path) -> Fitted:
    """The problem at the first sizes that run and take at least 0.3 ms; the largest that run within 50 ms if none take as long.

    Raises:
        ProblemError: it runs at no sizes; the message is the first error.
    """
    given, errors = _numbers(path.read_text(encoding="utf-8")), list[str]()
    best: Fitted | None = None
    for candidate in _running(path, choices(given), errors):
        if best and candidate.seconds > LONGEST_S:
            break
        best = candidate
        if best.seconds >= SHORTEST_S:
            break
    if best is None:
        raise ProblemError(errors[0])
    if best.seconds > LONGEST_S:
        return next(_running(path, [best.sizes | shrunken(_batches(given), FACTORS[0])], errors), best)
    return best


def _numbers(source: str) -> dict[str, int]:
    """Every whole number that sets the size of an input: constants, and what is written out where inputs are made."""
    return sizes(source) | {slot.name: slot.value for slot in literals(source) if isinstance(slot.value, int)}


def _divided(name: str, value: int, factor: int) -> int:
    least = _LEAST_BATCH if _is_batch(name) else _LEAST
    return max(least, -(-value // factor)) if value > least else value


def _batches(given: Mapping[str, int]) -> dict[str, int]:
    return {name: value for name, value in given.items() if _is_batch(name)}


def _is_batch(name: str) -> bool:
    return "batch" in name.lower()


def _running(path: Path, wanted: list[dict[str, int]], errors: list[str]) -> Iterator[Fitted]:
    """The problem at each choice of sizes that runs, in the order wanted; why the others do not goes to errors."""
    for changed in wanted:
        try:
            problem = load_file(path, sizes=changed)
            seconds = _seconds(problem)
        except Exception as e:  # noqa: BLE001 — the text is not ours: whatever it raises is the answer
            errors.append(f"{type(e).__name__}: {str(e).strip()[:300]}")
        else:
            yield Fitted(problem, changed, seconds)


def _seconds(problem: Problem) -> float:
    model, inputs = problem.model(1), problem.inputs(1)
    return min(_one_call(model, inputs) for _ in range(3))


def _one_call(model: Any, inputs: list[Any]) -> float:
    start = time.perf_counter()
    with torch.inference_mode():
        model(*inputs)
    return time.perf_counter() - start
