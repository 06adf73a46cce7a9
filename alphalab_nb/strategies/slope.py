"""Which of several neighbours of a configuration is likely to be better: a local linear fit of what its relatives scored.

A handful of results in many dimensions supports no more than a slope, strongly held back: what made things worse is tried the
other way round, what made them better is carried on, and what was never moved counts as neutral.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alphalab_nb.adapter import Recipe

REACH = 0.5
"""Distance, in units of the parameters' ranges, at which a relative counts little."""
HOLD_BACK = 0.1
"""Ridge penalty; small beside the squared length of usual moves times their number, large enough for one observation."""


def most_promising(recipe: Recipe, task: Mapping[str, Any], start: Mapping[str, Any], candidates: Sequence[dict[str, Any]],
                   known: Sequence[tuple[Mapping[str, Any], float]]) -> dict[str, Any]:
    """Return the candidate with the lowest predicted loss; the first of equal ones.

    Args:
        start: the configuration they are neighbours of.
        known: configurations of the family with their losses, `start` among them or not.
    """
    origin = coordinates(recipe, start, task)
    moves = np.array([coordinates(recipe, config, task) - origin for config, _ in known])
    near = np.exp(-(moves**2).sum(axis=1) / REACH**2) if len(moves) else np.zeros(0)
    at_start = [loss for (_, loss), move in zip(known, moves, strict=True) if not move.any()]
    if len(known) < 2 or not at_start:
        return candidates[0]
    changes = np.array([loss for _, loss in known]) - min(at_start)
    weighted = moves * near[:, None]
    slope = np.linalg.solve(weighted.T @ moves + HOLD_BACK * np.eye(len(origin)), weighted.T @ changes)
    return min(candidates, key=lambda config: float((coordinates(recipe, config, task) - origin) @ slope))


def coordinates(recipe: Recipe, config: Mapping[str, Any], task: Mapping[str, Any]) -> NDArray[np.float64]:
    """Return a configuration as numbers from 0 to 1: ranges by place, choices one by one, inactive parameters as 0."""
    numbers: list[float] = []
    for name, param in recipe.spec.params.items():
        value = config.get(name)
        if param.type in ("int", "float"):
            low, high = recipe.bounds(param, task)
            numbers.append(_place(value, low, high, log=param.log) if isinstance(value, int | float) else 0.0)
        elif param.type != "experiments":
            choices = (False, True) if param.type == "bool" else param.choices
            numbers += [float(value == choice) for choice in choices]
    return np.array(numbers)


def _place(value: float, low: float, high: float, *, log: bool) -> float:
    if log:
        value, low, high = math.log(value), math.log(low), math.log(high)
    return (value - low) / (high - low) if high > low else 0.0
