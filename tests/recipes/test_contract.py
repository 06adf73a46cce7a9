"""What every recipe promises, whatever it forecasts by. A new folder with a recipe.yaml gets these tests free."""

from __future__ import annotations

import ast
import json
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest

from alphalab_nb.adapter import Recipe
from tests.recipes.panels import CASES, Case
from tests.recipes.programs import RECIPES, SINGLE, Served, origins_after, recipe, run, shown, written

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")

Fit = Callable[[str, str], Path]


@pytest.fixture(scope="module")
def fit(tmp_path_factory: pytest.TempPathFactory) -> Fit:
    """Return the artefact of a family's default on a case; each is fitted once."""
    done: dict[tuple[str, str], Path] = {}

    def fitted(family: str, case: str) -> Path:
        if (family, case) not in done:
            home = tmp_path_factory.mktemp(f"{family}_{case}")
            code = written(home / "code", family, CASES[case])
            done[family, case] = run(code, CASES[case].write(home / "data"), home / "out", CASES[case])
        return done[family, case]

    return fitted


def check(case: Case, answers: np.ndarray) -> None:
    assert answers.shape == (len(origins_after(case)), case.horizon, case.target.shape[1])
    assert np.isfinite(answers).all()


# -- forecasts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("family", SINGLE)
def test_every_panel_is_forecast(family: str, case: str, fit: Fit) -> None:
    answers = Served(fit(family, case)).walk(CASES[case])
    check(CASES[case], answers)
    assert np.abs(answers).max() < 100 * np.nanmax(np.abs(CASES[case].target)), "a default is never absurd"


@pytest.mark.parametrize("case", ["weekly", "hourly", "hardly_any"])
@pytest.mark.parametrize("family", SINGLE)
def test_smoke_forecasts_too(family: str, case: str, tmp_path: Path) -> None:
    code = written(tmp_path / "code", family, CASES[case])
    artefact = run(code, CASES[case].write(tmp_path / "data"), tmp_path / "out", CASES[case], fidelity="smoke")
    check(CASES[case], Served(artefact).walk(CASES[case]))


@pytest.mark.parametrize("family", SINGLE)
def test_series_that_never_moves_hardly_moves(family: str, fit: Fit) -> None:
    """One model for all series may give it a little of what the others do."""
    still = Served(fit(family, "hourly")).walk(CASES["hourly"])[..., 2]
    np.testing.assert_allclose(still, 7.0, atol=0.5)


@pytest.mark.parametrize("family", SINGLE)
def test_same_seed_same_forecasts(family: str, fit: Fit, tmp_path: Path) -> None:
    case = CASES["hourly"]
    again = run(written(tmp_path / "code", family, case), case.write(tmp_path / "data"), tmp_path / "out", case)
    np.testing.assert_array_equal(Served(again).walk(case), Served(fit(family, "hourly")).walk(case))


@pytest.mark.parametrize("family", SINGLE)
def test_forecast_does_not_know_what_comes(family: str, fit: Fit) -> None:
    """Neither from the rows that follow nor from covariates that are not known in advance."""
    case, served = CASES["hourly"], Served(fit(family, "hourly"))
    origins = origins_after(case)
    target, covariates = case.target.copy(), np.array(case.covariates)
    target[origins[1] :] = -target[origins[1] :] - 99
    covariates[origins[1] :, :, 1] = 99
    other = replace(case, target=target, covariates=covariates)
    before, after = served.walk(case), served.walk(other)
    np.testing.assert_array_equal(after[:2], before[:2])
    assert not np.array_equal(after[2:], before[2:])


@pytest.mark.parametrize("case", ["weekly", "hourly", "embargo"])
@pytest.mark.parametrize("family", SINGLE)
def test_walking_to_an_origin_changes_nothing(family: str, case: str, fit: Fit) -> None:
    """Rows that arrive in pieces are the rows that arrive at once."""
    served, origins = Served(fit(family, case)), origins_after(CASES[case])
    walked, at_once = served.walk(CASES[case])[-1], served.walk(CASES[case], origins[-1:])[0]
    size = np.abs(walked).max(axis=0)
    np.testing.assert_allclose(walked / size, at_once / size, atol=1e-6)


@pytest.mark.parametrize("family", SINGLE)
def test_artefact_stands_alone(family: str, fit: Fit, tmp_path: Path) -> None:
    """It is served where it was moved to, and a greeting begins anew."""
    case, moved = CASES["weekly"], tmp_path / "elsewhere"
    shutil.copytree(fit(family, "weekly"), moved, ignore=shutil.ignore_patterns("__pycache__"))
    assert not (moved / "run.py").exists()
    served = Served(moved)
    first = served.walk(case)
    np.testing.assert_array_equal(served.walk(case), first)
    np.testing.assert_array_equal(Served(fit(family, "weekly")).walk(case), first)


@pytest.mark.parametrize("family", SINGLE)
def test_context_without_a_single_value_is_answered(family: str, fit: Fit) -> None:
    case = CASES["hourly"]
    [context] = shown(replace(case, target=np.full_like(case.target, np.nan)), origins_after(case)[:1])
    answer = Served(fit(family, "hourly")).step(context)
    assert np.isfinite(answer).all()


# -- parameter spaces ----------------------------------------------------------------------------------------


def suggestion(found: Recipe, case: Case, seed: int) -> dict[str, Any]:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    return found.suggest(study.ask(), case.facts)


def findings(found: Recipe, config: dict[str, Any], case: Case) -> list[str]:
    """Return what lies outside a recipe's space."""
    wrong = found.validate(config)
    for name, param in found.spec.params.items():
        active = all(config.get(other) in values for other, values in param.when.items())
        if active != (name in config):
            wrong.append(f"{name} is {'absent' if active else 'not wanted here'}")
        elif active and param.type in ("int", "float"):
            low, high = found.bounds(param, case.facts)
            if not low <= config[name] <= high or (param.type == "int" and not isinstance(config[name], int)):
                wrong.append(f"{name}={config[name]!r} is outside {low}..{high}")
        elif active and param.type in ("categorical", "bool") and config[name] not in (param.choices or (False, True)):
            wrong.append(f"{name}={config[name]!r} is no choice")
    return wrong


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("family", RECIPES)
def test_configurations_are_inside_the_space(family: str, case: str) -> None:
    found, rng = RECIPES[family], random.Random(0)
    for seed in range(5):
        config = suggestion(found, CASES[case], seed) if seed else found.default(CASES[case].facts)
        assert findings(found, config, CASES[case]) == []
        for _ in range(10):
            config = found.perturb(config, CASES[case].facts, rng)
            assert findings(found, config, CASES[case]) == []


@pytest.mark.parametrize("family", RECIPES)
def test_recipe_renders_files_that_parse(family: str) -> None:
    found, facts = RECIPES[family], CASES["hourly"].facts
    files = found.render(found.default(facts), facts)
    assert {"run.py", "serve.py", "config.json"} <= set(files)
    for name, text in files.items():
        assert ast.parse(text) if name.endswith(".py") else json.loads(text)
    assert json.loads(files["config.json"]) == {"family": family, **found.default(facts)}


def _runs(family: str, case: str, seed: int, home: Path) -> None:
    config = suggestion(recipe(family), CASES[case], seed)
    code = written(home / "code", family, CASES[case])
    (code / "config.json").write_text(json.dumps({"family": family, **config}), encoding="utf-8")
    check(CASES[case], Served(run(code, CASES[case].write(home / "data"), home / "out", CASES[case], budget_s=0.5)).walk(CASES[case]))


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("family", SINGLE)
def test_suggested_configurations_run(family: str, seed: int, tmp_path: Path) -> None:
    _runs(family, "hourly", seed, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3, 11))
@pytest.mark.parametrize("case", ["weekly", "very_short", "hardly_any", "embargo"])
@pytest.mark.parametrize("family", SINGLE)
def test_many_suggested_configurations_run(family: str, case: str, seed: int, tmp_path: Path) -> None:
    _runs(family, case, seed, tmp_path)
