"""Runs and serves rendered experiments inside the process of a test, each with modules of its own."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import numpy as np
import pytest

from alphalab_nb.adapter import Recipe
from alphalab_nb.resources import shipped
from tests.recipes.panels import Case

ADAPTER = shipped("adapters", "time_series")
RECIPES = {path.parent.name: Recipe.load(path.parent) for path in sorted((ADAPTER / "recipes").glob("*/recipe.yaml"))}
"""Every shipped recipe, also those whose requirements are not installed."""
SINGLE = [family for family, recipe in RECIPES.items() if not recipe.combines]


def recipe(family: str) -> Recipe:
    """Return a recipe, or skip loudly where it cannot run."""
    found = RECIPES[family]
    if not found.available:
        reason = f"{family} needs {', '.join(found.spec.requires)}, which is not installed here: not tested"
        warnings.warn(reason, stacklevel=2)
        pytest.skip(reason)
    return found


def _reference_harness() -> ModuleType:
    """Import the harness's rule of what is visible when, under a name that nothing else has."""
    folder = ADAPTER / "harness"
    spec = importlib.util.spec_from_file_location("_reference_harness", folder / "__init__.py", submodule_search_locations=[str(folder)])
    assert spec is not None
    sys.modules["_reference_harness"] = importlib.util.module_from_spec(spec)
    return importlib.import_module("_reference_harness.data_prep")


data_prep = _reference_harness()


class Program:
    """A folder of Python files. Within `modules()` its files are what their names import."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._names = {path.stem for path in folder.glob("*.py")}
        self._own: dict[str, ModuleType] = {}

    @contextlib.contextmanager
    def modules(self) -> Iterator[None]:
        others = {name: sys.modules.pop(name) for name in self._names if name in sys.modules}
        path = sys.path[:]
        sys.path.insert(0, str(self.folder))
        sys.modules.update(self._own)
        try:
            yield
        finally:
            self._own = {name: sys.modules.pop(name) for name in self._names if name in sys.modules}
            sys.modules.update(others)
            sys.path[:] = path

    def module(self, name: str) -> Any:
        with self.modules():
            return importlib.import_module(name)


def written(folder: Path, family: str, case: Case, **config: Any) -> Path:
    """Render a recipe: its default for a case, with changes."""
    found = recipe(family)
    folder.mkdir(parents=True)
    for name, text in found.render({**found.default(case.facts), **config}, case.facts).items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def run(code: Path, data: Path, out: Path, case: Case, *, fidelity: str = "full", budget_s: float = 0.5, seed: int = 0) -> Path:
    """RUN a program and return its artefact."""
    argv = ["run.py", "--out", str(out), "--seed", str(seed), "--fidelity", fidelity, "--budget-s", str(budget_s)]
    environment = {"ALPHALAB_DATA": str(data), "ALPHALAB_TASK": json.dumps(case.task), "OMP_NUM_THREADS": "1"}
    program = Program(code)
    with program.modules(), contextlib.chdir(code), mock.patch.object(sys, "argv", argv), mock.patch.dict(os.environ, environment):
        importlib.import_module("run").main()
    return out / "artefact"


class Served:
    """The forecaster of an artefact."""

    def __init__(self, artefact: Path) -> None:
        self._program = Program(artefact)
        with self._program.modules():
            self._forecaster = importlib.import_module("serve").Forecaster(str(artefact))

    def hello(self) -> None:
        with self._program.modules():
            self._forecaster.hello({})

    def step(self, context: dict[str, Any]) -> np.ndarray:
        with self._program.modules():
            return np.asarray(self._forecaster.step(context), float)

    def walk(self, case: Case, origins: Sequence[int] | None = None) -> np.ndarray:
        """Return the forecasts [O, H, N] at the origins of a case, in time order, after a greeting."""
        self.hello()
        return np.stack([self.step(context) for context in shown(case, origins)])


def origins_after(case: Case) -> list[int]:
    return list(range(case.explore + case.embargo, len(case.target) - case.horizon + 1, case.stride or case.horizon))


def shown(case: Case, origins: Sequence[int] | None = None) -> Iterator[dict[str, Any]]:
    """Yield what the reference harness shows at each origin."""
    rows, items = case.target.shape
    covariates = np.zeros((rows, 1, 0)) if case.covariates is None else case.covariates
    panel = data_prep.Panel(case.target, case.times, tuple(map(str, range(items))), covariates, tuple(map(str, case.known)),
                            np.array(case.known, bool), 0, {})
    config = importlib.import_module("_reference_harness.config")
    task = config.parse_task(case.task)
    return data_prep.contexts(panel, np.array(origins_after(case) if origins is None else origins), task)


def truth(case: Case) -> np.ndarray:
    """Return what was forecast, [O, H, N]."""
    return np.stack([case.target[o : o + case.horizon] for o in origins_after(case)])


def rmse(case: Case, forecasts: np.ndarray) -> float:
    return float(np.sqrt(np.nanmean((forecasts - truth(case)) ** 2)))


def naive(case: Case) -> np.ndarray:
    """Return the last value before each origin for every step, [O, H, N]."""
    return np.stack([np.repeat(case.target[o - 1 : o], case.horizon, axis=0) for o in origins_after(case)])


def forecasts(folder: Path, family: str, case: Case, *, budget_s: float = 2.0, **config: Any) -> np.ndarray:
    """Fit a family and return its forecasts of the rows that follow, [O, H, N]."""
    code = written(folder / "code", family, case, **config)
    return Served(run(code, case.write(folder / "data"), folder / "out", case, budget_s=budget_s)).walk(case)
