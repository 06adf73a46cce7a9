"""Budgets that people change while the campaign runs: raised they let it go on, lowered they end it with their reason."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from alphalab_nb.agents.minds import orders_of
from alphalab_nb.agents.pulse import BoardPulse
from alphalab_nb.campaign import Campaign
from alphalab_nb.config import LimitsConfig
from alphalab_nb.dispatch.commands import Desk
from alphalab_nb.dispatch.triggers import StopReason
from alphalab_nb.errors import BadInput, BudgetEnded
from alphalab_nb.llm.budget import Budget
from alphalab_nb.llm.pricing import PriceList
from alphalab_nb.storage.experiment import State
from alphalab_nb.storage.terms import limits_of
from tests.boards import finished, proposal
from tests.desk import desk
from tests.dispatch.loops import ends, in_background, until
from tests.support import ready, sleepers, small_campaign

pytestmark = pytest.mark.timeout(180)
GPT = PriceList("gpt-5.2", "openai", {})


def applied(campaign: Campaign) -> None:
    Desk(campaign.parts, recipes={}, cancel_job=lambda id: False).apply_all()


# -- in a running campaign -----------------------------------------------------------------------------------


def test_a_budget_that_is_raised_while_the_last_jobs_end_lets_the_campaign_go_on(tmp_path: Path):
    campaign = ready(small_campaign(tmp_path, sleepers(4, 4, 4), limits={"max_runs": 3}))
    thread = in_background(campaign)
    until(lambda: campaign.board.fact("stopping"))
    assert campaign.board.list(State.RUNNING), "its last job is still at work"
    campaign.budget(max_runs=0, by="ada")
    assert ends(thread, campaign) == StopReason.EXPERIMENTS
    assert len(campaign.rows()) == 3


def test_a_raised_number_of_experiments_lets_a_campaign_propose_more(tmp_path: Path):
    campaign = ready(small_campaign(tmp_path, sleepers(3, 0, 0), limits={"max_experiments": 1}))
    thread = in_background(campaign)
    until(lambda: campaign.board.list(State.RUNNING))
    campaign.budget(max_experiments=3, by="ada")
    assert ends(thread, campaign) == StopReason.EXPERIMENTS
    assert len(campaign.rows()) == 3


def test_a_budget_below_what_is_spent_ends_the_campaign_with_its_reason(tmp_path: Path):
    campaign = ready(small_campaign(tmp_path, sleepers(2, 2, 2, 2), executor={"slots": 1}))
    thread = in_background(campaign)
    until(lambda: campaign.board.list(State.RUNNING))
    campaign.budget(max_runs=1, by="ada")
    assert ends(thread, campaign) == StopReason.RUNS
    assert len(campaign.rows()) == 1
    assert len(campaign.board.list(State.CANCELLED)) == 3


def test_a_lowered_number_of_experiments_cancels_what_has_not_begun_and_lets_end_what_has(tmp_path: Path):
    campaign = ready(small_campaign(tmp_path, sleepers(2, 2, 2, 2), executor={"slots": 1}))
    thread = in_background(campaign)
    until(lambda: campaign.board.list(State.RUNNING))
    campaign.budget(max_experiments=1, by="ada")
    assert ends(thread, campaign) == StopReason.EXPERIMENTS
    assert len(campaign.rows()) == 1
    assert [campaign.board.history(e.id)[-1].actor for e in campaign.board.list(State.CANCELLED)] == ["ada"] * 3


# -- at the desk ---------------------------------------------------------------------------------------------


def test_what_would_come_last_is_cancelled_first_and_pinned_work_last(tmp_path: Path):
    campaign = small_campaign(tmp_path, limits={"max_experiments": 9})
    begun = finished(campaign.board, 1.0)
    low, high, pinned = (campaign.board.add(proposal(name, priority=n), by="s").id for n, name in ((0, "low"), (3, "high"), (0, "pinned")))
    campaign.pin(pinned, by="ada")
    campaign.budget(max_experiments=3, by="ada")
    applied(campaign)
    assert [e.id for e in campaign.board.list(State.CANCELLED)] == [low]
    campaign.budget(max_experiments=2, by="ada")
    applied(campaign)
    assert [e.id for e in campaign.board.list(State.CANCELLED)] == [low, high]
    assert campaign.board.get(begun.id).state is State.FINISHED


def test_an_injection_beyond_the_budget_survives_the_change_of_another_budget(tmp_path: Path):
    campaign = small_campaign(tmp_path, limits={"max_experiments": 1})
    for name in ("one", "two"):
        campaign.board.add(proposal(name), by="ada")
    campaign.budget(max_runs=50, by="ada")
    applied(campaign)
    assert campaign.board.list(State.CANCELLED) == []
    assert Campaign.open(campaign.workspace.root).status()["limits"] == {
        "max_experiments": 1, "max_runs": 50, "wall_s": 0.0, "usd": 0.0, "tokens": 0,
    }, "the change outlives the process"


@pytest.mark.parametrize(("changes", "said"), [
    ({"max_experiments": 0}, "greater than or equal to 1"), ({"max_runs": -1}, "greater than or equal to 0"),
    ({"usd": float("nan")}, "finite"), ({"tokens": 1.5}, "integer"), ({}, "nothing to change; give one or more of max_experiments"),
])
def test_a_budget_that_the_configuration_would_refuse_is_refused_at_once_and_at_the_desk(tmp_path: Path, changes: dict, said: str):
    campaign = small_campaign(tmp_path)
    with pytest.raises(BadInput, match=said):
        campaign.budget(**changes, by="ada")
    assert campaign.board.commands() == []
    campaign.board.command("budget", by="ada", **changes)
    applied(campaign)
    (command,) = campaign.board.commands(state="refused")
    assert said in command.result
    assert campaign.parts.limits() == campaign.config.limits


def test_an_unknown_budget_is_refused_by_the_nearest_name(tmp_path: Path):
    campaign = small_campaign(tmp_path)
    campaign.board.command("budget", by="ada", max_run=3, family_share=1)
    campaign.board.command("budget", by="ada", max_run=3)
    applied(campaign)
    assert [c.state for c in campaign.board.commands()] == ["refused", "refused"]
    assert "did you mean 'max_runs'" in campaign.board.commands()[1].result


def test_a_campaign_that_has_ended_is_not_raised_from_the_dead(tmp_path: Path):
    campaign = small_campaign(tmp_path)
    campaign.board.set_step("experiment", "phase", "finished")
    with pytest.raises(BadInput, match="have ended"):
        campaign.budget(max_experiments=99)


# -- dollars and tokens --------------------------------------------------------------------------------------


def test_a_conversation_feels_a_changed_budget_at_its_next_request(tmp_path: Path):
    at = desk(tmp_path / "ws")
    at.ledger.add(phase="experiment", role="worker", provider="openai", model="gpt-5.2", usd=1.0, input_tokens=9000, output_tokens=1000)
    budget = Budget(at.ledger, LimitsConfig(usd=1.01), partial(limits_of, at.board))
    with pytest.raises(BudgetEnded, match=r"1\.00 of 1\.01 dollars"), budget.reserve(GPT, input_tokens=10_000, max_tokens=32_000):
        pass
    at.board.set_fact("limits", {"usd": 5.0})
    with budget.reserve(GPT, input_tokens=10_000, max_tokens=32_000) as allowed:
        assert allowed == 32_000
    at.board.set_fact("limits", {"usd": 5.0, "tokens": 10_001})
    with pytest.raises(BudgetEnded, match="dollars"), budget.reserve(GPT, input_tokens=100, max_tokens=32_000):
        pass


def test_dollars_cannot_limit_a_model_whose_price_nobody_knows(tmp_path: Path):
    price = {"input": 1.0, "output": 2.0}
    for name, prices, state in (("unpriced", {}, "refused"), ("priced", {"local-model": price}, "applied")):
        at = desk(tmp_path / name, llm="local:local-model", provider={"base_url": "http://localhost:1/v1", "prices": prices})
        at.board.command("budget", by="ada", usd=5)
        at.board.command("budget", by="ada", tokens=5000)
        BoardPulse(at.board, "build", "tester", orders=orders_of(at.deps(tmp_path / "cwd"))).check()
        first, second = at.board.commands()
        assert (first.state, second.state) == (state, "applied"), first.result
    assert "local:local-model" in desk(tmp_path / "unpriced").board.commands()[0].result


def test_before_the_experiments_a_conversation_applies_what_concerns_no_experiment(tmp_path: Path):
    at = desk(tmp_path / "ws", llm="openai:gpt-5.2")
    for verb, args in (("budget", {"usd": 3}), ("policy", {"approval": "ask"}), ("playbook_add", {"claim": "trust holidays"}),
                       ("note", {"text": "look at 2005"}), ("note", {"text": ""}), ("pin", {"id": 1})):
        at.board.command(verb, by="ada", **args)
    BoardPulse(at.board, "explore", "explorer", orders=orders_of(at.deps(tmp_path / "cwd"))).check()
    assert [c.state for c in at.board.commands()] == ["applied", "applied", "applied", "applied", "refused", "pending"]
    assert limits_of(at.board, at.config.limits).usd == 3
    assert at.playbook.entries()[0].human
    assert [event["role"] for event in at.board.events(kind="command")] == ["ada"] * 5
