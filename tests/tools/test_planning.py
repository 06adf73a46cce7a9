"""A Strategist's decisions: checked when they are made, carried out by others, and the same again when its turn is resumed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from alphalab_nb.errors import NotFound, ToolError
from alphalab_nb.storage.experiment import Prediction, State
from alphalab_nb.tools import TOOLS, Deps
from tests.boards import finished, proposal
from tests.desk import Desk, desk

BRIEF = "Fit one model per hour of the day on the residuals of the seasonal naive, with ridge and the last seven days as features."


@pytest.fixture
def at(tmp_path: Path) -> Desk:
    made = desk(tmp_path)
    made.workspace.explore_data.mkdir(parents=True)
    meta = {"season": 52, "seasons": [52], "items": 1, "rows": 900}
    (made.workspace.explore_data / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
    return made


@pytest.fixture
def deps(at: Desk) -> Deps:
    strategist = at.as_role("strategist", at.workspace.root / "scratch")
    strategist.decisions.most = 3
    return strategist


def propose(deps: Deps, **changes: Any) -> str:
    args = {"name": "gbm_lags", "family": "gbm", "hypothesis": "more lags carry the week", **changes}
    said: str = TOOLS["propose_experiment"].again(deps, args)
    return said


def test_a_proposal_is_kept_with_all_that_was_said(deps: Deps):
    assert "proposal 1 of at most 3" in propose(deps, brief="As before, with lags.", priority=2, expected_improvement=0.5)
    (kept,) = deps.decisions.proposals
    assert (kept.name, kept.family, kept.stage, kept.priority) == ("gbm_lags", "gbm", "strategist", 2)
    assert kept.brief.splitlines()[-1] == "Expected improvement: 0.5 units of the target"
    assert not deps.board.list(), "nothing is on the board before the turn is over"


def test_a_predicted_effect_is_kept_with_its_interval_and_who_was_asked(deps: Deps):
    deps.metadata = {"model": "large"}
    propose(deps, expected_improvement=0.5, improvement_low=-0.25, improvement_high=1.0)
    propose(deps, name="exact", expected_improvement=-0.5, config={"leaves": 40})
    propose(deps, name="silent", config={"leaves": 50})
    assert [p.predicted for p in deps.decisions.proposals] == [
        Prediction(expected=0.5, low=-0.25, high=1.0, model="large"), Prediction(expected=-0.5, low=-0.5, high=-0.5, model="large"), None,
    ]


@pytest.mark.parametrize(("changes", "refusal"), [
    ({"improvement_low": 0.1}, "needs expected_improvement"),
    ({"expected_improvement": 0.1, "improvement_low": 0.2}, "must hold, not 0.2, 0.1, 0.1"),
    ({"expected_improvement": float("nan")}, "must hold"),
    ({"expected_improvement": 1.0, "improvement_high": float("inf")}, "must hold"),
    ({"name": "GBM lags!"}, "write gbm_lags"),
    ({"name": ""}, "no name"),
    ({"parent": 99}, "no experiment 99"),
    ({"config": {"nowhere": 1}}, "unknown parameter 'nowhere'"),
    ({"config": {"n_estimators": "many"}}, "config of gbm"),
    ({"family": "fourier_transformer"}, "no recipe"),
    ({"family": "fourier_transformer", "brief": "a short word", "expected_improvement": 0.1}, "100 characters"),
])
def test_what_cannot_be_accepted_is_refused_with_the_remedy(deps: Deps, changes: dict[str, Any], refusal: str):
    with pytest.raises(ToolError, match=refusal):
        propose(deps, **changes)
    assert not deps.decisions.proposals


def test_a_new_family_needs_a_brief_that_says_what_to_build(deps: Deps):
    propose(deps, family="hourly_ridge", brief=BRIEF)
    assert deps.decisions.proposals[0].family == "hourly_ridge"


def test_no_more_is_proposed_than_wanted(deps: Deps):
    for number in range(3):
        propose(deps, name=f"gbm_{number}", brief=f"Variant {number}.")
    with pytest.raises(ToolError, match="so many are"):
        propose(deps, name="gbm_4")
    assert len(deps.decisions.proposals) == 3


def test_the_same_call_again_is_answered_the_same_and_kept_once(deps: Deps):
    first = propose(deps)
    propose(deps, name="other", family="ets")
    assert propose(deps) == first
    assert [kept.name for kept in deps.decisions.proposals] == ["gbm_lags", "other"]


def test_a_name_is_taken_once(at: Desk, deps: Deps):
    propose(deps)
    with pytest.raises(ToolError, match="already in this turn"):
        propose(deps, hypothesis="another one")
    at.board.add(proposal("drift_default"), by="ana")
    with pytest.raises(ToolError, match="is experiment 1 already"):
        propose(deps, name="drift_default", family="drift")


def test_a_turn_that_had_been_carried_out_decides_the_same_again(at: Desk, deps: Deps):
    propose(deps)
    waits = at.board.add(proposal("waits"), by="test")
    TOOLS["cancel_experiment"](deps, waits.id, "hopeless")
    at.board.add(deps.decisions.proposals[0], by="strategist")
    at.board.move(waits.id, State.CANCELLED, by="strategist", reason="hopeless")
    resumed = at.as_role("strategist", at.workspace.root / "scratch")
    resumed.decisions.most = 3
    propose(resumed)
    TOOLS["cancel_experiment"](resumed, waits.id, "hopeless")
    assert resumed.decisions == deps.decisions


def test_the_configuration_of_an_experiment_is_not_proposed_again(at: Desk, deps: Deps):
    known = finished(at.board, 2.0, name="gbm_plain", family="gbm")
    recipe = next(recipe for recipe in at.adapter.recipes() if recipe.family == "gbm")
    with pytest.raises(ToolError, match=f"experiment {known.id} .* has this family and configuration"):
        propose(deps, config=recipe.default({**at.task, "season": 52, "n_items": 1, "length": 900}))
    propose(deps, brief="Train on the differences of the series instead.")


def test_only_what_waits_is_cancelled(at: Desk, deps: Deps):
    done = finished(at.board, 2.0)
    waits = at.board.add(proposal("waits"), by="test")
    TOOLS["cancel_experiment"](deps, waits.id, "its family failed twice")
    assert deps.decisions.cancelled == {waits.id: "its family failed twice"}
    assert at.board.get(waits.id).state is State.TO_IMPLEMENT, "the dispatcher moves it, not the tool"
    with pytest.raises(ToolError, match="is finished; only what waits"):
        TOOLS["cancel_experiment"](deps, done.id, "late")
    with pytest.raises(NotFound):
        TOOLS["cancel_experiment"](deps, 99, "who")


def put(at: Desk, count: int) -> None:
    """Let the Strategist have proposed that many of one family."""
    for number in range(1, count + 1):
        at.board.add(proposal(f"gbm_{number}", family="gbm"), by="strategist")


def test_a_proposal_against_the_quota_is_refused_with_the_families_that_are_due(at: Desk, deps: Deps):
    deps.decisions.diverse = True
    put(at, 4)
    with pytest.raises(ToolError, match=r"your last 3 were not: propose .*ets.* or a new family first"):
        propose(deps, brief="The same with more lags.")
    assert not deps.decisions.proposals
    propose(deps, name="hourly", family="hourly_ridge", brief=BRIEF)
    propose(deps, brief="The same with more lags.")
    assert [kept.family for kept in deps.decisions.proposals] == ["hourly_ridge", "gbm"]


def test_when_the_budget_narrows_the_quota_ends(at: Desk, deps: Deps):
    put(at, 4)
    propose(deps, brief="The same with more lags.")
    assert [kept.family for kept in deps.decisions.proposals] == ["gbm"]


def test_a_proposal_that_is_on_the_board_already_is_not_counted_against_itself(at: Desk, deps: Deps):
    deps.decisions.diverse = True
    put(at, 3)
    propose(deps, name="gbm_9", brief="The same with more lags.")
    at.board.add(deps.decisions.proposals[0], by="strategist")
    deps.decisions.proposals.clear()
    propose(deps, name="gbm_9", brief="The same with more lags.")
    assert [kept.name for kept in deps.decisions.proposals] == ["gbm_9"]
