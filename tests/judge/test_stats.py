"""The paired comparison, against cases with known answers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from alphalab_nb.errors import BadInput
from alphalab_nb.judge import diebold_mariano, paired_interval

Units = list[tuple[str, float]]


def units(losses: np.ndarray) -> Units:
    """Return the units of losses by origin and item."""
    return [(f"t{origin * 4}/i{item}", float(loss)) for (origin, item), loss in np.ndenumerate(losses)]


def series(rng: np.random.Generator, origins: int, *, memory: int = 1, shift: float = 0.0, items: int = 1) -> np.ndarray:
    """Return losses whose origins are a moving average over `memory` shocks: what overlapping windows look like."""
    shocks = rng.normal(size=origins + memory - 1)
    common = np.convolve(shocks, np.ones(memory) / math.sqrt(memory), mode="valid")
    return common[:, None] + 0.1 * rng.normal(size=(origins, items)) + shift


def test_the_mean_is_the_mean_difference_over_all_units():
    a, b = [("t0/x", 1.0), ("t0/y", 3.0), ("t4/x", 2.0)], [("t4/x", 1.0), ("t0/x", 0.5), ("t0/y", 1.0)]
    interval = paired_interval(a, b, block=1, seed=0)
    assert interval.mean == pytest.approx((0.5 + 2.0 + 1.0) / 3)
    assert (interval.n, interval.origins) == (3, 2)
    assert interval.low <= interval.mean <= interval.high


def test_swapping_the_sides_swaps_the_sign():
    rng = np.random.default_rng(1)
    a, b = units(series(rng, 60)), units(series(rng, 60))
    one, other = paired_interval(a, b, block=3, seed=5), paired_interval(b, a, block=3, seed=5)
    assert (one.mean, one.low, one.high) == pytest.approx((-other.mean, -other.high, -other.low))


def test_the_same_seed_gives_the_same_band_and_the_order_of_units_does_not_matter():
    rng = np.random.default_rng(2)
    a, b = units(series(rng, 50, items=3)), units(series(rng, 50, items=3))
    assert paired_interval(a, b, block=4, seed=7) == paired_interval(a[::-1], b, block=4, seed=7)


@pytest.mark.parametrize("memory", [1, 6])
def test_the_band_covers_the_truth_about_as_often_as_it_says(memory: int):
    rng = np.random.default_rng(3)
    zero = units(np.zeros((120, 1)))
    covered = 0
    for repeat in range(200):
        interval = paired_interval(units(series(rng, 120, memory=memory)), zero, block=memory, seed=repeat, repeats=300)
        covered += interval.low <= 0 <= interval.high
    assert covered / 200 >= 0.90


def test_ignoring_the_overlap_gives_too_narrow_a_band():
    rng = np.random.default_rng(4)
    a, b = units(series(rng, 200, memory=8)), units(np.zeros((200, 1)))
    blocked, naive = paired_interval(a, b, block=8, seed=0), paired_interval(a, b, block=1, seed=0)
    assert blocked.high - blocked.low > 1.5 * (naive.high - naive.low)


def test_items_of_an_origin_move_together_and_do_not_count_as_independent():
    rng = np.random.default_rng(5)
    one = series(rng, 80)
    many = np.repeat(one, 50, axis=1)
    narrow = paired_interval(units(many), units(np.zeros_like(many)), block=1, seed=0)
    single = paired_interval(units(one), units(np.zeros_like(one)), block=1, seed=0)
    assert (narrow.high - narrow.low) == pytest.approx(single.high - single.low, rel=0.15)


def test_few_blocks_widen_the_band_and_one_origin_has_none():
    rng = np.random.default_rng(6)
    losses = series(rng, 6)
    interval = paired_interval(units(losses), units(np.zeros_like(losses)), block=6, seed=0)
    assert interval.block == 3
    assert interval.high - interval.low > 2 * losses.std()
    single = paired_interval([("t0/x", 1.0)], [("t0/x", 0.5)], block=1, seed=0)
    assert (single.mean, single.low, single.high) == (0.5, -math.inf, math.inf)


def test_a_deterministic_program_still_has_a_band():
    """Equal scores over seeds say nothing about the sampling of forecast windows."""
    rng = np.random.default_rng(7)
    losses = series(rng, 40)
    interval = paired_interval(units(losses), units(losses * 0), block=2, seed=0)
    assert interval.high > interval.low


def test_units_that_are_no_forecasts_are_paired_by_name():
    a, b = [("doc_b", 1.0), ("doc_a", 2.0)], [("doc_a", 1.0), ("doc_b", 1.0)]
    assert paired_interval(a, b, block=1, seed=0).mean == 0.5


@pytest.mark.parametrize("compare", [lambda a, b: paired_interval(a, b, block=1, seed=0), lambda a, b: diebold_mariano(a, b, block=1)])
def test_what_is_not_paired_is_refused(compare):
    with pytest.raises(BadInput, match=r"not paired: 2 of their units.*t0/x, t4/x"):
        compare([("t0/x", 1.0)], [("t4/x", 1.0)])
    with pytest.raises(BadInput, match="no per-unit losses"):
        compare([], [("t0/x", 1.0)])
    with pytest.raises(BadInput, match="occurs twice"):
        compare([("t0/x", 1.0), ("t0/x", 2.0)], [("t0/x", 1.0)])


def test_diebold_mariano_agrees_with_the_t_test_without_overlap():
    from scipy.stats import ttest_1samp

    losses = series(np.random.default_rng(8), 40, shift=0.3)
    found = diebold_mariano(units(losses), units(losses * 0), block=1)
    expected = ttest_1samp(losses.ravel(), 0.0)
    assert found.statistic == pytest.approx(expected.statistic)
    assert found.p_value == pytest.approx(expected.pvalue)


def test_diebold_mariano_rejects_about_as_often_as_it_says():
    rng = np.random.default_rng(9)
    zero = units(np.zeros((150, 1)))
    rejected = sum(diebold_mariano(units(series(rng, 150, memory=4)), zero, block=4).p_value < 0.05 for _ in range(300))
    assert rejected / 300 <= 0.12


def test_diebold_mariano_of_equal_losses_finds_nothing():
    same = units(np.ones((10, 2)))
    found = diebold_mariano(same, same, block=3)
    assert (found.statistic, found.p_value) == (0.0, 1.0)
