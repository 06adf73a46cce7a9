"""A world whose truth is known: a recipe space with planted effects, adjustable noise, a gate and traps. It needs numpy only.

A point names one level of each choice; the first level is the default, and the point of all defaults is the start. The true loss is

    start - sum of the effects of its levels - sum of the interactions of its pairs of levels        (smaller is better)

As in most fields, few changes help: of the levels that are no default a sixth helps, a third harms, half does nothing. A helpful
one gains `effect` on average, a harmful one loses half as much again, and a few pairs of levels help or hurt each other. Sizes
are drawn from gamma distributions of shape 2, so a few changes matter most. A costly change can miss the gate on cost.

A run measures the loss on units. Its noise has three sources: difficulties of the units, which all points share (common random
numbers: they cancel in a paired comparison), one shift per point and seed, and one error per point and unit. Partitions and seeds
have streams of their own, so confirm knows nothing of what search was lucky with; the same run again gives the same numbers.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Partition = Literal["search", "confirm", "sealed"]
Fidelity = Literal["smoke", "full"]
Point = Mapping[str, str]

PARTITIONS: tuple[Partition, ...] = ("search", "confirm", "sealed")
START_LOSS = 100.0
HELPFUL, HARMFUL = 1 / 6, 1 / 3
"""Shares of the levels; the rest does nothing."""
HARM = 1.5
"""Mean loss by a harmful level, in units of the mean gain by a helpful one."""
SHAPE = 2.0
INTERACTIONS = 4
COST_LIMIT = 2.0
"""The start costs 1."""
SMOKE_SHIFT = 2.0
"""A smoke run scores worse by so many effects, and on a quarter of the units: comparable with other smoke runs only."""
TUNED_SEED = 0
"""The seed that the seed trick was tuned on: the first one a naive evaluator uses for everything."""
TRAPS = {"features": "leaky", "initialisation": "tuned", "rounding": "slack", "clock": "own"}
"""Choices with one cheating level beside the honest default, if the world has traps."""
TRAP_GAIN = 3.0
"""Apparent gain by a trap, in effects. None of it is true."""
SLACK = 1e-6
"""By how much the level `slack` breaks the constraint; a naive harness tolerates ten times that."""


@dataclass(frozen=True)
class Gate:
    """What a point must keep to; `slack` is how far it is from the limit, negative if it missed it."""

    name: str
    value: float
    limit: float

    @property
    def slack(self) -> float:
        return self.limit - self.value


@dataclass(frozen=True)
class Measured:
    """One run as an evaluator sees it."""

    value: float
    """Mean of the units; a loss."""
    units: tuple[tuple[str, float], ...]
    """Loss of each unit; the same ids, hence the same common noise, for every point of equal partition, seed and fidelity."""
    gates: tuple[Gate, ...]

    @property
    def ok(self) -> bool:
        return all(gate.slack >= 0 for gate in self.gates)


class World:
    """One draw of planted effects."""

    def __init__(
        self, seed: int, *, noise: float = 1.0, effect: float = 1.0, choices: int = 8, levels: int = 4,
        units: int = 16, common: float = 0.5, seed_share: float = 0.5, traps: bool = False,
        gains: Mapping[str, float] | None = None,
    ) -> None:
        """Plant the effects.

        Args:
            noise: standard deviation of the value of one full run about the truth.
            effect: mean gain by a helpful change; 0: nothing has any effect, so every improvement is false.
            choices: number of choices, each with `levels` levels.
            units: units of a full run.
            common: share of the noise variance that all points have in common.
            seed_share: share of the rest that is one shift per point and seed; what remains is independent over units.
            traps: adds the choices of TRAPS.
            gains: what the last level of these choices gains instead of what was drawn, in units of loss.
        """
        self.seed, self.noise, self.effect = seed, noise, effect
        self.n_units, self.common, self.seed_share = units, common, seed_share
        self._names = [f"choice_{n}" for n in range(choices)]
        self._levels = [f"level_{n}" for n in range(levels)]
        self._traps = TRAPS if traps else {}
        rng = np.random.default_rng([seed, 0])
        self._effects = self._planted(rng, choices, levels)  # (choice, level), positive is better
        for name, gain in (gains or {}).items():
            self._effects[self._names.index(name), -1] = gain
        self._interactions = self._paired(rng, choices, levels)
        self._costs = np.where(self._effects == 0, 0.0, rng.gamma(1.0, 0.12, (choices, levels)))
        self._costs[:, 0] = 0.0
        self._shared = functools.lru_cache(maxsize=256)(self._draw_shared)

    # -- the truth ---------------------------------------------------------------------------------------------

    def space(self) -> dict[str, tuple[str, ...]]:
        """Return the levels of each choice, the default first."""
        honest = {name: tuple(self._levels) for name in self._names}
        return honest | {name: ("honest", cheat) for name, cheat in self._traps.items()}

    def start(self) -> dict[str, str]:
        """Return the point of all defaults: the baseline."""
        return {name: levels[0] for name, levels in self.space().items()}

    def true_value(self, point: Point) -> float:
        """Return the expected loss over fresh seeds and units. Cheats gain nothing."""
        return START_LOSS - self._gain(self._index(point))

    def cost(self, point: Point) -> float:
        """Return what a run of the point costs; 1 is the start. The clock cheat buys its gain by cost."""
        honest = 1.0 + float(sum(self._costs[n, level] for n, level in enumerate(self._index(point))))
        return honest + (COST_LIMIT if self._cheats(point, "clock") else 0.0)

    def valid(self, point: Point) -> bool:
        """Say whether the point keeps to the gates."""
        return all(gate.slack >= 0 for gate in self._gates(point, naive=False))

    def best(self) -> tuple[dict[str, str], float]:
        """Return the best valid point and its true loss, by looking at all of them."""
        gains = np.zeros((len(self._levels),) * len(self._names))
        costs = np.ones_like(gains)
        for n in range(len(self._names)):
            shape = [-1 if axis == n else 1 for axis in range(len(self._names))]
            gains = gains + self._effects[n].reshape(shape)
            costs = costs + self._costs[n].reshape(shape)
        for (a, i), (b, j), gain in self._interactions:
            gains[tuple(i if n == a else j if n == b else slice(None) for n in range(len(self._names)))] += gain
        at = np.unravel_index(int(np.argmax(np.where(costs <= COST_LIMIT, gains, -np.inf))), gains.shape)
        point = self.start() | {name: self._levels[int(level)] for name, level in zip(self._names, at)}
        return point, START_LOSS - float(gains[at])

    # -- what can be measured ----------------------------------------------------------------------------------

    def measure(self, point: Point, partition: Partition, seed: int, fidelity: Fidelity = "full", *, naive: bool = False) -> Measured:
        """Run a point; the same arguments always give the same numbers.

        Args:
            naive: judge the gates as a careless harness would: with a tolerance, and by the cost that the program itself reports.
        """
        index = self._index(point)
        own = np.random.default_rng([self.seed, 1, PARTITIONS.index(partition), seed, *index, *self._cheating(point)])
        count = self.n_units if fidelity == "full" else max(2, self.n_units // 4)
        free = (1 - self.common) * self.noise**2
        shift = math.sqrt(free * self.seed_share) * own.standard_normal()
        errors = math.sqrt(free * (1 - self.seed_share) * self.n_units) * own.standard_normal(count)
        level = START_LOSS - self._gain(index) - self._apparent(point, partition, seed)
        level += SMOKE_SHIFT * self.effect if fidelity == "smoke" else 0.0
        losses = level + shift + errors + self._shared(partition, seed)[:count]
        units = tuple((f"n{seed}.{unit}", loss) for unit, loss in enumerate(losses.tolist()))
        return Measured(float(losses.mean()), units, self._gates(point, naive=naive))

    # -- parts -------------------------------------------------------------------------------------------------

    def _planted(self, rng: np.random.Generator, choices: int, levels: int) -> np.ndarray:
        changes = choices * (levels - 1)
        helpful, harmful = round(HELPFUL * changes), round(HARMFUL * changes)
        sizes = rng.gamma(SHAPE, 1 / SHAPE, changes) * self.effect
        signs = np.array([1.0] * helpful + [-HARM] * harmful + [0.0] * (changes - helpful - harmful))
        planted = np.zeros((choices, levels))
        planted[:, 1:] = rng.permutation(sizes * signs).reshape(choices, levels - 1)
        return planted

    def _paired(self, rng: np.random.Generator, choices: int, levels: int) -> list[tuple[tuple[int, int], tuple[int, int], float]]:
        """Draw the pairs of (choice, level) that help or hurt each other, and by how much."""
        pairs = list(itertools.combinations(range(choices), 2))
        chosen = rng.permutation(len(pairs))[:INTERACTIONS]
        at = rng.integers(1, levels, (len(chosen), 2))
        gains = rng.normal(0.0, self.effect, len(chosen))
        return [((pairs[k][0], int(i)), (pairs[k][1], int(j)), float(gain)) for k, (i, j), gain in zip(chosen, at, gains)]

    def _index(self, point: Point) -> tuple[int, ...]:
        return tuple(self._levels.index(point[name]) for name in self._names)

    def _gain(self, index: tuple[int, ...]) -> float:
        main = sum(float(self._effects[n, level]) for n, level in enumerate(index))
        return main + sum(gain for (a, i), (b, j), gain in self._interactions if index[a] == i and index[b] == j)

    def _cheats(self, point: Point, choice: str) -> bool:
        return choice in self._traps and point.get(choice) == self._traps[choice]

    def _cheating(self, point: Point) -> list[int]:
        return [int(self._cheats(point, choice)) for choice in self._traps]

    def _apparent(self, point: Point, partition: Partition, seed: int) -> float:
        """Return what the traps seem to gain in this run."""
        working = {"features": partition == "search", "initialisation": seed == TUNED_SEED, "rounding": True, "clock": True}
        return TRAP_GAIN * self.effect * sum(works and self._cheats(point, choice) for choice, works in working.items())

    def _gates(self, point: Point, *, naive: bool) -> tuple[Gate, ...]:
        broken = SLACK if self._cheats(point, "rounding") else 0.0
        hidden = COST_LIMIT if naive and self._cheats(point, "clock") else 0.0
        return Gate("constraint", broken, 10 * SLACK if naive else 0.0), Gate("cost", self.cost(point) - hidden, COST_LIMIT)

    def _draw_shared(self, partition: Partition, seed: int) -> np.ndarray:
        """Return the difficulties of the units of one partition and seed, the same for every point."""
        rng = np.random.default_rng([self.seed, 2, PARTITIONS.index(partition), seed])
        return math.sqrt(self.common * self.n_units) * self.noise * rng.standard_normal(self.n_units)


def from_options(options: Mapping[str, Any]) -> World:
    """Return the world that a task block describes: seed, noise, effect, traps."""
    return World(
        int(options.get("seed", 0)), noise=float(options.get("noise", 1.0)), effect=float(options.get("effect", 1.0)),
        traps=bool(options.get("traps", False)),
    )
