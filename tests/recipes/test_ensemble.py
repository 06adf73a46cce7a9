"""Ensembles of real programs: the combined forecast is what its members and weights say."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.recipes.panels import DAY_S, Case, noise, wave
from tests.recipes.programs import Program, Served, run, written

MEMBERS = {"3": "seasonal_naive", "5": "drift", "8": "harmonic"}


@pytest.fixture(scope="module")
def case() -> Case:
    rows = 200
    return Case(10 + 0.05 * np.arange(rows)[:, None] + wave(rows, 7, 3.0)[:, None] + noise(rows), DAY_S, 150, 7, 7)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, case: Case) -> dict[str, np.ndarray]:
    """What each member forecasts alone, [O, H, N]."""
    home = tmp_path_factory.mktemp("alone")
    data = case.write(home / "data")
    codes = {name: written(home / name, family, case) for name, family in MEMBERS.items()}
    return {name: Served(run(code, data, home / "out" / name, case)).walk(case) for name, code in codes.items()}


def combined(home: Path, case: Case, members: tuple[str, ...], **config: Any) -> tuple[np.ndarray, list[float]]:
    """Return the forecasts of an ensemble and its weights."""
    code = written(home / "code", "ensemble", case, members=[int(name) for name in members], **config)
    for name in members:
        written(code / "members" / name, MEMBERS[name], case)
    artefact = run(code, case.write(home / "data"), home / "out", case)
    assert [path.name for path in (home / "out").iterdir()] == ["artefact"], "no scratch stays behind"
    return Served(artefact).walk(case), json.loads((artefact / "ensemble.json").read_text(encoding="utf-8"))["weights"]


def test_mean_of_two(tmp_path: Path, case: Case, alone: dict[str, np.ndarray]) -> None:
    answer, weights = combined(tmp_path, case, ("3", "5"), combine="mean")
    assert weights == [0.5, 0.5]
    np.testing.assert_allclose(answer, (alone["3"] + alone["5"]) / 2)


def test_median_of_three(tmp_path: Path, case: Case, alone: dict[str, np.ndarray]) -> None:
    answer, _ = combined(tmp_path, case, tuple(MEMBERS), combine="median")
    np.testing.assert_allclose(answer, np.median([alone[name] for name in MEMBERS], axis=0))


def test_fitted_weights_favour_the_better_member(tmp_path: Path, case: Case, alone: dict[str, np.ndarray]) -> None:
    answer, weights = combined(tmp_path, case, ("3", "8"), combine="fitted", shrink=0.0, held_share=0.3)
    assert weights[1] > 0.7
    assert sum(weights) == pytest.approx(1)
    np.testing.assert_allclose(answer, weights[0] * alone["3"] + weights[1] * alone["8"])


def test_shrunk_weights_are_equal(tmp_path: Path, case: Case) -> None:
    _, weights = combined(tmp_path, case, ("3", "8"), combine="fitted", shrink=1.0, held_share=0.3)
    np.testing.assert_allclose(weights, 0.5)


def test_ensemble_without_members_says_so(tmp_path: Path, case: Case) -> None:
    code = written(tmp_path / "code", "ensemble", case)
    with pytest.raises(SystemExit, match="needs members"):
        run(code, case.write(tmp_path / "data"), tmp_path / "out", case)


@pytest.mark.parametrize("seed", range(4))
def test_smallest_error_is_the_best_point_of_the_simplex(seed: int, tmp_path: Path, case: Case) -> None:
    weights = Program(written(tmp_path / "code", "ensemble", case)).module("weights")
    errors = np.random.default_rng(seed).normal(0, [[1.0], [1.3], [3.0]], (3, 40)) + 0.5
    gram = errors @ errors.T
    found = weights.smallest_error(gram)
    assert (found >= 0).all()
    assert found.sum() == pytest.approx(1)
    grid = [np.array([a, b, 100 - a - b]) / 100 for a, b in itertools.product(range(101), repeat=2) if a + b <= 100]
    assert found @ gram @ found <= min(w @ gram @ w for w in grid) * (1 + 1e-3)


def test_a_perfect_member_gets_all_the_weight(tmp_path: Path, case: Case) -> None:
    weights = Program(written(tmp_path / "code", "ensemble", case)).module("weights")
    np.testing.assert_allclose(weights.smallest_error(np.diag([1.0, 0.0, 1.0])), [0, 1, 0], atol=0.02)
