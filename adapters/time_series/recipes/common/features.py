"""Rows for tree models: one per origin, step of the horizon and series; every number is relative to a base forecast.

The base is what a row was at the same phase of the last seasons, or the present level; trees learn what is left over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from series import DAY_S, YEAR_S, Panel, Window, day_of_year, fill, holiday, hour, month, week_of_year, weekday

MOST_CATEGORIES = 200


@dataclass(frozen=True)
class Scene:
    """One or more origins on one time axis: a panel to learn from, or the window of one origin."""

    target: np.ndarray
    """[T, N] without NaN, in units of each series"""
    origins: np.ndarray
    """[O]: rows of `target` that are forecast first; the last may lie just behind its end"""
    times: np.ndarray
    """[O, H, 1 or N]: stamps of the horizon"""
    last: np.ndarray
    """[O, 1 or N, C]: covariates of the last known row"""
    planned: np.ndarray
    """[O, H, 1 or N, C]: covariates of the horizon, NaN unless known in advance"""


class Features:
    """How rows are made; set up once, then used alike for learning and for serving."""

    def __init__(self, panel: Panel, *, horizon: int, base: str, cycles: int, recent: int, scale: np.ndarray, median: bool = False) -> None:
        self.horizon, self.base, self.scale, self.known, self.step_s = horizon, base, scale, panel.known, panel.step_s
        self.average = np.median if median else np.mean
        self.season = panel.period("main")
        self.shortest = min(panel.shortest, self.season)
        most = max(1, (panel.rows - horizon) // 3)
        self.cycles = int(np.clip(cycles, 1, max(1, most // self.season - 1)))
        self.recent = int(np.clip(recent, 1, most))
        self.lookback = (self.cycles + 1) * self.season + max(self.recent, self.season)
        self.years = bool(np.ptp(panel.times[:, 0]) >= 1.5 * YEAR_S)
        self.items = panel.items

    @property
    def categorical(self) -> list[int]:
        """Columns that are names, not numbers."""
        return [1] if 1 < self.items <= MOST_CATEGORIES else []

    def of_panel(self, panel: Panel, origins: np.ndarray) -> Scene:
        rows = origins[:, None] + np.arange(self.horizon)
        planned = np.where(panel.known, panel.covariates[rows], np.nan)
        target = fill(panel.target, self.season) / self.scale
        return Scene(target, origins, panel.times[rows], panel.covariates[origins - 1], planned)

    def of_window(self, window: Window) -> Scene:
        past = fill(window.target, self.season)[-self.lookback :] / self.scale
        past = np.concatenate([np.repeat(past[:1], self.lookback - len(past), axis=0), past])
        origin = np.array([self.lookback])
        return Scene(past, origin, window.future_times[None], window.covariates[-1:], window.future_covariates[None])

    def forecast_base(self, scene: Scene) -> np.ndarray:
        """Return the base of every row to forecast, [O, H, N]."""
        if self.base == "last":
            return np.repeat(scene.target[scene.origins - 1][:, None], self.horizon, axis=1)
        if self.base == "level":
            return np.repeat(_means(scene.target, scene.origins, self.season)[:, None], self.horizon, axis=1)
        return self.average(self._cycle_values(scene), axis=0)

    def rows(self, scene: Scene, base: np.ndarray) -> np.ndarray:
        """Return the features, [O, H, N, F]."""
        shape = base.shape
        columns = [np.arange(self.horizon)[:, None], np.arange(shape[2]), *self._calendar(scene.times)]
        columns += [base - _means(scene.target, scene.origins, self.season)[:, None]]
        columns += [values - base for values in self._cycle_values(scene)]
        columns += self._recent(scene, base)
        columns += [scene.last[:, None, :, c] for c in np.flatnonzero(~self.known)]
        columns += [scene.planned[..., c] for c in np.flatnonzero(self.known)]
        return np.stack([np.broadcast_to(column, shape) for column in columns], axis=-1).astype(np.float32)

    def _cycle_values(self, scene: Scene) -> np.ndarray:
        """Values at the phase of each step in each of the last seasons, [cycles, O, H, N]."""
        return np.stack([self._back(scene, self.season, c) for c in range(1, self.cycles + 1)])

    def _back(self, scene: Scene, period: int, cycles: int) -> np.ndarray:
        steps = np.arange(self.horizon)
        rows = scene.origins[:, None] + steps - (cycles + steps // period) * period
        return scene.target[rows]

    def _recent(self, scene: Scene, base: np.ndarray) -> list[np.ndarray]:
        """The latest rows and their means, against their own base (seasons) or against the base forecast."""
        if self.base != "season":
            lately = [scene.target[scene.origins - j][:, None] - base for j in range(1, self.recent + 1)]
            daily = [self._back(scene, self.shortest, c) - base for c in (1, 2) if self.shortest < self.season]
            return [*lately, *daily, _means(scene.target, scene.origins, self.shortest)[:, None] - base]
        left = scene.target.copy()
        earlier = [scene.target[self.season * (self.cycles - c) : len(left) - c * self.season] for c in range(1, self.cycles + 1)]
        left[self.season * self.cycles :] -= self.average(earlier, axis=0)
        surprise = Scene(left, scene.origins, scene.times, scene.last, scene.planned)
        lately = [left[scene.origins - j][:, None] for j in range(1, self.recent + 1)]
        daily = [self._back(surprise, self.shortest, c) for c in (1, 2) if self.shortest < self.season]
        spans = sorted({self.shortest // 4, self.shortest, self.season} - {0, 1})
        return [*lately, *daily, *(_means(left, scene.origins, span)[:, None] for span in spans)]

    def _calendar(self, times: np.ndarray) -> list[np.ndarray]:
        columns = []
        if self.step_s < DAY_S:
            columns.append(hour(times))
        if self.step_s <= DAY_S:
            earlier = [holiday(times - round(c * self.season * self.step_s)) for c in range(1, self.cycles + 1)]
            columns += [weekday(times), holiday(times), np.mean(earlier, axis=0)]
        if self.years and self.step_s < 27 * DAY_S:
            columns.append(day_of_year(times) if self.step_s <= DAY_S else week_of_year(times))
        elif self.step_s < 360 * DAY_S:
            columns.append(month(times))
        return columns


def _means(target: np.ndarray, origins: np.ndarray, length: int) -> np.ndarray:
    """Mean of the `length` rows before each origin, [O, N]."""
    sums = np.concatenate([np.zeros((1, target.shape[1])), np.cumsum(target, axis=0)])
    return (sums[origins] - sums[np.maximum(origins - length, 0)]) / np.minimum(length, origins)[:, None]
