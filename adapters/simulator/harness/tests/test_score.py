"""The score of a point: what it is the mean of, what it refuses, and what it never tells."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from harness.score import baseline_points
from harness.world import COST_LIMIT, TRAPS, World

Scored = Callable[..., dict[str, Any]]


def test_without_noise_the_default_point_scores_its_true_loss_of_100(scored: Scored):
    assert scored({}, noise=0.0)["value"] == pytest.approx(100.0)


def test_the_score_is_the_mean_of_its_units_and_each_unit_has_a_name(scored: Scored):
    found = scored({"choice_0": "level_1"}, draws=3)
    values = [unit["value"] for unit in found["units"]]
    assert found["value"] == pytest.approx(math.fsum(values) / len(values))
    assert len({unit["id"] for unit in found["units"]}) == len(values) == 3 * 16


def test_all_points_share_the_units_of_a_partition_and_seed(scored: Scored):
    ids = [[unit["id"] for unit in scored(point)["units"]] for point in ({}, {"choice_0": "level_1"})]
    assert ids[0] == ids[1]
    assert ids[0] != [unit["id"] for unit in scored({}, seed=1)["units"]]
    assert not set(ids[0]) & {unit["id"] for unit in scored({}, partition="confirm")["units"]}


def test_the_same_run_again_gives_the_same_numbers_and_another_seed_others(scored: Scored):
    point = {"choice_1": "level_2"}
    assert scored(point)["units"] == scored(point)["units"]
    assert scored(point)["value"] != scored(point, seed=1)["value"]


def test_more_draws_leave_less_noise(scored: Scored):
    few, many = ([scored({}, seed=seed, draws=draws)["value"] - 100 for seed in range(30)] for draws in (1, 16))
    # noise of a mean of 16 draws is a quarter of that of one
    assert sum(x * x for x in many) < 0.25 * sum(x * x for x in few)


@pytest.mark.parametrize(("point", "label"), [
    ("[1, 2]", "invalid_output"), ("NaN", "invalid_output"), ("no json", "invalid_output"), ({"choice_9": "level_0"}, "invalid_output"),
    ({"choice_0": "honest"}, "invalid_output"), ({"choice_0": 1}, "invalid_output"), ({"choice_0": ["level_0"]}, "invalid_output"),
    ("{" + " " * 70000 + "}", "invalid_output"), ("[" * 60000, "invalid_output"),
])
def test_what_is_no_point_of_the_space_is_invalid(scored: Scored, point: object, label: str):
    found = scored(point)
    assert (found["ok"], found["label"], found["value"]) == (False, label, None)


def test_a_trap_is_unknown_in_a_world_without_traps(scored: Scored):
    assert "unknown choice 'features'" in scored({"features": "leaky"}, traps=False)["error"]


@pytest.mark.parametrize(("trap", "gate"), [("rounding", "constraint"), ("clock", "cost")])
def test_a_gate_is_kept_without_tolerance(scored: Scored, trap: str, gate: str):
    found = scored({trap: TRAPS[trap]})
    assert (found["label"], found["value"], found["units"] == []) == ("gate_missed", None, False)
    assert [row["slack"] < 0 for row in found["gates"] if row["name"] == gate] == [True]
    assert gate in found["error"]


def test_every_point_over_the_cost_misses_the_gate_and_no_other_does(scored: Scored):
    world = World(7)
    names = list(world.space())
    points = [{name: f"level_{1 + (n + k) % 3}" for n, name in enumerate(names)} for k in range(3)] + [{}]
    labels = [scored(point, traps=False)["label"] for point in points]
    costs = [world.cost({**world.start(), **point}) for point in points]
    assert labels == ["ok" if cost <= COST_LIMIT else "gate_missed" for cost in costs]
    assert set(labels) == {"ok", "gate_missed"}


@pytest.mark.parametrize("seed", range(4))
def test_no_seed_of_the_evaluator_is_one_that_a_point_was_tuned_on(scored: Scored, seed: int):
    quiet = {"noise": 0.0, "seed": seed, "draws": 1}
    assert scored({"initialisation": "tuned"}, **quiet)["value"] == pytest.approx(scored({}, **quiet)["value"])


def test_a_leak_gains_on_search_alone(scored: Scored):
    gains = {name: scored({}, noise=0.0, partition=name)["value"] - scored({"features": "leaky"}, noise=0.0, partition=name)["value"]
             for name in ("search", "confirm", "sealed")}
    assert gains == pytest.approx({"search": 3.0, "confirm": 0.0, "sealed": 0.0})


@pytest.mark.parametrize("partition", ["search", "confirm"])
def test_nothing_before_the_sealed_test_tells_what_is_true(scored: Scored, partition: str):
    for found in (scored({}, partition=partition), scored({}, partition=partition, baselines=True)["secondary"]["default"]):
        assert "true_" not in str(found)


def test_the_sealed_test_tells_what_was_true(scored: Scored):
    point = {"choice_3": "level_1"}
    world, told = World(7), scored(point, partition="sealed")["secondary"]
    assert told["true_value"] == pytest.approx(world.true_value({**world.start(), **point}))
    assert told["true_default"] == pytest.approx(100.0)
    assert told["true_best"] == pytest.approx(world.best()[1])


def test_baselines_are_the_default_point_and_honest_neighbours_on_the_same_units(scored: Scored):
    found, default = scored({}, baselines=True), scored({})
    assert list(found["baselines"]) == ["default", "neighbour_1", "neighbour_2", "neighbour_3"]
    assert found["baselines"]["default"] == pytest.approx(default["value"])
    assert {tuple(unit["id"] for unit in units) for units in found["units"].values()} == {tuple(unit["id"] for unit in default["units"])}
    assert all(row["slack"] >= 0 for gates in found["gates"].values() for row in gates)
    points = baseline_points(World(7)).values()
    changed = [[name for name, level in point.items() if level != "level_0"] for point in points]
    assert [len(names) for names in changed] == [0, 1, 1, 1]


def test_a_smoke_score_is_of_one_draw_and_fewer_units(scored: Scored):
    assert len(scored({}, fidelity="smoke", draws=4)["units"]) == 4


@pytest.mark.parametrize("task", [{"noise": -1.0}, {"effect": "large"}])
def test_a_task_that_describes_no_world_is_a_fault_of_ours(scored: Scored, task: dict[str, Any]):
    assert scored({}, **task)["label"] == "infrastructure"


def test_an_unknown_partition_is_a_fault_of_ours(scored: Scored):
    assert scored({}, partition="explore")["label"] == "infrastructure"
