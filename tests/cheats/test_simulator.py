"""Every planted cheat of the simulator gains from a naive evaluation, and none from ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from alphalab_nb.judge.cheats import Row, cheats, kill_matrix
from tests.cheats.attacks import SIMULATOR, attack, bugs, copy_harness, plant, planted

CHEATS = SIMULATOR / "cheats"
NAMES = list(planted(CHEATS))
BUGS = bugs("simulator")
FOUND_BY = {
    "unknown levels are passed on": "unknown_level",
    "a tolerance at the gates": "rounding_slack",
    "the cost that the point reports": "own_clock",
    "unknown choices are left out": "tells_its_score",
    "draws are added up": "start_by_hand",
    "units of a point's own": "units_are_paired",
    "seeds as they come": "tuned_seed",
    "confirm tells the truth": "truth_is_not_told",
    "smoke passes for full": "smoke_claimed_as_full",
}
"""Bug planted in the harness -> the cheat that then survives."""


@pytest.fixture(scope="module")
def matrix() -> dict[str, Row]:
    return {row.cheat: row for row in kill_matrix(SIMULATOR / "harness", CHEATS, kind="point") if row.cheat in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_it_works_on_the_naive_evaluation(name: str, matrix: dict[str, Row]) -> None:
    assert (matrix[name].naive_gain or 0) > 0.03


@pytest.mark.parametrize("name", NAMES)
def test_our_harness_stops_it(name: str, matrix: dict[str, Row]) -> None:
    assert (matrix[name].applies, matrix[name].killed) == (True, True), matrix[name].message


def test_what_applies_to_points_and_must_be_stopped_here_is_planted() -> None:
    attacked = {row["cheat"] for row in planted(CHEATS).values()}
    elsewhere = {"judge", "identity", "partitions", "evaluator", "board"}
    assert {cheat.id for cheat in cheats().values() if "point" in cheat.kinds and cheat.by not in elsewhere} <= attacked


@pytest.mark.parametrize(("bug", "cheat"), FOUND_BY.items(), ids=FOUND_BY)
def test_a_bug_of_the_harness_lets_a_cheat_live(bug: str, cheat: str, tmp_path: Path) -> None:
    harness = copy_harness(tmp_path, SIMULATOR)
    plant(BUGS[bug], harness)
    found = attack(harness, tmp_path / "home", adapter=SIMULATOR)[cheat]
    assert not found["killed"]
    assert found["message"]
