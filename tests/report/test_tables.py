"""Tables: sums and bests equal those of the board they were made from."""

from __future__ import annotations

from pathlib import Path

import pytest

from alphalab_nb.report import budget_by_stage, experiment_spending, failures, leaderboard_table, sealed_table, spending
from alphalab_nb.storage.experiment import Experiment, State
from tests.boards import proposal, scored
from tests.report import campaigns
from tests.report.campaigns import Told


def test_stages_add_up_to_the_board(told: Told):
    frame, experiments = budget_by_stage(told.board, told.metric), told.board.list()
    assert frame["experiments"].sum() == len(experiments)
    assert frame["failed"].sum() == sum(e.outcome == "failed" for e in experiments)
    assert frame["dropped"].sum() == sum(e.state is State.CANCELLED for e in experiments)
    assert frame["compute_s"].sum() == pytest.approx(sum(run.seconds for run in told.board.runs() if run.partition == "search"))
    assert frame["full scores"].sum() == len(leaderboard_table(told.board, told.metric))
    assert frame["best"].min() == leaderboard_table(told.board, told.metric)["score"].min()


def test_many_short_runs_are_not_rounded_away(tmp_path: Path):
    told = campaigns.empty(tmp_path)
    for n in range(3):
        experiment = told.board.add(proposal(f"e{n}"), by="test")
        campaigns.run(told.board, experiment.id, scored(1.0), seconds=0.04)
    assert budget_by_stage(told.board, told.metric)["compute_s"].sum() == pytest.approx(0.12)


def test_an_improvement_beats_everything_before_it_in_any_stage(tmp_path: Path):
    told = campaigns.empty(tmp_path)
    for stage, value in (("a", 3.0), ("b", 3.5), ("a", 2.0), ("b", 2.0), ("b", 1.0)):
        campaigns.add(told.board, "x", value, stage=stage)
    frame = budget_by_stage(told.board, told.metric)
    assert frame[["improvements", "best"]].T.to_dict("list") == {"a": [2, 2.0], "b": [1, 1.0]}


def test_a_quarantined_score_is_no_stages_best_and_no_improvement(told: Told):
    """Experiment 5 scored far better than all; the leaderboard leaves it out, and so must everything beside it."""
    refine = budget_by_stage(told.board, told.metric).loc["refine"]
    assert (refine["experiments"], refine["full scores"], refine["improvements"], refine["best"]) == (5, 3, 1, 1.5)


def test_leaderboard_shows_its_best_and_no_smoke_score(told: Told):
    assert list(leaderboard_table(told.board, told.metric).index) == [1, 2, 3, 4, 5]
    assert list(leaderboard_table(told.board, told.metric, top=2)["id"]) == [3, 4]


def _first_failed(told: Told, *then: float, kind: str = "smoke", partition: str = "search", label: str = "crash") -> Experiment:
    experiment = told.board.add(proposal("x"), by="test")
    campaigns.run(told.board, experiment.id, scored(0, ok=False, label=label, error="line 1\nline 2"), kind=kind, partition=partition)
    for value in then:
        campaigns.run(told.board, experiment.id, scored(value))
    return experiment


@pytest.mark.parametrize(
    ("failed", "changes", "end"),
    [
        ({}, {"outcome": "ok", "fixes": 1}, "repaired"),
        ({"label": "infrastructure"}, {"outcome": "ok"}, "run again"),
        ({"kind": "confirm", "partition": "confirm"}, {"outcome": "ok"}, "no confirm score"),
        ({"kind": "sealed", "partition": "sealed"}, {"outcome": "ok", "fixes": 1}, "no sealed score"),
        ({}, {"outcome": "failed", "fixes": 2}, "failed"),
    ],
)
def test_a_failure_ends_as_it_did(tmp_path: Path, failed: dict[str, str], changes: dict[str, object], end: str):
    told = campaigns.empty(tmp_path)
    experiment = _first_failed(told, 1.0, **failed)
    campaigns.bring(told.board, experiment.id, *campaigns.TO_FINISHED, **changes)
    row = failures(told.board).loc[experiment.id]
    assert (row["end"], row["label"], row["error"]) == (end, failed.get("label", "crash"), "line 2")


def test_a_failure_that_is_being_mended_shows_the_state(tmp_path: Path):
    told = campaigns.empty(tmp_path)
    experiment = _first_failed(told)
    campaigns.bring(told.board, experiment.id, State.IMPLEMENTED, State.FINISHED, State.TO_IMPLEMENT, fixes=1)
    assert failures(told.board).loc[experiment.id, "end"] == "to_implement"


def test_a_veto_is_no_failure(told: Told):
    assert set(failures(told.board)["name"]) == {"lags_long", "gbm_mended", "ridge_other"}


def test_sealed_table_says_how_much_better_the_champion_is(told: Told):
    frame = sealed_table(told.board, told.metric)
    assert frame.loc["baseline naive", "better by"] == pytest.approx((5 - 1.875) / 5)
    assert frame.iloc[0][["better by", "low"]].isna().all()
    assert frame.loc["default #2 gbm_default", "units"] == 40


def test_spending_is_by_phase_role_and_model(told: Told):
    frame = spending(told.ledger)
    row = frame.loc[("experiment", "worker", "rules:worker")]
    assert row[["calls", "fresh_tokens", "cached_tokens", "input_tokens", "usd"]].tolist() == [2, 1300, 200, 1500, 0.25]
    assert frame["usd"].sum() == told.ledger.total().usd


def test_spending_by_experiment_leaves_out_what_no_experiment_is_charged_with(told: Told):
    told.ledger.add(phase="experiment", role="worker_fix", provider="p", model="m", experiment=2, input_tokens=7, usd=None)
    frame = experiment_spending(told.ledger)
    assert frame[["calls", "input_tokens", "unpriced"]].to_dict("index") == {2: {"calls": 1, "input_tokens": 7, "unpriced": 1}}


def test_every_table_of_an_empty_board_is_empty_and_keeps_its_columns(tmp_path: Path):
    told = campaigns.empty(tmp_path)
    tables = [leaderboard_table(told.board, told.metric), budget_by_stage(told.board, told.metric), failures(told.board),
              sealed_table(told.board, told.metric), spending(told.ledger), experiment_spending(told.ledger)]
    assert [len(table) for table in tables] == [0] * len(tables)
    assert all(len(table.columns) for table in tables)
