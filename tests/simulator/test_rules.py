"""Our rules where the truth is known: small versions of `make bench AREA=truth`, and what must hold for these to mean anything."""

from __future__ import annotations

import math

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from alphalab_nb.judge import Rules
from alphalab_nb.simulate import BEST_OF_N, GREEDY, Arm, Campaign, campaign, certified, ours, worlds
from alphalab_nb.simulate.arms import if_better, judged
from alphalab_nb.simulate.lab import SEARCH_SEED
from alphalab_nb.simulate.measures import kept_planted, raced
from alphalab_nb.simulate.proposers import independent

world = worlds()
JUDGED = Arm("judged", independent, judged)


@pytest.fixture(autouse=True)
def _one_thread():
    """The matrices are small, and threads of their products wait for each other on a busy machine."""
    import scipy.linalg  # noqa: F401 - brings a BLAS of its own, which is limited only once it is loaded

    with threadpool_limits(1):
        yield


def run(drawn, arm: Arm, rules: Rules | None = None, *, seed: int = 0, runs: float = math.inf, experiments: float = math.inf) -> Campaign:
    rules = rules or Rules(noise=certified(drawn, seed=seed).pair)
    return campaign(drawn, arm, rules, seed=seed, runs=runs, experiments=experiments)


def test_where_nothing_helps_greedy_keeps_noise_and_the_judge_seldom_does():
    drawn = [world.World(seed, effect=0.0) for seed in range(60)]
    assert np.mean([bool(run(one, GREEDY, experiments=50).kept) for one in drawn]) > 0.85
    assert np.mean([bool(run(one, JUDGED, seed=n, experiments=50).kept) for n, one in enumerate(drawn)]) <= 0.12


def test_alpha_holds_however_long_the_campaign_is():
    """A level for each test alone would keep something false in nearly every one of these."""
    kept = []
    for seed in range(30):
        drawn = world.World(seed, effect=0.0)
        rules = Rules(alpha=0.3, noise=certified(drawn, seed=seed).pair)
        kept.append(bool(run(drawn, JUDGED, rules, seed=seed, experiments=250).kept))
    assert np.mean(kept) <= 0.5


def test_a_gain_of_twice_the_detectable_one_is_kept():
    assert np.mean([kept_planted(seed) for seed in range(40)]) >= 0.9


def test_our_champion_is_better_than_greedys_and_the_best_of_n_and_unlike_theirs_not_oversold():
    found = [raced(seed, 1.0) for seed in range(100, 116)]
    mean = {arm: np.mean([one[arm].regret for one in found]) for arm in found[0]}
    assert mean["ours"] < mean["greedy"] < mean["best_of_n"]
    assert abs(np.mean([one["ours"].optimism for one in found])) < 0.5
    assert np.mean([one["greedy"].optimism for one in found]) > 0.5
    assert np.mean([one["ours"].sealed_inside for one in found]) >= 0.7


@pytest.mark.parametrize(("choice", "level"), world.TRAPS.items())
def test_the_judge_keeps_no_trap(choice: str, level: str):
    drawn = world.World(6, effect=1.0, noise=0.25, traps=True)
    cheat = {**drawn.start(), choice: level}

    def propose(state: Campaign):
        return None if len(state.trials) > 1 else cheat

    fooled = run(drawn, Arm("naive", propose, if_better)).kept
    assert bool(fooled) == (choice in ("features", "initialisation"))  # the others miss a gate that is measured from outside
    assert not run(drawn, Arm("judged", propose, judged)).kept


class Shut:
    """A world of which nothing but measuring is left."""

    def __init__(self, drawn) -> None:
        self.space, self.start, self.measure = drawn.space, drawn.start, drawn.measure


@pytest.mark.parametrize("make", [ours, lambda: GREEDY, lambda: BEST_OF_N, lambda: JUDGED])
def test_no_arm_needs_to_know_a_true_value(make):
    drawn = world.World(7)
    opened, shut = run(drawn, make(), seed=7, runs=40), run(Shut(drawn), make(), seed=7, runs=40)
    assert [trial.point for trial in opened.trials] == [trial.point for trial in shut.trials]
    assert opened.incumbent.point == shut.incumbent.point


@pytest.mark.parametrize("make", [ours, lambda: GREEDY, lambda: BEST_OF_N])
def test_every_run_is_charged_and_confirm_uses_data_and_seeds_of_its_own(make):
    ended = run(world.World(8), make(), seed=8, runs=60)
    done = [each for trial in ended.trials for each in trial.runs]
    assert len(done) == 60 - ended.lab.left
    assert {each.seed for each in done if each.partition == "search"} == {SEARCH_SEED}
    assert {each.partition for each in done} <= {"search", "confirm"}
    assert all(each.seed != SEARCH_SEED for each in done if each.partition == "confirm")
    if make is ours:
        assert all(any(each.partition == "confirm" for each in trial.runs) for trial in ended.kept)
