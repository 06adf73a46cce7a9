"""Lessons, people's words, and the slope that refinement follows."""

from __future__ import annotations

from pathlib import Path

import pytest

from alphalab_nb.metric import Metric
from alphalab_nb.storage.experiment import Proposal
from alphalab_nb.strategies.lessons import lessons
from alphalab_nb.strategies.offline import OfflineStrategy
from alphalab_nb.strategies.slope import most_promising
from alphalab_nb.strategies.space import Observation, suggest
from alphalab_nb.strategies.wishes import understood
from tests.strategies.simulated import TASK, Simulation, families, landscape, shipped_recipes

RMSE = Metric("rmse")
FAMILIES = ["gbm", "gbm_residual", "harmonic"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ann: avoid gbm", {"gbm": False}),
        ("ann: don’t use gbm_residual", {"gbm_residual": False}),
        ("ann: no more gbm, try harmonic", {"gbm": False, "harmonic": True}),
        ("ann: avoid gbm and harmonic.", {"gbm": False, "harmonic": False}),
        ("ann: skip harmonic but explore gbm", {"harmonic": False, "gbm": True}),
        ("ann: harmonic looks good", {}),
        ("ann: vetoed #3 (gbm_default): too slow", {}),
        ("ann: hurry up", {}),
    ],
)
def test_plain_words_about_families_are_understood(text: str, expected: dict[str, bool]):
    assert understood(text, FAMILIES) == expected


def _truth(scores: dict[str, float | None]):
    return lambda experiment, fidelity, board: scores[experiment.name]


def lessons_of(tmp_path: Path, scores: dict[str, float | None], proposals: list[Proposal]) -> dict[str, str]:
    class Fixed(OfflineStrategy):
        def ask(self, view, n):
            from alphalab_nb.strategies.base import Plan

            left = [p for p in proposals if p.name not in {s.experiment.name for s in view.experiments}]
            return Plan(proposals=left[:1], exhausted=not left)

    done = Simulation(tmp_path, families(3), _truth(scores), metric=RMSE).run(Fixed)
    return {lesson.rule: f"{lesson.kind} {lesson.evidence} {lesson.claim}" for lesson in lessons(done.view(), author="offline")}


def proposal(name: str, family: str, parent: int | None = None, **config) -> Proposal:
    return Proposal(name=name, family=family, hypothesis="", config=config, parent=parent)


def test_lessons_say_what_was_measured_and_name_the_experiments(tmp_path: Path):
    found = lessons_of(
        tmp_path, {"a1": 2.0, "a2": 1.5, "b1": 4.0, "b2": 5.0, "c1": None, "c2": None},
        [proposal("a1", "family_a", size=8, rate=0.5), proposal("a2", "family_a", parent=1, size=16, rate=0.5),
         proposal("b1", "family_b"), proposal("b2", "family_b", rate=0.1),
         proposal("c1", "family_c"), proposal("c2", "family_c", rate=0.1)],
    )
    assert found["best"].startswith(
        "works (2,) Best on search: #2 a2 with rmse 1.5 (rate 0.5, size 16); 50.0% better than the best baseline"
    )
    assert found["works:family_a"].startswith("works (2,)")
    assert found["fails:family_b"] == (
        "fails (3, 4) family_b has not paid in 2 experiments: its best, #3 b1, is 33.3% worse than the baseline naive (3)."
    )
    assert found["avoid:family_c"].startswith("avoid (5, 6) Do not attempt family_c: 2 experiments ended without any score (crash).")
    assert found["param:family_a.size"] == (
        "insight (1, 2) family_a: size 8 -> 16 and nothing else (#1 -> #2): rmse 2 -> 1.5, 25.0% better."
    )


def test_a_family_that_works_rests_on_its_best_and_on_others_that_are_not_its_parents(tmp_path: Path):
    found = lessons_of(
        tmp_path, {"a1": 2.0, "a2": 1.5, "a3": 1.6, "a4": 5.0},
        [proposal("a1", "family_a", size=8), proposal("a2", "family_a", parent=1, size=16), proposal("a3", "family_a", rate=0.2),
         proposal("a4", "family_a", rate=0.9)],
    )
    assert found["works:family_a"].startswith("works (2, 3) family_a works: its best, #2 a2")


def test_nothing_measured_teaches_nothing(tmp_path: Path):
    assert lessons_of(tmp_path, {}, []) == {}


def test_a_lesson_that_no_longer_holds_is_withdrawn(tmp_path: Path):
    recipes = families(3)
    done = Simulation(tmp_path, recipes, landscape(recipes, 0, metric=RMSE))
    done.playbook.add("family_a has not paid", kind="fails", evidence=[1], author="offline:fails:family_a")
    done.playbook.add("mine", kind="fails", evidence=[1], author="worker")
    withdrawn = lessons(done.view(), author="offline")
    assert [(lesson.rule, lesson.retire) for lesson in withdrawn] == [("fails:family_a", True)]


def test_the_playbook_of_a_whole_campaign_is_consistent(tmp_path: Path):
    recipes = families(6)
    done = Simulation(tmp_path, recipes, landscape(recipes, 2, metric=RMSE), budget=30).run(OfflineStrategy)
    entries = done.playbook.entries()
    assert len({entry.author for entry in entries}) == len(entries), "each rule has one entry in force"
    assert all(entry.evidence for entry in entries)
    best = next(entry for entry in entries if entry.author == "offline:best")
    assert f"#{done.full()[0].id} " in best.claim


def test_the_slope_carries_on_what_helped_and_turns_from_what_hurt():
    recipe = families(1)[0]
    start = {"size": 8, "rate": 0.5, "kind": "plain"}
    up, down = {**start, "rate": 0.7}, {**start, "rate": 0.3}
    tried = {**start, "rate": 0.6}
    assert most_promising(recipe, TASK, start, [up, down], [(start, 1.0), (tried, 0.9)]) == up
    assert most_promising(recipe, TASK, start, [up, down], [(start, 1.0), (tried, 1.1)]) == down
    assert most_promising(recipe, TASK, start, [up, down], [(start, 1.0)]) == up


@pytest.mark.parametrize("recipe", shipped_recipes(), ids=lambda recipe: recipe.family)
def test_tpe_suggests_within_every_shipped_space(recipe):
    known = [Observation(recipe.default(TASK), loss=1.0)]
    for seed in range(4):
        config = suggest(recipe, TASK, known, seed)
        assert recipe.validate(config) == []
        assert suggest(recipe, TASK, known, seed) == config
        known.append(Observation(config, loss=1.0 + 0.1 * seed))
    known += [Observation({**recipe.default(TASK)}, failed=True), Observation(config, screened=2.0), Observation(config)]
    assert recipe.validate(suggest(recipe, TASK, known, 9)) == []


def test_a_value_outside_the_space_is_left_out_of_the_study():
    recipe = families(1)[0]
    known = [Observation({"size": 8, "rate": 99.0}, loss=0.1), Observation({"kind": "odd"}, loss=0.1)]
    assert recipe.validate(suggest(recipe, TASK, known, 0)) == []
