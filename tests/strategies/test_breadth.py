"""Many problems under one budget, on campaigns whose truth is known."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from alphalab_nb.adapter import Recipe, RecipeFile
from alphalab_nb.metric import Metric
from alphalab_nb.storage.experiment import Experiment
from alphalab_nb.storage.standing import cited
from alphalab_nb.strategies.lessons import lessons
from alphalab_nb.strategies.offline import OfflineStrategy
from tests.strategies.simulated import Simulation

SPEEDUP = Metric("speedup", "maximize")
EXP = {"type": "categorical", "choices": ["libm", "polynomial"], "default": "libm"}
LANES = {"type": "categorical", "choices": [8, 16, 4], "default": 8}
UNROLL = {"type": "int", "low": 1, "high": 16, "default": 2, "log": True}
PROBLEMS = ("elu", "gelu", "hardswish", "mish", "selu", "softmax", "softplus", "swish", "tanh")


def recipe(family: str, tags: tuple[str, ...] = ("elementwise",), **params: object) -> Recipe:
    chosen = params or {"exp": EXP, "lanes": LANES, "unroll": UNROLL}
    spec = {"family": family, "summary": f"{family} by hand", "tags": tags, "params": chosen, "files": {}}
    return Recipe(Path(family), RecipeFile.model_validate(spec))


def truth(experiment: Experiment, *_: object) -> float:
    """A better exp doubles the speed everywhere; everything else matters little. Problems differ by far more."""
    config, scale = experiment.config, 1.0 + 3 * PROBLEMS.index(experiment.family)
    return scale * (2.0 if config.get("exp") == "polynomial" else 1.0) * (1 + 0.001 * config.get("unroll", 2))


def campaign(folder: Path, budget: int, *, scores=truth, recipes: list[Recipe] | None = None, baseline: float = 0.9) -> Simulation:
    held = recipes or [recipe(name) for name in PROBLEMS]
    simulation = Simulation(folder, held, scores, budget=budget, metric=SPEEDUP, share=1.0, within="family",
                            baselines={each.family: baseline for each in held})
    return simulation.run(lambda: OfflineStrategy())


def experiments(done: Simulation) -> list[Experiment]:
    return done.board.list()


def test_every_problem_has_its_default_before_any_has_a_second_run(tmp_path: Path) -> None:
    first = experiments(campaign(tmp_path, 16))[: len(PROBLEMS)]
    assert {one.family for one in first} == set(PROBLEMS)
    assert {one.stage for one in first} == {"defaults"}


@pytest.mark.parametrize("budget", [7, 15, 29, 40])
def test_the_budget_is_shared_evenly_however_far_the_scores_of_problems_lie_apart(tmp_path: Path, budget: int) -> None:
    counts = Counter(one.family for one in experiments(campaign(tmp_path, budget)))
    assert sum(counts.values()) == budget
    assert max(counts.values()) - min(counts.values()) <= 1


def test_a_choice_that_helped_in_one_problem_is_the_next_that_the_others_try_and_the_lesson_is_cited(tmp_path: Path) -> None:
    done = campaign(tmp_path, 30)
    carried = [one for one in experiments(done) if one.stage == "carry"]
    assert {one.family for one in carried} >= {"softmax", "swish", "tanh"}
    assert all(one.config["exp"] == "polynomial" for one in carried)
    second = {family: [one for one in experiments(done) if one.family == family][1] for family in PROBLEMS}
    assert sum(one.config["exp"] == "polynomial" for one in second.values()) >= len(PROBLEMS) - 2
    entry = next(each for each in done.playbook.entries() if "exp = polynomial" in each.claim)
    assert entry.kind == "works"
    assert "median +100%" in entry.claim
    assert entry.id in cited(carried[-1].hypothesis)


def test_what_helped_elsewhere_is_not_carried_to_a_problem_without_that_choice(tmp_path: Path) -> None:
    recipes = [recipe(name) for name in PROBLEMS[:-1]] + [recipe("tanh", exp={**EXP, "choices": ["libm", "table"]}, lanes=LANES)]
    done = campaign(tmp_path, 30, recipes=recipes)
    mine = [one for one in experiments(done) if one.family == "tanh"]
    assert {one.config.get("exp", "libm") for one in mine} <= {"libm", "table"}


def test_a_problem_that_stays_far_behind_its_baseline_is_left_alone(tmp_path: Path) -> None:
    slow = lambda experiment, *rest: 0.3 if experiment.family == "mish" else truth(experiment)  # noqa: E731
    counts = Counter(one.family for one in experiments(campaign(tmp_path, 50, scores=slow)))
    assert counts["mish"] <= 4
    assert min(counts[name] for name in PROBLEMS if name != "mish") > counts["mish"]


def test_a_kind_of_problem_that_the_library_does_better_is_not_to_be_attempted(tmp_path: Path) -> None:
    recipes = [recipe("gelu"), recipe("swish"), recipe("mish", ("matmul",)), recipe("tanh", ("matmul", "batched"))]
    slow = lambda experiment, *rest: 0.8 if experiment.family in ("mish", "tanh") else truth(experiment)  # noqa: E731
    done = campaign(tmp_path, 16, recipes=recipes, scores=slow)
    found = {lesson.rule: lesson for lesson in lessons(done.view(), author="offline")}
    assert found["leave:matmul"].kind == "avoid"
    assert found["leave:matmul"].claim.startswith("Do not attempt matmul: none is ahead of its baseline (")
    assert "leave:elementwise" not in found
    assert "leave:batched" not in found, "one problem is no kind"


def test_each_problem_is_measured_by_its_own_baseline(tmp_path: Path) -> None:
    done = campaign(tmp_path, 27)
    done.baselines = {**done.baselines, "gelu": 50.0}
    found = {lesson.rule: lesson.claim for lesson in lessons(done.view(), author="offline")}
    assert "than the baseline gelu (50)" in found["fails:gelu"]
    assert "than the baseline tanh (0.9)" in found["works:tanh"]
    assert "best" not in found, "the best of different problems says nothing"


def test_a_choice_that_gained_nothing_in_two_problems_is_not_tried_in_the_others(tmp_path: Path) -> None:
    done = campaign(tmp_path, 45)
    tried = {one.family for one in experiments(done) if one.config.get("lanes") == 16 and one.stage == "choice"}
    assert 2 <= len(tried) <= 5
