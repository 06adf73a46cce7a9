"""What every strategy promises, whatever it thinks. A new strategy is added to MAKERS and gets these tests free."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from alphalab_nb.config import StrategyConfig
from alphalab_nb.metric import Metric
from alphalab_nb.storage.experiment import State
from alphalab_nb.storage.playbook import KINDS
from alphalab_nb.strategies.base import Strategy
from alphalab_nb.strategies.registry import STRATEGIES, make_strategy
from tests.strategies.simulated import Simulation, families, landscape

LISTED = [{"family": f"family_{letter}", "config": {"size": size}} for letter in "abc" for size in (2, 4, 8)]
OPTIONS = {"listed": {"proposals": LISTED}}
METRICS = [Metric("rmse"), Metric("sharpe", "maximize")]


@pytest.fixture(params=sorted(STRATEGIES))
def make(request: pytest.FixtureRequest) -> Callable[[], Strategy]:
    config = StrategyConfig(name=request.param, seed=3, options=OPTIONS.get(request.param, {}))
    return lambda: make_strategy(config)


def simulation(folder: Path, *, metric: Metric = METRICS[0], failing: frozenset[str] = frozenset(), **settings) -> Simulation:
    recipes = families(5)
    return Simulation(folder, recipes, landscape(recipes, 1, metric=metric, failing=failing), metric=metric, **settings)


def test_it_has_a_name(make: Callable[[], Strategy]):
    assert make().name in STRATEGIES


def test_it_proposes_no_more_than_asked_and_than_the_budget_holds(make: Callable[[], Strategy], tmp_path: Path):
    view = simulation(tmp_path).view()
    for n in (0, 1, 3, 50):
        assert len(make().ask(view, n).proposals) <= n
    assert len(make().ask(replace(view, remaining=2), 5).proposals) <= 2
    assert make().ask(replace(view, remaining=0), 5).proposals == []


def test_an_empty_board_is_no_end(make: Callable[[], Strategy], tmp_path: Path):
    view = simulation(tmp_path).view()
    plan = make().ask(view, 3)
    assert plan.proposals
    assert not plan.exhausted
    assert not make().ask(view, 0).exhausted


def test_proposals_can_be_built(make: Callable[[], Strategy], tmp_path: Path):
    done = simulation(tmp_path).run(make)
    recipes = {recipe.family: recipe for recipe in done.recipes}
    for proposal in done.proposals():
        assert proposal.hypothesis
        assert proposal.stage
        assert recipes[proposal.family].validate(proposal.config) == []
        assert proposal.parent is None or done.board.get(proposal.parent)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.direction)
def test_a_campaign_ends_within_its_budget_with_nothing_left_waiting(make: Callable[[], Strategy], tmp_path: Path, metric: Metric):
    done = simulation(tmp_path, metric=metric, budget=12).run(make)
    assert {e.state for e in done.board.list()} <= {State.ANALYZED, State.DONE, State.CANCELLED}
    assert 0 < len(done.board.list()) <= 12
    assert done.full()


def test_it_answers_the_same_after_a_restart(make: Callable[[], Strategy], tmp_path: Path):
    kept = simulation(tmp_path / "kept", budget=12).run(make, restart=False)
    restarted = simulation(tmp_path / "restarted", budget=12).run(make, restart=True)
    assert kept.proposals() == restarted.proposals()


def test_asking_changes_nothing(make: Callable[[], Strategy], tmp_path: Path):
    view, strategy = simulation(tmp_path).view(), make()
    assert strategy.ask(view, 3) == strategy.ask(view, 3)


def test_it_lives_with_failures_and_refusals(make: Callable[[], Strategy], tmp_path: Path):
    done = simulation(tmp_path, failing=frozenset({"family_a", "family_c"}), share=0.2, budget=12).run(make)
    assert {e.family for e in done.full()} >= {"family_b"}


def test_it_promotes_and_drops_only_what_waits_for_its_word(make: Callable[[], Strategy], tmp_path: Path):
    done = simulation(tmp_path, budget=20).run(make)  # the simulated board refuses any other
    waiting = {e.id for e in done.board.list() if e.fidelity == "smoke" or e.stage == "screen"}
    for plan in done.plans:
        assert {*plan.promote, *plan.drop} <= waiting
        assert not {*plan.promote} & {*plan.drop}


def test_lessons_rest_on_measured_experiments(make: Callable[[], Strategy], tmp_path: Path):
    done = simulation(tmp_path, budget=20).run(make)
    for lesson in (lesson for plan in done.plans for lesson in plan.lessons):
        assert lesson.kind in KINDS
        assert lesson.evidence
        assert all(done.board.runs(id, status="ended") for id in lesson.evidence)


def test_tell_is_accepted_at_any_time(make: Callable[[], Strategy], tmp_path: Path):
    done = simulation(tmp_path, budget=6).run(make)
    strategy = make()
    for experiment in done.board.list():
        strategy.tell(experiment, "keep", 1.0)
        strategy.tell(experiment, "reject", None)
