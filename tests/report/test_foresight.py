"""The table of predicted effects: one row for each strategy and model, from measured gains only."""

from __future__ import annotations

from pathlib import Path

from alphalab_nb.report import predictions
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.experiment import Prediction
from tests.boards import proposal
from tests.report import campaigns
from tests.report.campaigns import TO_FINISHED, Told, bring, run, scored


def foretell(board: Board, name: str, predicted: Prediction, value: float | None, *, by: str) -> None:
    made = board.add(proposal(name, predicted=predicted), by=by)
    if value is not None:
        run(board, made.id, scored(value))
        bring(board, made.id, *TO_FINISHED, outcome="ok")


def told(tmp_path: Path) -> Told:
    made = campaigns.empty(tmp_path)
    made.board.set_fact("harness", "h1")
    sure = {"low": 0.4, "high": 0.6, "over": 2.0}
    foretell(made.board, "right", Prediction(expected=0.5, model="large", **sure), 1.5, by="strategist")
    foretell(made.board, "wrong", Prediction(expected=0.5, model="large", **sure), 2.5, by="strategist")
    foretell(made.board, "open", Prediction(expected=0.5, model="large", **sure), None, by="strategist")
    foretell(made.board, "other model", Prediction(expected=0.5, model="small", **sure), 1.5, by="strategist")
    foretell(made.board, "first", Prediction(expected=0.5, low=0.4, high=0.6, model="rules"), 1.5, by="offline")
    made.board.add(proposal("silent"), by="offline")
    return made


def test_each_strategy_and_model_is_scored_by_what_came(tmp_path: Path):
    made = told(tmp_path)
    table = predictions(made.board, made.metric)
    counts = table[["predicted", "scored"]].astype(int).to_dict("index")
    assert counts == {
        ("offline", "rules"): {"predicted": 1, "scored": 0}, ("strategist", "large"): {"predicted": 3, "scored": 2},
        ("strategist", "small"): {"predicted": 1, "scored": 1},
    }
    large = table.loc[("strategist", "large")]
    assert (large["sign right"], large["inside 80 %"], large["CRPS of no change"]) == (0.5, 0.5, 0.5)
    assert table.loc[("strategist", "small")]["CRPS"] < large["CRPS"]


def test_the_report_has_the_table_only_where_something_was_predicted(tmp_path: Path):
    assert "Predicted effects" not in campaigns.empty(tmp_path / "none").report()
    page = told(tmp_path / "some").report()
    assert "Predicted effects" in page
    assert "<td>50%</td>" in page
