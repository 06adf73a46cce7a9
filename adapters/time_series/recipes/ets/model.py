"""Exponential smoothing: level, damped trend and additive seasons; smoothing is chosen per series by random search.

All candidates of all series run side by side: arrays are [G, N] (candidates, series), seasons [period, G, N].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from series import Panel, Window, fill

CANDIDATES = 48
ROUNDS = 3
MOST_ROWS = 4000
MOST_CELLS = 2_000_000
"""Cells of one round (rows x candidates x series): more series, fewer candidates."""
ORIGINS = 80
"""Origins at which a candidate forecasts the whole horizon while it is judged."""


@dataclass
class Smoothing:
    """Rates, each [G, N]; `gammas` has one per season."""

    alpha: np.ndarray
    beta: np.ndarray
    phi: np.ndarray
    rho: np.ndarray
    gammas: list[np.ndarray]

    def all(self) -> list[np.ndarray]:
        return [self.alpha, self.beta, self.phi, self.rho, *self.gammas]

    def pick(self, best: np.ndarray) -> Smoothing:
        """Return the best candidate of each series, [1, N]."""
        alpha, beta, phi, rho, *gammas = (np.take_along_axis(rate, best[None], axis=0) for rate in self.all())
        return Smoothing(alpha, beta, phi, rho, gammas)


@dataclass
class State:
    """What is smoothed; `end` is the grid row after the last one taken in."""

    level: np.ndarray
    trend: np.ndarray
    error: np.ndarray
    seasons: list[np.ndarray]
    end: int

    def take(self, row: np.ndarray, by: Smoothing) -> np.ndarray:
        """Take one row [N] in; return its one-step error, NaN where the row is missing."""
        ahead = self.level + by.phi * self.trend
        phases = [self.end % len(season) for season in self.seasons]
        error = row - ahead - sum((season[at] for season, at in zip(self.seasons, phases)), np.zeros(1))
        known = np.isfinite(error)
        step = np.where(known, error, 0.0)
        self.level = ahead + by.alpha * step
        self.trend = by.phi * self.trend + by.beta * step
        for season, at, gamma in zip(self.seasons, phases, by.gammas):
            season[at] += gamma * step
        surprise = error - by.rho * self.error
        self.error = np.where(known, step, by.rho * self.error)
        self.end += 1
        return surprise

    def forecast(self, horizon: int, by: Smoothing) -> np.ndarray:
        """Return [H, G, N]."""
        steps = np.arange(1, horizon + 1)[:, None, None]
        damped = np.cumsum(by.phi[None] ** steps, axis=0) * self.trend
        answer = self.level + damped + by.rho[None] ** steps * self.error
        for season in self.seasons:
            answer = answer + season[(self.end + steps[:, 0, 0] - 1) % len(season)]
        return answer


class Model:
    """Chooses the smoothing on the latest seasons, then goes on smoothing while it serves."""

    lookback = 0

    def __init__(self, config: dict[str, Any], task: dict[str, Any]) -> None:
        self.config, self.horizon = config, int(task["horizon"])

    def fit(self, panel: Panel, *, budget_s: float, seed: int) -> None:
        self.log = self.config["scale"] == "log" and bool(np.nanmin(panel.target, initial=np.inf) > 0)
        self.periods = self._periods(panel)
        slowest = max([*self.periods, 1])
        rows = min(panel.rows, max(int(self.config["fit_seasons"]) * panel.season, 4 * slowest, 64), max(MOST_ROWS, 4 * slowest))
        panel = panel.part(panel.rows - rows, panel.rows)
        target = self._scaled(panel.target)
        shown = _backcast(target, slowest)
        best = self._search(shown, target, panel.start, np.random.default_rng(seed))
        self.smoothing, self.state = best, self._begin(shown, panel.start, 1)
        self._run(shown, target, self.state, best)

    def predict(self, window: Window) -> np.ndarray:
        for row in self._scaled(window.since(self.state.end)):
            self.state.take(row, self.smoothing)
        answer = self.state.forecast(self.horizon, self.smoothing)[:, 0]
        return np.exp(np.minimum(answer, 700)) if self.log else answer

    def _scaled(self, target: np.ndarray) -> np.ndarray:
        if not self.log:
            return target
        return np.log(np.where(target > 0, target, np.nan))

    def _periods(self, panel: Panel) -> list[int]:
        which = self.config["seasons"]
        fitting = [p for p in panel.seasons if p > 1 and 2 * p <= panel.rows]
        named = {"none": [], "all": fitting}.get(which, [panel.period(which)])
        return [p for p in named if p > 1]

    # -- choosing the smoothing -----------------------------------------------------------------------

    def _search(self, shown: np.ndarray, target: np.ndarray, start: int, rng: np.random.Generator) -> Smoothing:
        rows, items = shown.shape
        count = int(np.clip(MOST_CELLS // (rows * items), 6, CANDIDATES))
        best: np.ndarray | None = None
        for spread in (1.0, *(0.25 * 0.5**i for i in range(ROUNDS - 1))):
            free = self._draw(rng, count, items, best, spread)
            smoothing = self._smoothing(free)
            loss = self._run(shown, target, self._begin(shown, start, count), smoothing)
            winner = np.argmin(np.where(np.isfinite(loss), loss, np.inf), axis=0)
            best = np.take_along_axis(free, winner[None, None], axis=1)
        assert best is not None
        return self._smoothing(best)

    def _draw(self, rng: np.random.Generator, count: int, items: int, best: np.ndarray | None, spread: float) -> np.ndarray:
        """Candidates in the unit cube, [rate, G, N]; later rounds lie around the best so far, which stays among them."""
        width = 4 + len(self.periods)
        if best is None:
            return np.broadcast_to(rng.random((width, count, 1)), (width, count, items))
        free = np.clip(best + spread * rng.standard_normal((width, count, items)), 0, 1)
        free[:, 0] = best[:, 0]
        return free

    def _smoothing(self, free: np.ndarray) -> Smoothing:
        """Map the unit cube to rates: small rates and slow damping get as much room as large ones."""
        alpha = 10 ** (-2.5 * free[0])
        beta = alpha * 10 ** (-0.5 - 3 * free[1])
        phi = 1 - 10 ** (-0.7 - 2.3 * free[2])
        rho = 0.98 * free[3] if self.config["carry_error"] else np.zeros_like(alpha)
        if self.config["trend"] != "damped":
            phi = np.ones_like(alpha)
        if self.config["trend"] == "none":
            beta = np.zeros_like(alpha)
        return Smoothing(alpha, beta, phi, rho, [10 ** (-0.2 - 2.5 * g) for g in free[4:]])

    def _begin(self, shown: np.ndarray, start: int, count: int) -> State:
        """Return the state before the first row: level and trend of the first seasons, their mean pattern."""
        slowest = max([*self.periods, 1])
        cycles = min(4, len(shown) // slowest)
        first = shown[: cycles * slowest] if self.periods else shown[: min(len(shown), 8)]
        trend = np.zeros(shown.shape[1])
        if self.config["trend"] != "none" and len(first) > 1:
            half = len(first) // 2
            trend = (first[-half:].mean(axis=0) - first[:half].mean(axis=0)) / (len(first) - half)
        level = first.mean(axis=0) - trend * (len(first) + 1) / 2
        left = first - level - trend * np.arange(1, len(first) + 1)[:, None]
        seasons = []
        for period in self.periods:
            pattern = _pattern(left, period)
            left = left - pattern[np.arange(len(left)) % period]
            seasons.append(np.repeat(np.roll(pattern, start % period, axis=0)[:, None], count, axis=1))
        spread = np.ones((count, 1))
        return State(spread * level, spread * trend, 0 * spread * level, seasons, start)

    def _run(self, shown: np.ndarray, target: np.ndarray, state: State, by: Smoothing) -> np.ndarray:
        """Smooth over all rows; return the mean loss [G, N] after the first third."""
        rows, horizon = len(shown), self.horizon
        warm, last = rows // 3, rows - horizon
        every = max(1, (last - warm) // ORIGINS)
        loss, count = np.zeros_like(state.level), 1e-9
        whole = self.config["objective"] == "horizon" and last > warm + 4
        for at in range(rows):
            if whole and warm <= at <= last and (last - at) % every == 0:
                square = (state.forecast(horizon, by) - target[at : at + horizon, None]) ** 2
                loss, count = loss + np.nan_to_num(square, nan=0.0, posinf=1e300).mean(axis=0), count + 1
            surprise = state.take(shown[at], by)
            if not whole and at >= warm:
                loss, count = loss + np.nan_to_num(surprise, posinf=1e150) ** 2, count + 1
        return loss / count


def _pattern(left: np.ndarray, period: int) -> np.ndarray:
    """Mean of `left` at each phase of a period, [period, N], summing to zero."""
    whole = len(left) // period * period
    pattern = left[:whole].reshape(-1, period, left.shape[1]).mean(axis=0)
    return pattern - pattern.mean(axis=0)


def _backcast(target: np.ndarray, season: int) -> np.ndarray:
    """Fill rows before a series begins by running it backwards, and the holes of the first seasons; later holes stay."""
    shown, filled = target.copy(), fill(fill(target[::-1], season)[::-1], season)
    first = np.isfinite(target).argmax(axis=0)
    early = np.arange(len(target))[:, None] < first + 4 * season
    shown[early] = filled[early]
    return np.where(np.isfinite(target).any(axis=0), shown, 0.0)
