"""The world's truth, its common noise and its traps."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from alphalab_nb.simulate import worlds

world = worlds()


def values(drawn, point, partition: str, *, seeds: int = 400) -> np.ndarray:
    return np.array([drawn.measure(point, partition, seed).value for seed in range(seeds)])


def changed(drawn, **levels: str) -> dict[str, str]:
    return {**drawn.start(), **levels}


def test_the_best_point_is_the_best_of_all():
    for seed in range(20):
        drawn = world.World(seed, choices=4, levels=3)
        points = [dict(zip(drawn.space(), levels)) for levels in itertools.product(*drawn.space().values())]
        best, loss = drawn.best()
        assert loss == pytest.approx(min(drawn.true_value(point) for point in points if drawn.valid(point)))
        assert drawn.true_value(best) == pytest.approx(loss)


def test_runs_scatter_about_the_truth_by_the_declared_noise():
    drawn = world.World(1, noise=2.0)
    found = values(drawn, drawn.best()[0], "search")
    assert found.mean() == pytest.approx(drawn.best()[1], abs=0.4)
    assert found.std() == pytest.approx(2.0, rel=0.15)


def test_points_share_the_difficulty_of_units_so_that_pairs_differ_less():
    drawn = world.World(2, common=0.9)
    one, other = drawn.start(), changed(drawn, choice_3="level_2")
    paired = values(drawn, one, "confirm") - values(drawn, other, "confirm")
    assert paired.std() == pytest.approx(np.sqrt(2 * 0.1), rel=0.15)
    assert paired.mean() == pytest.approx(drawn.true_value(one) - drawn.true_value(other), abs=0.1)


def test_partitions_and_seeds_have_noise_of_their_own_and_a_run_repeats():
    drawn = world.World(3)
    streams = [values(drawn, drawn.start(), partition) for partition in world.PARTITIONS]
    for one, other in itertools.combinations(streams, 2):
        assert abs(np.corrcoef(one, other)[0, 1]) < 0.2
    assert drawn.measure(drawn.start(), "confirm", 5) == world.World(3).measure(drawn.start(), "confirm", 5)


def test_most_changes_do_nothing_or_harm_and_in_the_null_world_all_do_nothing():
    gains = []
    for seed in range(50):
        drawn = world.World(seed)
        singles = [changed(drawn, **{name: level}) for name, levels in drawn.space().items() for level in levels[1:]]
        gains += [drawn.true_value(drawn.start()) - drawn.true_value(point) for point in singles]
    assert 0.1 < np.mean(np.array(gains) > 0) < 0.2
    assert np.mean(np.array(gains) < 0) > 0.3
    null = world.World(0, effect=0.0)
    assert {null.true_value(changed(null, **{name: levels[-1]})) for name, levels in null.space().items()} == {world.START_LOSS}


@pytest.mark.parametrize(("choice", "level"), world.TRAPS.items())
def test_each_trap_fools_a_naive_look_and_gains_nothing(choice: str, level: str):
    drawn = world.World(4, traps=True, noise=0.1)
    cheat = changed(drawn, **{choice: level})
    naive = drawn.measure(cheat, "search", world.TUNED_SEED, naive=True)
    assert naive.ok
    assert naive.value < drawn.true_value(drawn.start()) - 2
    assert drawn.true_value(cheat) == drawn.true_value(drawn.start())
    honest = drawn.measure(cheat, "confirm", 7)
    assert not honest.ok or honest.value > drawn.true_value(drawn.start()) - 1


def test_a_smoke_run_is_shorter_and_worse():
    drawn = world.World(5, noise=0.1)
    smoke, full = (drawn.measure(drawn.start(), "search", 0, fidelity) for fidelity in ("smoke", "full"))
    assert len(smoke.units) < len(full.units)
    assert smoke.value > full.value + 1
