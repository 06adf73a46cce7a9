"""The rule-based proposer, on campaigns whose truth is known."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from alphalab_nb.config import StrategyConfig
from alphalab_nb.errors import ConfigError
from alphalab_nb.metric import Metric
from alphalab_nb.storage.experiment import State
from alphalab_nb.storage.standing import cited
from alphalab_nb.strategies.offline import OfflineStrategy
from alphalab_nb.strategies.registry import make_strategy
from alphalab_nb.strategies.space import signature
from alphalab_nb.strategies.turn import WIDE, Shares, _combinations
from tests.strategies.simulated import TASK, Simulation, families, landscape, shipped_recipes

RMSE = Metric("rmse")


def campaign(folder: Path, seed: int = 0, *, count: int = 8, failing: frozenset[str] = frozenset(), **settings) -> Simulation:
    recipes = families(count)
    surface = landscape(recipes, seed, metric=settings.get("metric", RMSE), failing=failing)
    return Simulation(folder, recipes, surface, seed=seed, **settings)


@pytest.mark.parametrize("budget", range(1, 61))
@pytest.mark.parametrize("count", [1, 4, 11])
def test_the_shares_add_up_to_the_budget(budget: int, count: int):
    shares = Shares.of(budget, count, combiner=True)
    parts = (shares.defaults, shares.screen, shares.tpe, shares.ensemble, shares.refine)
    assert min(parts) >= 0
    assert sum(parts) == budget


def test_twenty_experiments_reach_twelve_full_scores_over_five_families(tmp_path: Path):
    done = campaign(tmp_path, count=10, budget=20).run(OfflineStrategy)
    assert len(done.board.list()) == 20
    assert len(done.full()) >= 12
    assert len({e.family for e in done.full()}) >= 5
    assert set(done.stages()) == {"defaults", "screen", "tpe", "ensemble", "refine"}


def test_it_beats_the_best_default_on_most_landscapes(tmp_path: Path):
    gains = []
    for seed in range(8):
        done = campaign(tmp_path / str(seed), seed, count=6, budget=20).run(OfflineStrategy)
        gains.append(1 - done.best() / done.best("defaults"))
    assert sum(gain > 0.005 for gain in gains) >= 6
    assert sum(gains) / len(gains) > 0.02


def test_every_familys_default_comes_first_cheap_ones_before_dear_ones(tmp_path: Path):
    done = campaign(tmp_path, count=5, budget=20).run(OfflineStrategy)
    first = done.board.list()[:5]
    assert [e.name for e in first] == [f"family_{letter}_default" for letter in "abcde"]
    assert all(e.fidelity == "full" and e.stage == "defaults" for e in first)


def test_no_configuration_is_proposed_twice(tmp_path: Path):
    done = campaign(tmp_path, count=3, budget=40, share=1.0).run(OfflineStrategy)
    recipes = {recipe.family: recipe for recipe in done.recipes}
    signatures = Counter(signature(recipes[p.family], p.config, TASK) for p in done.proposals())
    assert len(signatures) == 40
    assert max(signatures.values()) == 1


def test_the_family_cap_is_respected_without_a_refusal(tmp_path: Path):
    done = campaign(tmp_path, count=4, budget=20, share=0.25).run(OfflineStrategy)
    assert done.refused == []
    assert max(Counter(e.family for e in done.board.list() if e.state is not State.CANCELLED).values()) <= 5


def test_half_of_a_screening_batch_goes_on_and_the_rest_ends_with_a_reason(tmp_path: Path):
    done = campaign(tmp_path, count=4, budget=40).run(OfflineStrategy)
    screened = [e for e in done.board.list() if e.stage == "screen"]
    dropped = [e for e in screened if e.state is State.CANCELLED]
    assert len(screened) >= 4
    assert abs(len(dropped) - len(screened) / 2) <= 1
    assert all("screened out by smoke" in done.board.history(e.id)[-1].reason for e in dropped)
    assert all(len(done.board.runs(e.id)) == 1 for e in dropped)


def test_ensembles_combine_the_best_of_different_families_and_the_best_of_all(tmp_path: Path):
    done = campaign(tmp_path, count=6, budget=30).run(OfflineStrategy)
    ensembles = [e for e in done.board.list() if e.stage == "ensemble"]
    assert ensembles
    for ensemble in ensembles:
        members = [done.board.get(id) for id in ensemble.config["members"]]
        assert all(member.id < ensemble.id and member.outcome == "ok" for member in members)
        assert len({member.family for member in members}) == len(members) or 3 <= len(members) <= WIDE
        assert len({done.view().experiments[member.id - 1].score for member in members}) == len(members) >= 2
    assert done.board.list()[-1].family == "mixture", "the last experiment combines the best of all"


def test_the_three_best_families_are_combined_and_at_the_next_turn_the_best_of_all():
    families, of_all = list("abc"), list("aAbBcCdD")
    for turn, first in enumerate([list("abc"), list("aAbBcC"), list("abc"), list("aAb"), list("ab")]):
        sets = list(_combinations(families, of_all, turn=turn))  # type: ignore[arg-type]
        assert sets[0] == first
        assert len(sets) == 6
    assert list(_combinations(list("ab"), list("ab"), turn=0)) == [list("ab")]  # type: ignore[arg-type]


def test_the_last_fifth_refines_around_the_best(tmp_path: Path):
    done = campaign(tmp_path, count=4, budget=20).run(OfflineStrategy)
    late = [e for e in done.board.list() if e.id > 15]
    assert {e.stage for e in late} <= {"refine", "ensemble"}
    for experiment in late:
        assert experiment.parent is not None


def test_a_vetoed_configuration_does_not_come_back(tmp_path: Path):
    done = campaign(tmp_path, count=3, budget=20)
    first = OfflineStrategy().ask(done.view(), 1).proposals[0]
    vetoed = done.board.add(first, by="offline")
    done.board.move(vetoed.id, State.CANCELLED, by="ann", outcome="vetoed")
    done.run(OfflineStrategy)
    assert all((p.family, p.config) != (first.family, first.config) for p in done.proposals())


def test_a_persons_word_rules_families_out_and_in(tmp_path: Path):
    done = campaign(tmp_path, count=6, budget=20)
    done.playbook.add("family_b: do not attempt", kind="avoid", evidence=[], author="ann", human=True)
    done.notes += ["ann: please avoid family_a, try family_f"]
    done.run(OfflineStrategy)
    families_used = Counter(p.family for p in done.proposals())
    assert not {"family_a", "family_b"} & set(families_used)
    assert done.board.list()[0].family == "family_f"


def test_a_proposal_cites_the_lessons_of_its_family_or_its_parent_and_no_others(tmp_path: Path):
    done = campaign(tmp_path, count=4, budget=30).run(OfflineStrategy)
    lessons = {entry.id: done.playbook.versions(entry.id)[0] for entry in done.playbook.entries(retired=True)}
    citing = [(e, id) for e in done.board.list() for id in cited(e.hypothesis)]
    assert len(citing) >= 5
    for experiment, id in citing:
        assert lessons[id].at <= experiment.created
        assert lessons[id].author in (f"offline:works:{experiment.family}", "offline:best")
        assert lessons[id].author != "offline:best" or experiment.parent is not None
    assert not any(cited(e.hypothesis) for e in done.board.list() if e.stage == "defaults")


def test_a_family_that_failed_twice_is_left_alone(tmp_path: Path):
    done = campaign(tmp_path, count=5, budget=30, failing=frozenset({"family_a"})).run(OfflineStrategy)
    assert 1 <= sum(e.family == "family_a" for e in done.board.list()) <= 2


def test_each_family_gets_a_further_look_against_lock_in(tmp_path: Path):
    done = campaign(tmp_path, count=5, budget=60).run(OfflineStrategy)
    tried = Counter(e.family for e in done.board.list())
    assert min(tried[recipe.family] for recipe in done.recipes) >= 2


def test_it_says_when_nothing_is_left(tmp_path: Path):
    recipes = families(1, combiner=False)
    tiny = recipes[0].spec.model_copy(update={"params": {"kind": recipes[0].spec.params["kind"]}})
    only = [replace(recipes[0], spec=tiny)]
    done = Simulation(tmp_path, only, landscape(only, 0, metric=RMSE), budget=20, share=1.0).run(OfflineStrategy)
    assert len(done.board.list()) == 2
    assert done.plans[-1].exhausted


def test_proposals_waiting_for_approval_count_as_proposals(tmp_path: Path):
    done = campaign(tmp_path, count=6)
    for proposal in OfflineStrategy().ask(done.view(), 4).proposals:
        done.board.add(proposal, by="offline", state=State.PROPOSED)
    plan = OfflineStrategy().ask(done.view(), 4)
    assert plan.proposals == []
    assert not plan.exhausted


def test_another_seed_searches_elsewhere(tmp_path: Path):
    one, other = (Simulation(tmp_path / str(seed), families(4), landscape(families(4), 0, metric=RMSE), seed=seed).run(OfflineStrategy)
                  for seed in (1, 2))
    assert one.proposals()[:4] == other.proposals()[:4]
    assert one.proposals() != other.proposals()


def test_it_can_search_the_shipped_recipes(tmp_path: Path):
    recipes = shipped_recipes()
    done = Simulation(tmp_path, recipes, landscape(recipes, 0, metric=RMSE), budget=24).run(OfflineStrategy)
    assert len(done.board.list()) == 24
    assert {recipe.family for recipe in recipes} <= {e.family for e in done.board.list()}


def test_unknown_names_and_options_are_errors_that_help():
    with pytest.raises(ConfigError, match="did you mean 'offline'"):
        make_strategy(StrategyConfig(name="ofline"))
    with pytest.raises(ConfigError, match="no option 'seed'"):
        make_strategy(StrategyConfig(options={"seed": 1}))
    with pytest.raises(ConfigError, match=r"needs strategy\.options\.proposals"):
        make_strategy(StrategyConfig(name="listed"))
    with pytest.raises(ConfigError, match="unknown key 'famly' - did you mean 'family'"):
        make_strategy(StrategyConfig(name="listed", options={"proposals": [{"family": "a", "famly": "b"}]}))
    with pytest.raises(ConfigError, match="occurs twice"):
        make_strategy(StrategyConfig(name="listed", options={"proposals": [{"family": "a", "name": "x"}] * 2}))
