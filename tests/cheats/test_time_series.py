"""Every planted cheat of time_series gains from a naive evaluation, and none from ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from alphalab_nb.judge.cheats import Row, cheats, kill_matrix, survivors
from alphalab_nb.sandbox import Sandbox
from tests.cheats.attacks import BUGS, TIME_SERIES, attack, copy_harness, plant, planted

CHEATS = TIME_SERIES / "cheats"
NAMES = list(planted(CHEATS))
LEAST = 0.3
"""Share of the honest loss that a cheat saves where nothing stops it."""
FOUND_BY = {
    "context_reaches_into_target_when_history_is_short": "peeks_ahead",
    "mase_season_unlike_the_task": "mase_by_hand",
    "rolling_volatility_uses_the_current_row": "volatility_is_causal",
    "embargo_not_applied_to_the_context": "peeks_under_the_embargo",
    "output_is_its_own_reference": "draws_lots",
    "smoke_scores_ranked_with_full_ones": "smoke_ranked_with_full",
    "smoke_score_stamped_as_full": "smoke_claimed_as_full",
    "loss_compares_the_forecast_with_itself": "constant_by_hand",
    "truth_is_one_row_late": "honest_by_hand",
    "absurd_answers_are_left_out": "overflows",
    "unknown_covariates_shown_ahead": "unknown_covariates",
    "scale_from_the_scored_partition": "zscore_by_hand",
    "mean_of_roots_instead_of_root_of_mean": "constant_by_hand",
    "crash_blamed_on_infrastructure": "leaves_early",
    "hang_blamed_on_infrastructure": "stops_the_clock",
    "prints_reach_the_pipe": "prints_and_is_heard",
    "candidate_is_told_where_the_truth_lies": "is_told_where_the_truth_lies",
}
"""Bug planted in the harness -> the cheat that then survives."""


@pytest.fixture(scope="module")
def matrix() -> dict[str, Row]:
    rows = kill_matrix(TIME_SERIES / "harness", CHEATS, sandbox=Sandbox("auto"))
    return {row.cheat: row for row in rows if row.cheat in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_it_works_on_the_naive_evaluation(name: str, matrix: dict[str, Row]) -> None:
    gain = matrix[name].naive_gain
    assert gain is not None
    assert gain > LEAST


@pytest.mark.parametrize("name", NAMES)
def test_our_harness_stops_it(name: str, matrix: dict[str, Row]) -> None:
    assert (matrix[name].applies, matrix[name].killed) == (True, True), matrix[name].message


def test_what_must_be_stopped_here_is_planted() -> None:
    attacked = {row["cheat"] for row in planted(CHEATS).values()}
    elsewhere = {"judge", "identity", "partitions", "evaluator", "board"}
    assert {cheat.id for cheat in cheats().values() if cheat.by not in elsewhere} <= attacked


@pytest.mark.parametrize(("bug", "cheat"), FOUND_BY.items(), ids=FOUND_BY)
def test_a_bug_of_the_harness_lets_a_cheat_live(bug: str, cheat: str, tmp_path: Path) -> None:
    harness = copy_harness(tmp_path)
    plant(BUGS[bug], harness)
    [found] = attack(harness, tmp_path / "home", cheat).values()
    assert not found["killed"]
    assert found["message"]


def test_the_lesser_sandbox_stops_all_that_it_claims_to() -> None:
    """Where namespaces are forbidden: with Landlock files are hidden, and without it what needs that is not called killed."""
    rows = kill_matrix(TIME_SERIES / "harness", CHEATS, sandbox=Sandbox("rlimits"), naive=False)
    assert survivors(rows) == []
    assert all(row.killed for row in rows if row.cheat in NAMES and row.applies)


def test_a_harness_that_cannot_run_survives_nothing(tmp_path: Path) -> None:
    harness = copy_harness(tmp_path)
    (harness / "metrics.py").write_text("raise ImportError('planted')\n", encoding="utf-8")
    rows = kill_matrix(harness, CHEATS, sandbox=Sandbox("auto"), naive=False)
    assert {"honest_by_hand", "baselines_by_hand", "constant_by_hand"} <= {row.cheat for row in survivors(rows)}


def test_an_attack_that_dies_is_no_survival(tmp_path: Path) -> None:
    rows = kill_matrix(tmp_path / "nothing", CHEATS, naive=False)
    alive = {row.cheat: row.message for row in survivors(rows)}
    assert set(alive) == {name for name, row in planted(CHEATS).items() if row["by"] != "sandbox"}
    assert all(message.startswith("the attack did not run") for message in alive.values())
