"""What the simulator measures of our own rules, one world at a time. Only these functions look at true values, after a campaign's end."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from alphalab_nb.judge import Estimate, Rules, Shrunken, detectable, shrunken
from alphalab_nb.judge.compare import quantile
from alphalab_nb.simulate.arms import BEST_OF_N, GREEDY, judged, ours
from alphalab_nb.simulate.lab import Arm, Campaign, Certified, Point, Trial, campaign, certified, worlds
from alphalab_nb.simulate.proposers import independent, measured

EXPERIMENTS = 50
"""Of a campaign in the null world and of one with a planted gain."""
RUNS = 100
"""That each arm may spend where true values are compared."""
SEALED_SEED = 2000
SEALED_RUNS = 4


def kept_in_null_world(seed: int) -> dict[str, bool]:
    """Run campaigns in a world where nothing has any effect; say which arms kept something."""
    world = worlds().World(seed, effect=0.0)
    rules = Rules(noise=certified(world, seed=seed).pair)
    return {arm.name: bool(campaign(world, arm, rules, seed=seed, experiments=EXPERIMENTS).kept) for arm in (ours(), GREEDY)}


def kept_planted(seed: int, *, mdes: float = 2.0) -> bool:
    """Plant one gain of so many MDE at a random place of a campaign in which nothing else helps; say whether it was kept."""
    module, chosen = worlds(), random.Random(seed)
    rules = Rules(noise=certified(module.World(seed, effect=0.0), seed=seed).pair)
    name = chosen.choice(sorted(module.World(seed).space()))
    world = module.World(seed, effect=0.0, gains={name: mdes * detectable(rules)})
    planted = {**world.start(), name: world.space()[name][-1]}
    at = chosen.randrange(1, EXPERIMENTS + 1)

    def propose(state: Campaign) -> Point | None:
        if len(state.trials) == at:
            return planted
        found = independent(state)
        return found and {**found, name: world.start()[name]}

    ended = campaign(world, Arm("listed", propose, judged), rules, seed=seed, experiments=EXPERIMENTS)
    return any(trial.point == planted for trial in ended.kept)


@dataclass(frozen=True)
class Ended:
    """What an arm reached in one world, in units of the mean gain by a helpful change, and what it said of it."""

    regret: float
    """True loss of the champion minus that of the best point."""
    possible: float
    """True loss of the start minus that of the best point."""
    optimism: float
    """True minus reported loss of the champion, in standard deviations of the noise of one run: positive means oversold."""
    sealed_inside: bool
    """Whether the sealed score lies in the 90 % prediction interval; meaningful for ours."""
    experiments: int
    kept: int


def raced(seed: int, noise: float) -> dict[str, Ended]:
    """Run all arms with equal runs in one world with this ratio of noise to effect."""
    world = worlds().World(seed, noise=noise, effect=1.0)
    certificate, best = certified(world, seed=seed), world.best()[1]
    rules = Rules(noise=certificate.pair)
    return {arm.name: _ended(world, arm, certificate, rules, best, seed) for arm in (ours(), GREEDY, BEST_OF_N)}


def _ended(world: Any, arm: Arm, certificate: Certified, rules: Rules, best: float, seed: int) -> Ended:
    state = campaign(world, arm, rules, seed=seed, runs=RUNS)
    champion, true = state.champion, world.true_value(state.champion.point)
    found = reported(state, certificate)
    said = found.value if arm.name == "ours" else champion.score("search")
    sealed = np.mean([world.measure(champion.point, "sealed", SEALED_SEED + n).value for n in range(SEALED_RUNS)])
    low, high = found.predicts(certificate.value_sd / math.sqrt(SEALED_RUNS), df=certificate.value_df)
    return Ended(
        regret=true - best, possible=world.true_value(world.start()) - best, optimism=(true - (said or math.nan)) / world.noise,
        sealed_inside=bool(low <= sealed <= high), experiments=len(state.trials) - 1, kept=len(state.kept),
    )


def reported(state: Campaign, certificate: Certified) -> Shrunken:
    """Return what is said of the champion: the posterior of the close, with the noise that all points share; else a shrunken score."""
    if state.chosen is None:
        seen = measured(state)
        found = shrunken([_estimate(trial, certificate) for trial in seen])
        return found[next(n for n, trial in enumerate(seen) if trial is state.champion)]
    said = state.chosen.posterior
    shared = max(0.0, certificate.value_sd**2 - certificate.pair.seed_sd**2 / 2) / state.chosen.seeds
    se = math.sqrt(said.se**2 + shared)
    reach = quantile(0.95, certificate.value_df) * se
    return Shrunken(said.value, se, said.value - reach, said.value + reach, said.weight)


def _estimate(trial: Trial, certificate: Certified) -> Estimate:
    value, runs = trial.score("search"), sum(run.partition == "search" for run in trial.runs)
    assert value is not None
    return Estimate(value, certificate.value_sd / math.sqrt(runs), runs)


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean's 95 % interval over worlds."""
    mean, reach = float(np.mean(values)), 1.96 * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return mean - reach, mean + reach
