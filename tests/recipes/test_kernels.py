"""What every recipe of a kernel promises: whatever is chosen, one source that builds and is right for the lab."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alphalab_nb.adapter import Recipe
from alphalab_nb.resources import shipped
from kernels_lab.backends import BACKENDS
from kernels_lab.correctness import Checked, check
from kernels_lab.failure import Failure
from kernels_lab.problem import load, names

FOLDER = shipped("adapters", "cuda_kernel") / "recipes"
RECIPES = {path.parent.name: Recipe.load(path.parent) for path in sorted(FOLDER.glob("*/recipe.yaml"))}
DRAWN = 6
"""Random configurations of each family beside the single changes."""
EVERY = 1 if os.environ.get("ALPHALAB_ALL_KERNELS") else 5
"""Of the configurations one in so many is checked; all of them take a quarter of an hour of a core."""


class Draw:
    """An optuna trial that chooses at random."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        return self._rng.choice(choices)

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        return self._rng.randint(low, high)

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        return self._rng.uniform(low, high)


def configurations(recipe: Recipe) -> Iterator[dict[str, Any]]:
    """Yield every change of one choice of the default, every change of one choice of the branches that these open, and random ones."""
    default = recipe.default({})
    for _, near in recipe.flips(default, {}):
        yield near
        if set(near) - set(default):
            yield from (far for name, far in recipe.flips(near, {}) if name not in default)
    yield from (recipe.suggest(Draw(seed), {}) for seed in range(DRAWN))


def distinct(recipe: Recipe) -> list[dict[str, Any]]:
    return list({json.dumps(config, sort_keys=True): config for config in configurations(recipe)}.values())


def space(recipe: Recipe, config: dict[str, Any] | None = None, place: int = 0) -> int:
    """Count the configurations that can be chosen."""
    config, params = config or {}, list(recipe.spec.params.items())
    if place == len(params):
        return 1
    name, param = params[place]
    if not all(config.get(other) in values for other, values in param.when.items()):
        return space(recipe, config, place + 1)
    return sum(space(recipe, {**config, name: json.loads(choice)}, place + 1) for choice in recipe.encoded(param))


def checked(recipe: Recipe, config: dict[str, Any], folder: Path, seed: int) -> Checked:
    """Write, build and check one configuration. Raises Failure with what is wrong."""
    build = folder / "build"
    build.mkdir(parents=True)
    source = folder / "kernel.cpp"
    source.write_text(recipe.render(config, {})["kernel.cpp"], encoding="utf-8")
    return check(load(recipe.family), BACKENDS["cpp"].build(source, build), seed=seed)


@pytest.fixture(params=list(RECIPES))
def recipe(request: pytest.FixtureRequest) -> Recipe:
    return RECIPES[request.param]


def test_every_problem_of_the_lab_has_a_recipe_and_every_recipe_a_problem():
    assert sorted(RECIPES) == sorted(recipe.family for recipe in RECIPES.values()) == sorted(names())


def test_names_that_recipes_share_have_the_same_choices_and_defaults():
    """What helped one problem is tried in another by its name."""
    seen: dict[str, tuple[Any, ...]] = {}
    for recipe in RECIPES.values():
        for name, param in recipe.spec.params.items():
            what = (param.type, param.choices, param.low, param.high, param.default)
            assert seen.setdefault(name, what) == what, f"{recipe.family}: {name}"


def test_space_is_worth_a_search_and_says_what_it_chooses(recipe: Recipe):
    assert space(recipe) >= 12
    assert all(param.help and param.type in ("categorical", "bool") for param in recipe.spec.params.values())
    assert set(load(recipe.family).tags) <= set(recipe.spec.tags)
    assert ("rewrite" in recipe.spec.tags) == load(recipe.family).rewrite


def test_rewrites_can_be_written_directly_too():
    for recipe in RECIPES.values():
        if "rewrite" in recipe.spec.tags:
            assert recipe.spec.params["algorithm"].choices == ("direct", "rewrite")


def test_every_choice_gives_another_source_that_stands_alone(recipe: Recipe):
    default = recipe.default({})
    files = [recipe.render(config, {}) for config in (default, *(config for _, config in recipe.flips(default, {})))]
    assert len({written["kernel.cpp"] for written in files}) == len(files)
    for written in files:
        assert set(written) == {"kernel.cpp", "kernel.json", "config.json"}
        assert json.loads(written["kernel.json"]) == {"problem": recipe.family, "backend": "cpp"}
        assert not {mark for mark in ('#include "', "{%", "{{") if mark in written["kernel.cpp"]}


def test_default_is_right(recipe: Recipe, tmp_path: Path):
    assert checked(recipe, recipe.default({}), tmp_path, seed=5).worst <= 1


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_whatever_is_chosen_is_right(recipe: Recipe, tmp_path: Path):
    wrong: list[str] = []
    for place, config in list(enumerate(distinct(recipe)))[::EVERY]:
        try:
            checked(recipe, config, tmp_path / str(place), seed=100 + place)
        except Failure as e:
            wrong.append(f"{config}: {e}")
    assert not wrong, "\n".join(wrong)
