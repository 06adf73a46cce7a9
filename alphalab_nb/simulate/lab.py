"""Whole campaigns in one process, on a world whose truth is known: thousands of experiments a minute, without model, GPU or board.

An arm is a proposer and a keep rule; every arm is charged for each run, and none of them, nor the Judge, ever sees a true value.
"""

from __future__ import annotations

import functools
import importlib.util
import math
import random
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Protocol

from alphalab_nb.judge import Noise, Rules, Shrunken, seed_noise
from alphalab_nb.metric import Metric
from alphalab_nb.resources import shipped
from alphalab_nb.storage.experiment import Run, Score

LOSS = Metric("loss")
Point = Mapping[str, str]
REPEATS = 5
BASELINES = 4
"""The certificate repeats so many programs with so many seeds, before any arm starts."""
SEARCH_SEED = 0
FIRST_CONFIRM_SEED = 1000
FIRST_CLOSING_SEED = 1500
"""The close chooses and tests on confirm runs that no claim before it has looked at."""
CERTIFICATE_SEED = 500


class World(Protocol):
    """What an arm may use of a world: it is measured, never asked for the truth."""

    def space(self) -> Mapping[str, tuple[str, ...]]: ...
    def start(self) -> dict[str, str]: ...
    def measure(self, point: Point, partition: Any, seed: int) -> Any: ...


@functools.cache
def worlds() -> ModuleType:
    """Return the module of the simulator's worlds, which is part of its adapter and knows nothing of this package."""
    path = shipped("adapters", "simulator", "harness", "world.py")
    spec = importlib.util.spec_from_file_location("alphalab_nb_world", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@dataclass
class Trial:
    """One experiment of a simulated campaign; identical points are one trial and pool their runs."""

    point: Point
    runs: list[Run] = field(default_factory=list[Run])
    verdict: str = ""

    def score(self, partition: str) -> float | None:
        """Return the mean of its valid runs on a partition."""
        values = [run.score.value for run in self.runs if run.partition == partition and run.score and run.score.value is not None]
        return sum(values) / len(values) if values else None


class SpentError(Exception):
    """The runs of the budget are used up."""


class Lab:
    """Runs points, charges each run, and runs nothing twice."""

    def __init__(self, world: World, budget: float) -> None:
        self.world, self.budget, self.left = world, budget, budget
        self.space = world.space()
        self._ids = 0

    def ensure(self, trial: Trial, partition: str, seeds: Sequence[int]) -> None:
        """Make the runs of a trial that are missing.

        Raises:
            SpentError: the budget ended before.
        """
        for seed in missing(trial, partition, seeds):
            if self.left < 1:
                raise SpentError
            self.left -= 1
            trial.runs.append(self._run(trial.point, partition, seed))

    def _run(self, point: Point, partition: str, seed: int) -> Run:
        measured = self.world.measure(point, partition, seed)
        self._ids += 1
        score = Score(ok=measured.ok, label="ok" if measured.ok else "gate_missed", metric=LOSS.name,
                      value=measured.value if measured.ok else None, units=measured.units if measured.ok else ())
        return Run(id=self._ids, experiment=0, attempt=0, kind="full" if partition == "search" else "confirm", partition=partition,
                   seed=seed, fidelity="full", status="ended", score=score)


def missing(trial: Trial, partition: str, seeds: Sequence[int]) -> list[int]:
    """Return the seeds that a trial has no run with."""
    done = {run.seed for run in trial.runs if run.partition == partition}
    return [seed for seed in seeds if seed not in done]


@dataclass(frozen=True)
class Chosen:
    """The champion that an arm recommends at the end; whether it is proven is told by its being kept."""

    trial: Trial
    posterior: Shrunken
    """Its loss on the level of confirm, without the noise that all points share there."""
    seeds: int
    """That this level is the mean of."""


@dataclass
class Campaign:
    """What a proposer and a keep rule may see, and what has been kept."""

    lab: Lab
    rules: Rules
    rng: random.Random
    trials: list[Trial]
    """In order; the first is the start."""
    incumbent: Trial
    """What was kept last."""
    alpha_left: float
    kept: list[Trial] = field(default_factory=list[Trial])
    chosen: Chosen | None = None
    """By the close; None where an arm has none."""

    @property
    def space(self) -> Mapping[str, tuple[str, ...]]:
        return self.lab.space

    @property
    def champion(self) -> Trial:
        """Return what the campaign recommends: the choice of its close, else what it kept last."""
        return self.chosen.trial if self.chosen else self.incumbent

    def known(self, point: Point) -> bool:
        return any(trial.point == point for trial in self.trials)


Proposer = Callable[[Campaign], Point | None]
"""Returns a new point, or None if it knows none."""
KeepRule = Callable[[Campaign, Trial], str]
"""Runs a trial as often as it needs to and returns the decision; alpha and runs are charged to the campaign."""


def no_close(state: Campaign) -> None:
    """Do nothing at the end."""


@dataclass(frozen=True)
class Arm:
    """A way to run a campaign."""

    name: str
    propose: Proposer
    keep: KeepRule
    ends: Callable[[Campaign], bool] = lambda state: False
    """Whether the remaining runs are needed for the close."""
    close: Callable[[Campaign], None] = no_close
    """What is done with what is left of runs and alpha."""


def campaign(world: World, arm: Arm, rules: Rules, *, seed: int, runs: float = math.inf, experiments: float = math.inf) -> Campaign:
    """Run one campaign until its runs or its experiments are used up, or nothing new is proposed."""
    lab, start = Lab(world, runs), Trial(world.start(), verdict="keep")
    state = Campaign(lab, rules, random.Random(seed), [start], start, rules.alpha)
    try:
        lab.ensure(start, "search", [SEARCH_SEED])
        while len(state.trials) <= experiments and not arm.ends(state):
            point = arm.propose(state)
            if point is None:
                break
            _experiment(state, arm, Trial(point))
        arm.close(state)
    except SpentError:
        pass
    return state


def _experiment(state: Campaign, arm: Arm, trial: Trial) -> None:
    state.trials.append(trial)
    state.lab.ensure(trial, "search", [SEARCH_SEED])
    settle(state, trial, arm.keep(state, trial))


def settle(state: Campaign, trial: Trial, decision: str) -> None:
    """Note a decision; what is kept becomes the incumbent."""
    trial.verdict = decision
    if decision == "keep":
        state.kept.append(trial)
        state.incumbent = trial


# -- before the campaign -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Certified:
    """What repeats of some programs with seeds of their own tell before any arm starts."""

    pair: Noise
    """Of the difference of two programs with equal seeds."""
    value_sd: float
    """Of one program's value over seeds."""
    value_df: float


def certified(world: World, *, seed: int) -> Certified:
    """Repeat the start and some of its neighbours."""
    rng, space = random.Random(seed), world.space()
    points: list[Point] = [world.start()]
    for name in rng.sample(sorted(space), BASELINES - 1):
        points.append({**world.start(), name: space[name][1]})
    table = [[world.measure(point, "search", CERTIFICATE_SEED + k).value for k in range(REPEATS)] for point in points]
    variances = [statistics.variance(row) for row in table]
    return Certified(seed_noise(table), math.sqrt(statistics.fmean(variances)), REPEATS - 1)
