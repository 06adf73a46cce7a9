"""Regular grids of time: names of frequencies, their inference from stamps, their seasons.

A grid maps stamps (unix seconds) to whole numbers and back. Seconds, months and business days are the three kinds of step.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np

from alphalab_nb.errors import DataError
from alphalab_nb.partitions.base import Floats, Ints, iso

HOUR, DAY, WEEK = 3600, 86400, 604800
_UNITS = {"s": 1, "min": 60, "h": HOUR, "D": DAY, "W": WEEK}
_MONTHS = {"MS": 1, "QS": 3, "YS": 12}
_ALIASES = {
    "sec": "s", "second": "s", "seconds": "s", "secondly": "s", "t": "min", "minute": "min", "minutes": "min",
    "minutely": "min", "hour": "h", "hours": "h", "hourly": "h", "half_hourly": "30min", "d": "D", "day": "D",
    "days": "D", "daily": "D", "w": "W", "week": "W", "weeks": "W", "weekly": "W", "m": "MS", "ms": "MS", "me": "MS",
    "month": "MS", "monthly": "MS", "q": "QS", "qs": "QS", "qe": "QS", "quarter": "QS", "quarterly": "QS", "y": "YS",
    "ys": "YS", "ye": "YS", "a": "YS", "as": "YS", "year": "YS", "yearly": "YS", "annual": "YS", "b": "B",
    "business": "B", "business_daily": "B",
}  # fmt: skip
KNOWN = "s, min, 15min, 30min, h, D, B, W, MS, QS, YS"


@dataclass(frozen=True)
class Frequency:
    """The step of a grid."""

    name: str
    unit: Literal["seconds", "months", "business"]
    step: int
    """In units of `unit`."""

    @classmethod
    def parse(cls, text: str) -> Frequency:
        """Read a name: ours, a pandas alias (W-SAT, 15T, ME) or a Monash word (half_hourly).

        Raises:
            DataError: no such frequency.
        """
        found = re.fullmatch(r"(\d*)[_ ]?([A-Za-z_]+)(-[A-Za-z]+)?", text.strip())
        unit = _ALIASES.get(found[2].lower(), found[2].lower()) if found else ""
        inner = re.fullmatch(r"(\d*)(\w+)", unit)
        if not found or not inner or inner[2] not in {*_UNITS, *_MONTHS, "B"}:
            raise DataError(f"'{text}' is no frequency known here; use one of {KNOWN}, also with a number (2h)")
        # "M" is months in every dialect, minutes are min or T
        return cls.of(inner[2], int(found[1] or 1) * int(inner[1] or 1))

    @classmethod
    def of(cls, unit: str, count: int) -> Frequency:
        """Make `count` units and give the result its usual name."""
        if unit in _MONTHS:
            return cls._months(_MONTHS[unit] * count)
        if unit == "B":
            return cls("B", "business", 1)
        return cls.seconds(_UNITS[unit] * count)

    @classmethod
    def seconds(cls, step: int) -> Frequency:
        """Make a fixed step of so many seconds."""
        unit = next(u for u in ("W", "D", "h", "min", "s") if step % _UNITS[u] == 0)
        count = step // _UNITS[unit]
        return cls(unit if count == 1 else f"{count}{unit}", "seconds", step)

    @classmethod
    def _months(cls, step: int) -> Frequency:
        unit = next(u for u in ("YS", "QS", "MS") if step % _MONTHS[u] == 0)
        count = step // _MONTHS[unit]
        return cls(unit if count == 1 else f"{count}{unit}", "months", step)

    @property
    def seasons(self) -> tuple[int, ...]:
        """Seasonal periods in rows, shortest first."""
        if self.unit == "months":
            return (12 // self.step,) if self.step < 12 and 12 % self.step == 0 else ()
        if self.unit == "business":
            return (5, 260)
        cycles = (HOUR, DAY) if self.step < 60 else (DAY, WEEK) if self.step < DAY else (WEEK, 365 * DAY)
        return tuple(round(c / self.step) for c in cycles if c / self.step >= 2)

    def lasting(self, rows: int) -> str:
        """Say how long so many rows are, in words."""
        if self.unit == "months":
            return _count(rows * self.step, "month")
        if self.unit == "business":
            return _count(rows, "business day")
        days, rest = divmod(rows * self.step, DAY)
        parts = [_count(days, "day")] if days else []
        if rest:
            parts.append(_count(rest // HOUR, "hour") if rest % HOUR == 0 else _count(rest // 60, "minute"))
        return " ".join(parts)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def infer(stamps: list[Ints], *, where: str) -> Frequency:
    """Find the frequency from each series' stamps, any order.

    Raises:
        DataError: too few stamps, or no step is the usual one.
    """
    steps = np.concatenate([np.diff(np.unique(s)) for s in stamps]) if stamps else np.empty(0, np.int64)
    if steps.size < 2:
        raise DataError(f"{where}: too few different stamps to infer a frequency; name it: data: {{freq: h}} (one of {KNOWN})")
    if (months := _month_step(steps)) is not None:
        return Frequency.of("MS", months)
    values, counts = np.unique(steps, return_counts=True)
    usual = int(values[counts.argmax()])
    if usual == DAY and _skips_weekends(stamps, steps):
        return Frequency.of("B", 1)
    if counts.max() < 0.5 * steps.size:
        raise DataError(
            f"{where}: no regular step between stamps (the most frequent, {usual} s, covers "
            f"{counts.max() / steps.size:.0%}); resample the data, or name the step: data: {{freq: h}} (one of {KNOWN})"
        )
    return Frequency.seconds(usual)


def _month_step(steps: Ints) -> int | None:
    for months, low, high in ((1, 28, 31), (3, 90, 92), (12, 365, 366)):
        inside = steps[(steps >= low * DAY) & (steps <= high * DAY)]
        # four-week steps are weeks, not months: a month's length varies
        if inside.size > 0.5 * steps.size and (np.unique(inside).size > 1 or months == 12):
            return months
    return None


def _skips_weekends(stamps: list[Ints], steps: Ints) -> bool:
    weekday = (np.concatenate(stamps) // DAY + 3) % 7  # 1970-01-01 was a Thursday; Monday = 0
    return bool((weekday < 5).all() and steps.size >= 8 and (steps == 3 * DAY).mean() > 0.1)


@dataclass(frozen=True)
class Grid:
    """A frequency with its phase: which seconds, which day of the month."""

    frequency: Frequency
    phase: int
    """Seconds after the step began; for months: the month's remainder."""
    day: int = 0
    """Months: day of the month from 0, -1 = the last one."""
    second: int = 0
    """Months and business days: second of the day."""

    @classmethod
    def through(cls, stamps: Ints, frequency: Frequency) -> Grid:
        """Lay the grid through most of the stamps."""
        if frequency.unit == "seconds":
            return cls(frequency, _usual(stamps % frequency.step))
        second = _usual(stamps % DAY)
        if frequency.unit == "business":
            return cls(frequency, 0, second=second)
        month, day, from_end = _calendar(stamps)
        last = bool((from_end == 0).mean() > 0.5)
        return cls(frequency, _usual(month % frequency.step), -1 if last else _usual(day), second)

    def positions(self, stamps: Ints) -> Ints:
        """Return the nearest grid point of each stamp as a whole number."""
        if self.frequency.unit == "seconds":
            return (stamps - self.phase + self.frequency.step // 2) // self.frequency.step
        if self.frequency.unit == "business":
            return np.busday_count("1970-01-01", _days(stamps)).astype(np.int64)
        return (_calendar(stamps)[0] - self.phase) // self.frequency.step

    def stamps(self, positions: Ints) -> Ints:
        """Return the stamp of each grid point."""
        if self.frequency.unit == "seconds":
            return positions * self.frequency.step + self.phase
        if self.frequency.unit == "business":
            days = np.busday_offset("1970-01-01", positions, roll="forward")
        else:
            days = self._month_days(positions * self.frequency.step + self.phase)
        return days.astype("datetime64[s]").astype(np.int64) + self.second

    def _month_days(self, months: Ints) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
        first = months.astype("datetime64[M]").astype("datetime64[D]")
        length = ((months + 1).astype("datetime64[M]").astype("datetime64[D]") - first).astype(np.int64)
        day = length - 1 if self.day < 0 else np.minimum(self.day, length - 1)
        return first + day.astype("timedelta64[D]")

    def check(self, stamps: Ints, *, where: str) -> Ints:
        """Return how far each stamp lies from its grid point, in seconds.

        Raises:
            DataError: some lie too far off to be moved.
        """
        off = stamps - self.stamps(self.positions(stamps))
        bad = self._too_far(stamps, off)
        if bad.any():
            first = iso(int(stamps[bad][0]))
            raise DataError(
                f"{where}: {int(bad.sum())} of {stamps.size} stamps do not lie on a grid of {self.frequency.name} "
                f"(first: {first}); resample the data, or name another frequency: data: {{freq: ...}}"
            )
        return off

    def _too_far(self, stamps: Ints, off: Ints) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        if self.frequency.unit == "seconds":
            return np.abs(off) > self.frequency.step // 4
        if self.frequency.unit == "business":
            return np.abs(off) >= DAY
        return (_calendar(stamps)[0] - self.phase) % self.frequency.step != 0


def _usual(values: Ints) -> int:
    found, counts = np.unique(values, return_counts=True)
    return int(found[counts.argmax()])


def _days(stamps: Ints) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
    return stamps.astype("datetime64[s]").astype("datetime64[D]")


def _calendar(stamps: Ints) -> tuple[Ints, Ints, Ints]:
    """Return months since 1970-01, day of the month from 0, and days left in the month."""
    days = _days(stamps)
    month = days.astype("datetime64[M]")
    day = (days - month.astype("datetime64[D]")).astype(np.int64)
    left = ((month + 1).astype("datetime64[D]") - days).astype(np.int64) - 1
    return month.astype(np.int64), day, left


def main_season(target: Floats, seasons: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    """Return the season whose naive forecast errs least on these rows, and all that fit into them with room to spare."""
    fitting = tuple(s for s in seasons if 1 < 1.5 * s <= target.shape[0])
    if not fitting:
        return 1, (1,)
    errors = [_naive_error(target, s) for s in fitting]
    return fitting[int(np.argmin(errors))], fitting


def _naive_error(target: Floats, season: int) -> float:
    """Mean over items of the scaled mean absolute change over one season; inf when nothing is comparable."""
    change = np.abs(target[season:] - target[:-season])
    seen = np.isfinite(change)
    if not seen.any():
        return float("inf")
    spread = np.nanstd(target[:, seen.any(axis=0)], axis=0) + 1e-12
    mean = np.where(seen, change, 0.0).sum(axis=0)[seen.any(axis=0)] / seen.sum(axis=0)[seen.any(axis=0)]
    return float(np.mean(mean / spread))
