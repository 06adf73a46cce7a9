"""The strategies that others are measured against: greedy and best of N."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from alphalab_nb.adapter import load_builtin
from alphalab_nb.config import StrategyConfig
from alphalab_nb.errors import ConfigError
from alphalab_nb.metric import Metric
from alphalab_nb.strategies.base import BoardView, Plan
from alphalab_nb.strategies.best_of_n import BestOfNStrategy
from alphalab_nb.strategies.greedy import GreedyStrategy
from alphalab_nb.strategies.plain import differing
from alphalab_nb.strategies.registry import make_strategy
from alphalab_nb.strategies.space import full_config, rounded
from tests.strategies.simulated import TASK, Simulation, families, landscape

RMSE = Metric("rmse")
POINTS = load_builtin("simulator").recipes(["point"])


class Watched(GreedyStrategy):
    """Greedy, with the views that it was asked on."""

    def __init__(self) -> None:
        self.asked: list[tuple[BoardView, Plan]] = []

    def ask(self, view: BoardView, n: int) -> Plan:
        plan = super().ask(view, n)
        self.asked.append((view, plan))
        return plan


def best(view: BoardView) -> int:
    scored = [seen for seen in view.experiments if seen.score is not None]
    return view.metric.ranked(scored, lambda seen: seen.score or 0.0)[0].experiment.id


def tiny(*names: str):
    """A family that has only these choices, of two values each."""
    recipe = families(1, combiner=False)[0]
    kind = recipe.spec.params["kind"]
    return replace(recipe, spec=recipe.spec.model_copy(update={"params": dict.fromkeys(names, kind)}))


@pytest.mark.parametrize("metric", [RMSE, Metric("sharpe", "maximize")], ids=lambda metric: metric.direction)
def test_each_step_of_greedy_changes_one_choice_of_the_best_so_far(tmp_path: Path, metric: Metric):
    recipes, strategy = families(4), Watched()
    done = Simulation(tmp_path, recipes, landscape(recipes, 3, metric=metric), metric=metric, budget=24, share=1.0)
    done.run(lambda: strategy, restart=False)
    by_family = {recipe.family: recipe for recipe in recipes}
    steps = [(view, one) for view, plan in strategy.asked for one in plan.proposals if one.stage == "greedy"]
    assert len(steps) >= 15
    for view, step in steps:
        assert step.parent == best(view)
        start = rounded(full_config(by_family[step.family], view.experiments[best(view) - 1].experiment.config, TASK))
        assert len(differing(start, step.config)) == 1


def test_greedy_changes_several_at_once_when_all_single_changes_are_known_and_ends_when_all_is_known(tmp_path: Path):
    only = [tiny("a", "b")]

    def rising(experiment, fidelity, board):
        return float(experiment.id)  # the start stays the best

    done = Simulation(tmp_path, only, rising, budget=20, share=1.0).run(GreedyStrategy)
    tried = [experiment.config for experiment in done.board.list()]
    changed = [len(differing(tried[0], config)) for config in tried]
    assert changed == [0, 1, 1, 2]
    assert done.plans[-1].exhausted


def test_greedy_waits_for_the_results_that_its_next_step_starts_from(tmp_path: Path):
    done = Simulation(tmp_path, POINTS, landscape(POINTS, 0, metric=RMSE), budget=20, slots=1, share=1.0)
    first = GreedyStrategy().ask(done.view(), 3)
    assert [proposal.stage for proposal in first.proposals] == ["defaults"]
    done.board.add(first.proposals[0], by="greedy")
    waiting = GreedyStrategy().ask(done.view(), 2)
    assert not waiting.proposals
    assert not waiting.exhausted


def test_best_of_n_draws_the_same_whatever_the_scores_are(tmp_path: Path):
    one, other = (Simulation(tmp_path / str(seed), families(4), landscape(families(4), seed, metric=RMSE), share=1.0).run(BestOfNStrategy)
                  for seed in (0, 1))
    assert one.proposals() == other.proposals()
    assert one.best() != other.best()


def test_most_draws_of_best_of_n_are_near_the_default(tmp_path: Path):
    done = Simulation(tmp_path, POINTS, landscape(POINTS, 0, metric=RMSE), budget=60, share=1.0).run(BestOfNStrategy)
    default = POINTS[0].default(TASK)
    changes = [len(differing(default, proposal.config)) for proposal in done.proposals()[1:]]
    assert len(changes) == 59
    assert sum(count <= 2 for count in changes) > len(changes) / 2
    assert max(changes) > 2


@pytest.mark.parametrize("strategy", [GreedyStrategy, BestOfNStrategy])
def test_a_person_may_rule_a_family_out(tmp_path: Path, strategy):
    recipes = families(3)
    done = Simulation(tmp_path, recipes, landscape(recipes, 0, metric=RMSE), budget=12)
    done.notes.append("ann: please avoid family_a")
    done.run(strategy)
    assert {proposal.family for proposal in done.proposals()} == {"family_b", "family_c"}


@pytest.mark.parametrize("name", ["greedy", "best_of_n"])
def test_an_option_is_refused(name: str):
    with pytest.raises(ConfigError, match=f"strategy '{name}' has no option 'steps'"):
        make_strategy(StrategyConfig(name=name, options={"steps": 2}))
