"""What one change did wherever it was tried: the evidence that carries a choice from one problem to the next.

Where each family solves a problem of its own, recipes that offer the same choice give it the same name. A change of that one parameter
between an experiment and its child says what the choice is worth there, and what it was worth in some families it may be worth in the next.
"""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alphalab_nb.strategies.base import BoardView
from alphalab_nb.strategies.space import full_config

WORTH = 0.03
"""Median relative gain from which on a choice is carried on; timings of one program differ by about as much."""


@dataclass(frozen=True)
class Change:
    """One parameter set to one value, and what that did in each family that tried it."""

    name: str
    value: Any
    gains: Mapping[str, float]
    """By family, the relative improvement over the parent as a fraction; the largest in size of a family's."""
    evidence: tuple[int, ...]
    """Parents and children, by id."""

    @property
    def rule(self) -> str:
        """Name of the lesson about it."""
        return f"carry:{self.name}={json.dumps(self.value)}"

    @property
    def gain(self) -> float:
        """Median over the families."""
        return statistics.median(self.gains.values())

    @property
    def helps(self) -> bool:
        return self.gain > WORTH


def changes(view: BoardView) -> list[Change]:
    """Return every change that was measured alone, the most helpful first."""
    recipes = {recipe.family: recipe for recipe in view.recipes}
    by_id = {seen.experiment.id: seen for seen in view.experiments if seen.score is not None and not seen.experiment.quarantined}
    gains: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    evidence: dict[tuple[str, str], set[int]] = defaultdict(set)
    for child in by_id.values():
        parent, recipe = by_id.get(child.experiment.parent or 0), recipes.get(child.experiment.family)
        if parent is None or recipe is None or parent.experiment.family != child.experiment.family:
            continue
        old, new = (full_config(recipe, seen.experiment.config, view.task) for seen in (parent, child))
        moved = [name for name in new if name in old and new[name] != old[name]]
        if len(moved) != 1 or parent.score is None or child.score is None:
            continue
        key, family = (moved[0], json.dumps(new[moved[0]])), child.experiment.family
        gain = view.metric.improvement(child.score, parent.score)
        if abs(gain) >= abs(gains[key].get(family, 0.0)):
            gains[key][family] = gain
        evidence[key] |= {parent.experiment.id, child.experiment.id}
    found = [Change(name, json.loads(value), gains[name, value], tuple(sorted(evidence[name, value]))) for name, value in gains]
    return sorted(found, key=lambda change: -change.gain)
