"""The close of a simulated campaign: what it costs, whom it recommends, and what it claims."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from alphalab_nb.judge import Rules, Shrunken
from alphalab_nb.simulate import Campaign, Trial, campaign, certified, ours, worlds
from alphalab_nb.simulate.closing import SHARE, Nominated, Plan, close, planned
from alphalab_nb.simulate.lab import FIRST_CLOSING_SEED, SEARCH_SEED, Lab

world = worlds()
PLAN = Plan(8, 1)


@pytest.fixture(autouse=True)
def _one_thread():
    """The matrices are small, and threads of their products wait for each other on a busy machine."""
    import scipy.linalg  # noqa: F401 - brings a BLAS of its own, which is limited only once it is loaded

    with threadpool_limits(1):
        yield


def after_search(value: float, se: float = 1.0) -> Shrunken:
    return Shrunken(value, se, value - 1.64 * se, value + 1.64 * se, 0.5)


def nominated(drawn, count: int = 8, runs: float = math.inf) -> tuple[Campaign, list[Nominated]]:
    """Return a campaign that has searched, and the start with its first neighbours as nominees of equal prospects."""
    points = [drawn.start(), *({**drawn.start(), name: level} for name, levels in drawn.space().items() for level in levels[1:])]
    trials = [Trial(point) for point in points if drawn.valid(point)][:count]
    state = Campaign(Lab(drawn, runs), Rules(noise=certified(drawn, seed=drawn.seed).pair), random.Random(0), trials, trials[0], 0.04)
    for trial in trials:
        state.lab.ensure(trial, "search", [SEARCH_SEED])
    return state, [(trial, after_search(100.0)) for trial in trials]


def confirmed(trial: Trial) -> int:
    return sum(run.partition == "confirm" for run in trial.runs)


@pytest.mark.parametrize("budget", [20, 40, 100, 400, math.inf])
def test_the_close_costs_a_part_of_the_budget_and_a_larger_budget_buys_more(budget: float):
    plan, richer = planned(budget), planned(4 * budget)
    assert plan is not None
    assert richer is not None
    assert plan.cost <= SHARE * budget
    assert (plan.nominees, plan.seeds) <= (richer.nominees, richer.seeds)
    assert planned(10) is None


def test_each_round_halves_the_nominees_and_the_plan_says_what_that_costs():
    state, nominees = nominated(world.World(1))
    before = state.lab._ids
    close(state, nominees, PLAN)
    assert sorted(confirmed(trial) for trial, _ in nominees if trial is not state.incumbent)[:4] == [1] * 4
    assert confirmed(state.champion) == PLAN.rounds
    assert state.lab._ids - before <= PLAN.cost


def test_the_champion_need_not_be_proven_and_is_among_the_kept_only_if_it_is():
    ended = [campaign(drawn, ours(), Rules(noise=certified(drawn, seed=seed).pair), seed=seed, runs=60)
             for seed in range(6) for drawn in (world.World(seed, noise=4.0), world.World(seed, noise=0.25))]
    unproven = [state for state in ended if state.champion is not state.incumbent]
    assert unproven
    assert all(state.champion not in state.kept for state in unproven)
    assert any(state.kept and state.champion is state.kept[-1] for state in ended)


def test_where_all_are_equal_the_best_of_eight_is_seldom_proven():
    kept = 0
    for seed in range(300):
        state, nominees = nominated(world.World(seed, effect=0.0))
        close(state, nominees, PLAN)
        kept += bool(state.kept)
    assert kept / 300 <= 0.062  # 0.04 and two standard errors


def test_a_much_better_nominee_is_chosen_and_proven():
    drawn = world.World(3, effect=0.0, noise=0.5, gains={"choice_1": 5.0})
    state, nominees = nominated(drawn, count=30)
    best = {**drawn.start(), "choice_1": "level_3"}
    close(state, [one for one in nominees if one[0].point in (drawn.start(), best)], Plan(2, 4))
    assert state.champion.point == best
    assert state.kept == [state.champion]


def test_a_nominee_that_misses_a_gate_on_confirm_is_out():
    drawn = world.World(6, effect=0.0, traps=True)
    state, nominees = nominated(drawn, count=2)
    cheat = Trial({**drawn.start(), "clock": "own"})
    close(state, [*nominees, (cheat, after_search(0.0))], Plan(4, 1))
    assert state.champion is not cheat


def test_claims_before_the_close_have_other_seeds():
    state, nominees = nominated(world.World(2))
    close(state, nominees, PLAN)
    assert all(run.seed >= FIRST_CLOSING_SEED for trial in state.trials for run in trial.runs if run.partition == "confirm")


def test_what_is_told_of_the_champion_allows_for_its_being_the_best_of_eight():
    """Equal nominees whose search promised differences: the smallest mean on confirm is lower than the truth, the posterior less so."""
    raw, told = [], []
    for seed in range(200):
        drawn = world.World(seed, effect=0.0, common=0.0)
        state, nominees = nominated(drawn)
        close(state, [(trial, after_search(100.0, 0.5)) for trial, _ in nominees], PLAN)
        assert state.chosen is not None
        true, measured = drawn.true_value(state.champion.point), state.champion.score("confirm")
        raw.append(true - measured)
        told.append(true - state.chosen.posterior.value)
    assert abs(np.mean(told)) < 0.5 * np.mean(raw)
