"""Panels of series for forecasting programs: load, fill, calendar, Fourier terms, history. Knows no model.

Shapes: T rows (time), N items, H steps of horizon, C covariates. Only numpy, so that a serving process starts fast.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

DAY_S = 86_400.0
YEAR_S = 365.2425 * DAY_S


@dataclass(frozen=True)
class Panel:
    """Rows to fit on. NaN in `target` = missing, or a series that has not begun."""

    target: np.ndarray
    """float64 [T, N]"""
    times: np.ndarray
    """int64 unix seconds, [T, 1] when the items share stamps, else [T, N]"""
    covariates: np.ndarray
    """float64 [T, 1 or N, C]; C may be 0"""
    known: np.ndarray
    """bool [C]: known in advance over the horizon"""
    season: int
    """The task's seasonal period in rows."""
    seasons: tuple[int, ...]
    """All seasonal periods in rows, ascending."""
    step_s: float
    """Usual distance of two rows in seconds."""
    start: int = 0
    """Position of row 0 in the whole grid."""

    @property
    def rows(self) -> int:
        return len(self.target)

    @property
    def items(self) -> int:
        return self.target.shape[1]

    @property
    def end(self) -> int:
        """Position in the whole grid of the row after the last."""
        return self.start + self.rows

    @property
    def shortest(self) -> int:
        return self.seasons[0]

    @property
    def longest(self) -> int:
        """The longest seasonal period that fits at least twice into the data."""
        return max([p for p in self.seasons if 2 * p <= self.rows], default=1)

    def period(self, which: str) -> int:
        """Return the season called `main` or `longest`; a main one that does not fit twice falls back to what does."""
        return self.season if which == "main" and 2 * self.season <= self.rows else self.longest

    def part(self, start: int, end: int) -> Panel:
        """Return rows start..end-1 as a panel of their own."""
        return replace(
            self,
            target=self.target[start:end],
            times=self.times[start:end],
            covariates=self.covariates[start:end],
            start=self.start + start,
        )


class Model(Protocol):
    """What each family's model.py offers under the name `Model`."""

    lookback: int
    """Rows of history that `predict` wants to see; 0 = everything."""

    def fit(self, panel: Panel, *, budget_s: float, seed: int) -> None: ...

    def predict(self, window: Window) -> np.ndarray:
        """Return the forecast, float64 [H, N]."""
        ...


@dataclass(frozen=True)
class Window:
    """What is known at one forecast origin."""

    target: np.ndarray
    """float64 [L, N]: the rows before the origin, the latest last"""
    times: np.ndarray
    """int64 [L, 1 or N]"""
    covariates: np.ndarray
    """float64 [L, 1 or N, C]"""
    future_times: np.ndarray
    """int64 [H, 1 or N]"""
    future_covariates: np.ndarray
    """float64 [H, 1 or N, C]; NaN where not known in advance"""
    end: int
    """Position in the whole grid of the row after the last of `target`."""

    def since(self, end: int) -> np.ndarray:
        """Return the target rows from grid position `end` on; rows that were never shown are NaN."""
        missing = max(0, self.end - len(self.target) - end)
        rows = self.target[max(0, len(self.target) - (self.end - end)) :] if self.end > end else self.target[:0]
        return np.concatenate([np.full((missing, self.target.shape[1]), np.nan), rows]) if missing else rows


def load_panel(folder: str | Path, task: dict[str, Any]) -> Panel:
    """Read panel.npz and meta.json of one partition."""
    folder = Path(folder)
    meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    with np.load(folder / "panel.npz", allow_pickle=False) as data:
        target, times = np.asarray(data["target"], float), _column(data["times"])
        rows = len(target)
        covariates = np.asarray(data["covariates"], float) if "covariates" in data else np.empty((rows, 1, 0))
        known = np.asarray(data["known"], bool) if "known" in data else np.zeros(0, bool)
        start = int(data["t0"]) if "t0" in data else 0
    step_s = float(np.median(np.diff(times[:, 0]))) if rows > 1 else DAY_S
    season = max(int(task.get("season") or meta.get("season") or 1), 1)
    seasons = sorted({season, *(int(p) for p in meta.get("seasons") or [] if int(p) > 1)})
    return Panel(target, times, covariates, known, season, tuple(seasons), step_s, start)


def _column(times: np.ndarray) -> np.ndarray:
    times = np.asarray(times, np.int64)
    return times[:, None] if times.ndim == 1 else times


class History:
    """The last `lookback` rows that a served forecaster has been shown (0 = all of them)."""

    def __init__(self, lookback: int, horizon: int) -> None:
        self.lookback, self.horizon = lookback, horizon
        self._rows: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
        """Target, times, covariates."""

    def extend(self, context: dict[str, Any]) -> Window:
        """Add the new rows of one step and return the window at its origin."""
        new = np.asarray(context["new"], float)
        fresh = (new, _column(context["times"]), _covariates(context.get("cov"), len(new)))
        rows = fresh if self._rows is None else tuple(np.concatenate(pair) for pair in zip(self._rows, fresh, strict=True))
        self._rows = tuple(held[-self.lookback :] for held in rows) if self.lookback else rows
        times = self._ahead(_column(context["future_times"]))
        known = _covariates(context.get("future_cov"), len(context["future_times"]))
        gap = np.full((len(times) - len(known), *known.shape[1:]), np.nan)
        return Window(*self._rows, times, np.concatenate([gap, known]), int(context["start"]) + len(new))

    def _ahead(self, future: np.ndarray) -> np.ndarray:
        """Stamps of all `horizon` rows after the last row; under an embargo only the later ones are given."""
        missing = self.horizon - len(future)
        if missing <= 0:
            return future
        last = self._rows[1][-1:] if self._rows is not None and len(self._rows[1]) else future[:1]
        share = np.arange(1, missing + 1)[:, None] / (missing + 1)
        return np.concatenate([(last + share * (future[:1] - last)).astype(np.int64), future])


def _covariates(values: Any, rows: int) -> np.ndarray:
    return np.empty((rows, 1, 0)) if values is None else np.asarray(values, float)


def fill(target: np.ndarray, season: int) -> np.ndarray:
    """Return [T, N] without NaN, each value made only from rows of `target` itself.

    Inside: linear interpolation. End: the season before, moved to the present level. Front: the first
    value seen. A series without any value becomes 0.
    """
    if np.isfinite(target).all():
        return target
    filled = np.array(target, float)
    for n in np.flatnonzero(~np.isfinite(target).all(axis=0)):
        filled[:, n] = _fill_one(target[:, n], season)
    return filled


def _fill_one(y: np.ndarray, season: int) -> np.ndarray:
    seen = np.flatnonzero(np.isfinite(y))
    if not len(seen):
        return np.zeros(len(y))
    out = np.interp(np.arange(len(y)), seen, y[seen])
    last, begin = seen[-1], max(seen[0] + season, seen[-1] + 1 - season)
    if begin <= last:
        growth = float(np.mean(out[begin : last + 1] - out[begin - season : last + 1 - season]))
        for row in range(last + 1, len(y)):
            out[row] = out[row - season] + growth
    return out


def hour(times: np.ndarray) -> np.ndarray:
    """Hour of the day, fractional, 0 <= h < 24."""
    return (times % 86_400) / 3600.0


def weekday(times: np.ndarray) -> np.ndarray:
    """0 = Monday .. 6 = Sunday."""
    return (times // 86_400 + 3) % 7


def month(times: np.ndarray) -> np.ndarray:
    """1..12."""
    return times.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64) % 12 + 1


def day_of_year(times: np.ndarray) -> np.ndarray:
    """0..365."""
    stamps = times.astype("datetime64[s]")
    return (stamps.astype("datetime64[D]") - stamps.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64)


def week_of_year(times: np.ndarray) -> np.ndarray:
    """0..52, counted in sevens from January 1st."""
    return day_of_year(times) // 7


def holiday(times: np.ndarray) -> np.ndarray:
    """Return 1.0 on days that most western countries have off, 0.5 on the eves, else 0.0 (no national days)."""
    days, back = np.unique(times // 86_400, return_inverse=True)
    stamps = days.astype("datetime64[D]")
    years = stamps.astype("datetime64[Y]")
    in_year = (stamps - years.astype("datetime64[D]")).astype(np.int64)
    before_next = ((years + 1).astype("datetime64[D]") - stamps).astype(np.int64)
    may_1 = (years.astype("datetime64[M]") + 4).astype("datetime64[D]")
    to_easter = (stamps - _easter(years.astype(np.int64) + 1970)).astype(np.int64)
    off = (in_year == 0) | np.isin(before_next, (6, 7)) | (stamps == may_1) | np.isin(to_easter, (-3, -2, 0, 1, 39, 49, 50))
    return np.where(off, 1.0, np.where(np.isin(before_next, (1, 8)), 0.5, 0.0))[back].reshape(times.shape)


def _easter(year: np.ndarray) -> np.ndarray:
    """Easter Sunday of Gregorian years (Butcher's rule)."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    m = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    days = h + m - 7 * ((a + 11 * h + 22 * m) // 451) + 114
    first = (year - 1970).astype("datetime64[Y]").astype("datetime64[M]") + (days // 31 - 1)
    return first.astype("datetime64[D]") + days % 31


def period_s(season: int, step_s: float) -> float:
    """Length of a seasonal period in seconds; a year is a real year (52 weeks are 1.2 days short of it)."""
    length = season * step_s
    return YEAR_S if abs(length / YEAR_S - 1) < 0.02 else length


def fourier(times: np.ndarray, period: float, order: int) -> np.ndarray:
    """Sines and cosines of a period in seconds: [..., 2 * order]."""
    angle = 2 * np.pi * (times / period)[..., None] * np.arange(1, order + 1)
    return np.concatenate([np.sin(angle), np.cos(angle)], axis=-1)


def read_task() -> dict[str, Any]:
    """Return the task block (horizon, stride, season, metric, ...) that RUN is given."""
    return json.loads(os.environ.get("ALPHALAB_TASK") or "{}")


def read_config(folder: str | Path = ".") -> dict[str, Any]:
    """Return the parameters of this experiment."""
    return json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
