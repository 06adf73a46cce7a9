"""Each family is good at what it is made for. Figures are bounds with room, not measurements."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.recipes.panels import DAY_S, HOUR_S, Case, noise, wave
from tests.recipes.programs import forecasts, naive, rmse, truth


def daily(target: np.ndarray, **changes: object) -> Case:
    """Weeks of days, [T] or [T, N]; the last five are forecast one by one."""
    target = target[:, None] if target.ndim == 1 else target
    return Case(target, DAY_S, len(target) - 35, 7, 7, **changes)  # pyright: ignore[reportArgumentType]


def seasonal_naive(case: Case) -> np.ndarray:
    """Return the same rows of the season before, [O, H, N]; the horizon is a season."""
    assert case.horizon == case.season
    return np.stack([case.target[o - case.season : o] for o in range(case.explore, len(case.target) - case.horizon + 1, case.horizon)])


def autoregression(rows: int = 700, *, phi: tuple[float, float] = (0.2, 0.7), items: int = 2) -> np.ndarray:
    """Return an AR(2) that swings around zero, [T, N]."""
    target, shocks = np.zeros((rows, items)), noise(rows, items)
    for row in range(2, rows):
        target[row] = phi[0] * target[row - 1] + phi[1] * target[row - 2] + shocks[row]
    return target


def test_seasonal_naive_knows_a_season(tmp_path: Path) -> None:
    case = daily(np.resize([3.0, 1, 4, 1, 5, 9, 2], 140))
    np.testing.assert_allclose(forecasts(tmp_path, "seasonal_naive", case), truth(case), atol=1e-12)


def test_seasonal_naive_knows_the_middle_of_seasons(tmp_path: Path) -> None:
    """One odd week among five does not touch the median."""
    target = np.resize([3.0, 1, 4, 1, 5, 9, 2], 140)
    target[98:105] = 77
    case = daily(target)
    np.testing.assert_allclose(forecasts(tmp_path, "seasonal_naive", case, k=5, statistic="median"), truth(case), atol=1e-12)


@pytest.mark.parametrize("growth_seasons", [1, 4])
def test_drift_knows_a_line_and_a_season(growth_seasons: int, tmp_path: Path) -> None:
    case = Case((0.5 * np.arange(140) + np.resize([3.0, 1, 4, 1, 5, 9, 2], 140))[:, None], DAY_S, 100, 20, 7)
    np.testing.assert_allclose(forecasts(tmp_path, "drift", case, growth_seasons=growth_seasons), truth(case), atol=1e-9)


def test_harmonic_knows_a_line_and_waves(tmp_path: Path) -> None:
    case = daily(5 + 0.1 * np.arange(210) + wave(210, 7, 2.0) + wave(210, 7 / 3, 1.0))
    np.testing.assert_allclose(forecasts(tmp_path, "harmonic", case), truth(case), atol=1e-3)


def test_ets_averages_seasons_that_are_noisy(tmp_path: Path) -> None:
    case = daily(np.resize([3.0, 1, 4, 1, 5, 9, 2], 350) + noise(350)[:, 0])
    assert rmse(case, forecasts(tmp_path, "ets", case)) < 0.85 * rmse(case, seasonal_naive(case))


@pytest.mark.parametrize("family", ["ridge_global", "ridge_series", "dlinear", "tsmixer_mlp"])
def test_lags_are_learnt(family: str, tmp_path: Path) -> None:
    """The sign of the next rows alternates: the last value is a poor guess."""
    case = daily(autoregression(phi=(-0.6, 0.3)))
    best = np.sqrt(np.mean(truth(case) ** 2))
    assert rmse(case, forecasts(tmp_path, family, case)) < min(0.8 * rmse(case, naive(case)), 1.05 * best)


def heated(rows: int = 900) -> Case:
    """Hours of a house: a season, and a heating that a known covariate switches on."""
    cold = noise(rows, seed=4)[:, 0]
    target = 20 + wave(rows, 24, 2.0) + 5 * (cold > 0) + noise(rows, height=0.3)[:, 0]
    return Case(target[:, None], HOUR_S, 780, 24, 24, covariates=cold[:, None, None], known=(True,))


@pytest.mark.parametrize("family", ["gbm", "gbm_residual"])
def test_trees_see_a_threshold(family: str, tmp_path: Path) -> None:
    case = heated()
    assert rmse(case, forecasts(tmp_path, family, case)) < 0.5 * rmse(case, seasonal_naive(case))


@pytest.mark.parametrize("family", ["ridge_global", "dlinear", "tsmixer_mlp"])
def test_covariates_of_the_horizon_are_used(family: str, tmp_path: Path) -> None:
    case = heated()
    assert rmse(case, forecasts(tmp_path, family, case)) < 0.7 * rmse(case, seasonal_naive(case))


def test_maps_of_their_own_serve_series_that_differ(tmp_path: Path) -> None:
    """Both repeat the week before, one of them upside down."""
    target, shocks = noise(700, 2), noise(700, 2, seed=1)
    for row in range(7, 700):
        target[row] = target[row - 7] * np.array([0.95, -0.95]) + 0.3 * shocks[row]
    case = daily(target)
    shared, own = (rmse(case, forecasts(tmp_path / str(i), "dlinear", case, individual=i, lookback=7, level="mean")) for i in (False, True))
    assert own < 0.6 * shared


def test_series_that_lead_are_seen_when_series_are_mixed(tmp_path: Path) -> None:
    """The second series repeats the first one a horizon later."""
    lead = noise(800)[:, 0]
    case = daily(np.stack([lead, np.roll(lead, 7) + 0.1 * noise(800, seed=1)[:, 0]], axis=1))
    fixed = {"between": 16, "lookback": 14, "dropout": 0.0, "level": "mean", "divide": "item"}
    apart, mixed = (forecasts(tmp_path / str(m), "tsmixer_mlp", case, mix_series=m, **fixed) for m in (False, True))
    late = [float(np.sqrt(np.mean((some - truth(case))[..., 1] ** 2))) for some in (apart, mixed)]
    assert late[1] < 0.8 * late[0]
