"""Small panels that forecasting programs meet in life: each is a folder of data to fit on, the rows that follow, and a task."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

HOUR_S, DAY_S = 3600, 86_400
BEGIN_S = 1_577_836_800
"""2020-01-01, a Wednesday."""


@dataclass(frozen=True)
class Case:
    """All rows of a panel; the first `explore` of them may be fitted on."""

    target: np.ndarray
    """[T, N]"""
    step_s: int
    explore: int
    horizon: int
    season: int
    seasons: tuple[int, ...] = ()
    covariates: np.ndarray | None = None
    """[T, N or 1, C]"""
    known: tuple[bool, ...] = ()
    offsets_s: tuple[int, ...] = ()
    """Seconds that the clocks of the items are late; without any they share their stamps."""
    stride: int = 0
    """0: a horizon."""
    embargo: int = 0
    lookback: int | None = None
    metric: str = "rmse"
    scale: str = "none"

    @property
    def task(self) -> dict[str, Any]:
        return {"horizon": self.horizon, "stride": self.stride or self.horizon, "season": self.season, "embargo": self.embargo,
                "lookback": self.lookback, "metric": self.metric, "scale": self.scale}

    @property
    def facts(self) -> dict[str, Any]:
        """What the parameter spaces of recipes may use."""
        seasons = list(self.seasons or [self.season])
        return {**self.task, "seasons": seasons, "n_items": self.target.shape[1], "length": self.explore}

    @property
    def times(self) -> np.ndarray:
        times = BEGIN_S + self.step_s * np.arange(len(self.target))
        return times[:, None] + np.array(self.offsets_s) if self.offsets_s else times

    def write(self, folder: Path, first: int = 0, end: int | None = None) -> Path:
        """Write rows as a partition is written; by default those to fit on."""
        folder.mkdir(parents=True)
        rows = slice(first, self.explore if end is None else end)
        arrays: dict[str, Any] = {"target": self.target[rows], "times": self.times[rows], "t0": first}
        arrays["items"] = [f"item_{n}" for n in range(self.target.shape[1])]
        if self.covariates is not None:
            arrays |= {"covariates": self.covariates[rows], "known": np.array(self.known)}
            arrays["covariate_names"] = [f"covariate_{c}" for c in range(len(self.known))]
        np.savez(folder / "panel.npz", **arrays)
        meta = {"season": self.season, "seasons": list(self.seasons or [self.season]), "rows": len(arrays["target"])}
        (folder / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
        return folder


def wave(rows: int, period: float, height: float = 1.0) -> np.ndarray:
    return height * np.sin(2 * np.pi * np.arange(rows) / period)


def noise(rows: int, items: int = 1, height: float = 1.0, seed: int = 0) -> np.ndarray:
    """Return [T, N]."""
    return height * np.random.default_rng(seed).standard_normal((rows, items))


def weekly() -> Case:
    """One series with a trend and a yearly season."""
    rows = 320
    target = 300 + 0.03 * np.arange(rows) + wave(rows, 52.18, 3.0)
    return Case(target[:, None] + noise(rows, height=0.3), 7 * DAY_S, 260, 13, 52)


def hourly(rows: int = 760, **changes: Any) -> Case:
    """Three items: one with gaps, one that begins late, one that never moves; a covariate known ahead and one that is not."""
    day, week = wave(rows, 24, 10.0), wave(rows, 168, 4.0)
    heat, rain = noise(rows, seed=1)[:, 0], noise(rows, seed=2)[:, 0]
    target = np.stack([50 + day + week + 3 * heat, 1000 + 20 * day, np.full(rows, 7.0)], axis=1)
    target[:, :2] += noise(rows, 2)
    target[100:160, 0] = target[300, 0] = target[600:604, 0] = np.nan
    target[:90, 1] = np.nan
    covariates = np.stack([heat, rain], axis=1)[:, None]
    covariates[50, 0] = np.nan
    fixed: dict[str, Any] = {"covariates": covariates, "known": (True, False), "seasons": (24, 168), "metric": "mae", "scale": "zscore"}
    return Case(target, HOUR_S, 640, 24, 24, **fixed | changes)


def beyond_a_season() -> Case:
    """A horizon of almost three weeks of daily rows."""
    rows = 260
    return Case(20 + wave(rows, 7, 5.0)[:, None] + noise(rows, 2), DAY_S, 200, 20, 7)


def very_short() -> Case:
    """Two and a half years of months."""
    rows = 44
    return Case(100 + np.arange(rows)[:, None] + wave(rows, 12, 8.0)[:, None] + noise(rows), 30 * DAY_S, 30, 6, 12)


def hardly_any() -> Case:
    """Less than one season, and hardly longer than the horizon."""
    return Case(5 + noise(26), DAY_S, 10, 4, 12)


def own_clocks() -> Case:
    """Two items whose stamps differ by hours; values large, judged in units of each item."""
    rows = 300
    target = 1e6 + wave(rows, 7, 1e4)[:, None] + noise(rows, 2, 1e3)
    return Case(target, DAY_S, 240, 7, 7, offsets_s=(0, 6 * HOUR_S), metric="mse", scale="zscore")


CASES = {
    "weekly": weekly(),
    "hourly": hourly(),
    "beyond_a_season": beyond_a_season(),
    "very_short": very_short(),
    "hardly_any": hardly_any(),
    "own_clocks": own_clocks(),
    "embargo": hourly(embargo=5),
    "lookback": hourly(lookback=30),
}
