"""The rules of the loop, as tables."""

import pytest

from alphalab_nb.config import LimitsConfig
from alphalab_nb.dispatch.triggers import (
    StopReason,
    Usage,
    budget_spent,
    converged,
    family_capped,
    fix_due,
    milestone_due,
    strategy_due,
    supervisor_due,
    supervisor_rearmed,
)
from alphalab_nb.metric import Metric

LOWER = Metric("rmse", "minimize")
HIGHER = Metric("accuracy", "maximize")


@pytest.mark.parametrize(
    ("waiting", "analyzed", "remaining", "screened", "due"),
    [
        (3, 0, 10, 0, True),  # fewer than slots + 2 wait
        (4, 0, 10, 0, False),
        (4, 5, 10, 0, True),  # five were analyzed since the last turn
        (0, 0, 0, 0, False),  # the budget is used up
        (0, 0, 0, 2, True),  # screens wait for a word although nothing may be added
        (2, 0, 0, 2, False),
    ],
)
def test_strategy_is_asked_when_the_queue_is_short_or_much_was_learnt(waiting, analyzed, remaining, screened, due):
    assert strategy_due(waiting=waiting, slots=2, analyzed_since=analyzed, every=5, remaining=remaining, screened=screened) is due


@pytest.mark.parametrize(("analyzed", "reported", "due"), [(14, 0, False), (15, 0, True), (16, 1, False), (30, 1, True)])
def test_milestone_every_fifteen(analyzed, reported, due):
    assert milestone_due(analyzed=analyzed, reported=reported, every=15) is due


@pytest.mark.parametrize(
    ("metric", "scores", "window", "over"),
    [
        (LOWER, [3, 2, 1], 2, False),
        (LOWER, [1, 2, 3], 2, True),
        (LOWER, [1, 1, 1], 2, True),  # equal is no improvement
        (LOWER, [1, 2], 2, False),  # not yet as many as the window
        (HIGHER, [1, 2, 3], 2, False),
        (HIGHER, [3, 2, 1], 2, True),
        (LOWER, [1, 2, 3, 4], 0, False),  # 0: never
    ],
)
def test_convergence_counts_results_without_improvement(metric, scores, window, over):
    assert converged(metric, scores, window) is over


@pytest.mark.parametrize(
    ("usage", "reason"),
    [
        (Usage(runs=9, wall_s=0, usd=0), None),
        (Usage(runs=10, wall_s=0, usd=0), StopReason.RUNS),
        (Usage(runs=0, wall_s=60, usd=0), StopReason.WALL),
        (Usage(runs=0, wall_s=0, usd=2.5), StopReason.USD),
        (Usage(runs=0, wall_s=0, usd=0, tokens=1000), StopReason.TOKENS),
    ],
)
def test_each_budget_has_its_own_stop_reason(usage, reason):
    assert budget_spent(LimitsConfig(max_runs=10, wall_s=60, usd=2, tokens=1000), usage) is reason


def test_zero_means_no_limit():
    assert budget_spent(LimitsConfig(max_runs=0, wall_s=0, usd=0, tokens=0), Usage(runs=10**6, wall_s=1e9, usd=1e6, tokens=10**9)) is None


@pytest.mark.parametrize(
    ("label", "fixes", "due"),
    [("crash", 0, True), ("oom", 1, True), ("crash", 2, False), ("gate_missed", 0, False), ("infrastructure", 0, False)],
)
def test_only_failures_of_the_program_are_fixed_and_at_most_twice(label, fixes, due):
    assert fix_due(label=label, fixes=fixes, max_fixes=2) is due


@pytest.mark.parametrize(("have", "capped"), [(0, False), (4, False), (5, True)])
def test_a_family_may_take_half_of_the_budget(have, capped):
    assert family_capped("gbm", ["gbm"] * have + ["ets"], share=0.5, budget=10) is capped


@pytest.mark.parametrize(
    ("failed", "armed", "due"),
    [
        ([True] * 4 + [False] * 6, True, False),  # 40 % is not more than 40 %
        ([True] * 5 + [False] * 5, True, True),
        ([True] * 5 + [False] * 5, False, False),  # this excess was dealt with
        ([True] * 9, True, False),  # fewer than the window
        ([True] * 20 + [False] * 10, True, False),  # old failures do not count
    ],
)
def test_the_supervisor_is_called_once_when_more_than_the_share_of_the_window_failed(failed, armed, due):
    assert supervisor_due(failed, window=10, rate=0.4, armed=armed) is due


def test_the_supervisor_is_called_again_only_after_the_excess_was_over():
    assert not supervisor_rearmed([True] * 5 + [False] * 5, window=10, rate=0.4)
    assert supervisor_rearmed([True] * 4 + [False] * 6, window=10, rate=0.4)
