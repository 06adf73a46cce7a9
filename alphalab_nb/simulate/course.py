"""What one simulated campaign looks like: what it holds best after each number of runs, as it was measured and as it truly was."""

from __future__ import annotations

from dataclasses import dataclass, replace

from threadpoolctl import threadpool_limits

from alphalab_nb.judge import Rules
from alphalab_nb.simulate.arms import BEST_OF_N, GREEDY, ours
from alphalab_nb.simulate.lab import Arm, Campaign, Point, Trial, World, campaign, certified, worlds
from alphalab_nb.simulate.measures import RUNS


@dataclass(frozen=True)
class Moment:
    """The best so far when so many runs were spent."""

    runs: int
    measured: float
    """Mean of the incumbent's runs so far: on confirm where it has any, else on search."""
    true: float


@dataclass(frozen=True)
class Course:
    """One world, and the campaigns of all arms in it."""

    arms: dict[str, list[Moment]]
    start: float
    """True loss of the start."""
    best: float
    """True loss of the best point."""


def course(seed: int, *, noise: float = 1.0) -> Course:
    """Run all arms with equal runs in one world with this ratio of noise to effect. True values are looked up after the end."""
    import scipy.linalg  # noqa: F401 - brings a BLAS of its own, which is limited only once it is loaded

    with threadpool_limits(1):  # the matrices are small, and threads of their products wait for each other
        return _course(seed, noise)


def _course(seed: int, noise: float) -> Course:
    world = worlds().World(seed, noise=noise, effect=1.0)
    rules = Rules(noise=certified(world, seed=seed).pair)
    arms: dict[str, list[Moment]] = {}
    for arm in (ours(), GREEDY, BEST_OF_N):
        arms[arm.name] = [Moment(runs, value, world.true_value(point)) for runs, value, point in _watched(world, arm, rules, seed)]
    return Course(arms, world.true_value(world.start()), world.best()[1])


def _watched(world: World, arm: Arm, rules: Rules, seed: int) -> list[tuple[int, float, Point]]:
    """Run a campaign and note before each proposal what was kept last, and at the end the champion."""
    seen: list[tuple[int, float, Point]] = []

    def note(state: Campaign) -> None:
        seen.append((int(state.lab.budget - state.lab.left), _value(state.champion), state.champion.point))

    def propose(state: Campaign) -> Point | None:
        note(state)
        return arm.propose(state)

    note(campaign(world, replace(arm, propose=propose), rules, seed=seed, runs=RUNS))
    return seen


def _value(trial: Trial) -> float:
    confirmed, searched = trial.score("confirm"), trial.score("search")
    assert searched is not None
    return searched if confirmed is None else confirmed
