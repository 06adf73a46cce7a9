"""Cells of a table as numbers and as time stamps, with what had to be mended on the way."""

from __future__ import annotations

import re
import warnings
from functools import lru_cache
from typing import cast

import numpy as np
import pandas as pd

from alphalab_nb.errors import DataError
from alphalab_nb.partitions.base import Floats, Ints
from alphalab_nb.partitions.repair import Found

MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "none", "null", "-", "--", "?", ".", "missing"})
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")
_ZONE = re.compile(r":\d\d(?:\.\d+)?\s*(?:Z|UTC|[+-]\d\d:?\d\d)$")
BAD_STAMPS = 0.01
"""A larger share of unreadable time stamps is an error, a smaller one a repair."""


def numbers(column: pd.Series, stamps: Ints, item: str | None, where: str) -> tuple[Floats, tuple[Found, ...]]:
    """Return a column as floats; text is parsed, what cannot be parsed becomes NaN and is listed.

    Raises:
        DataError: less than half of the filled cells are numbers.
    """
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column):
        values = np.asarray(column.to_numpy(dtype=float, na_value=np.nan), dtype=np.float64)
        return _finite(values, stamps, item)
    text = [str(cell).strip() if pd.notna(cell) else "" for cell in column]
    commas = _decimal_commas(text)
    values = np.array([_number(cell, commas) for cell in text])
    _refuse_text(str(column.name), text, values, where)
    finite, infinite = _finite(values, stamps, item)
    return finite, (*_separators(text, values, stamps, item), *_unread(text, values, stamps, item), *infinite)


def is_numeric(column: pd.Series) -> bool:
    """Say whether a column holds numbers, if need be written as text."""
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return True
    if pd.api.types.is_datetime64_any_dtype(column):
        return False
    text = [str(cell).strip() for cell in column.dropna()]
    filled = [cell for cell in text if cell.lower() not in MISSING]
    commas = _decimal_commas(text)
    return bool(filled) and sum(not np.isnan(_number(c, commas)) for c in filled) >= 0.5 * len(filled)


def _decimal_commas(text: list[str]) -> bool:
    """Say whether commas are decimal points: some numbers can be nothing else, none holds a point."""
    with_comma = [cell for cell in text if "," in cell]
    return any(_DECIMAL_COMMA.fullmatch(c) and not _THOUSANDS.fullmatch(c) for c in with_comma) and not any(
        "." in c for c in text if c.lower() not in MISSING
    )


def _number(cell: str, decimal_comma: bool) -> float:
    if decimal_comma:
        cell = cell.replace(",", ".")
    elif _THOUSANDS.fullmatch(cell):
        cell = cell.replace(",", "")
    try:
        return float(cell) if "_" not in cell else np.nan
    except ValueError:
        return np.nan


def _refuse_text(name: str, text: list[str], values: Floats, where: str) -> None:
    filled = [i for i, cell in enumerate(text) if cell.lower() not in MISSING]
    bad = [i for i in filled if np.isnan(values[i])]
    if len(bad) > 0.5 * len(filled):
        raise DataError(
            f"{where}: column '{name}' holds text, not numbers (row {bad[0]}: '{text[bad[0]][:30]}'); "
            "name numeric columns: data: {target: [...]}"
        )


def _separators(text: list[str], values: Floats, stamps: Ints, item: str | None) -> list[Found]:
    rows = [i for i, cell in enumerate(text) if "," in cell and not np.isnan(values[i])]
    if not rows:
        return []
    detail = f"{len(rows)} numbers written with a comma were parsed (first: '{text[rows[0]]}' = {values[rows[0]]:g})"
    return [Found("type", detail, int(stamps[rows[0]]), item, len(rows))]


def _unread(text: list[str], values: Floats, stamps: Ints, item: str | None) -> list[Found]:
    """List cells that are filled but no number; a run of the same text is one entry."""
    found: list[Found] = []
    for row in np.flatnonzero(np.isnan(values)):
        if not text[row]:
            continue
        if found and row and text[row - 1] == text[row] and np.isnan(values[row - 1]):
            last = found[-1]
            found[-1] = Found("type", last.detail, last.stamp, item, last.rows + 1)
        else:
            found.append(Found("type", f"'{text[row][:30]}' is no number; taken as missing", int(stamps[row]), item))
    return found


def _finite(values: Floats, stamps: Ints, item: str | None) -> tuple[Floats, tuple[Found, ...]]:
    rows = np.flatnonzero(np.isinf(values))
    if not rows.size:
        return values, ()
    detail = f"{rows.size} infinite values were taken as missing"
    return np.where(np.isinf(values), np.nan, values), (Found("type", detail, int(stamps[rows[0]]), item, rows.size),)


def stamps(column: pd.Series, where: str) -> tuple[Ints, np.ndarray[tuple[int], np.dtype[np.bool_]], tuple[Found, ...]]:
    """Return unix seconds, which rows have a readable stamp, and the findings.

    Raises:
        DataError: the column holds no time stamps, too many bad ones, or steps below a second.
    """
    if pd.api.types.is_numeric_dtype(column):
        parsed, zoned = _from_numbers(column, where), False
    else:
        parsed, zoned = _from_text(column)
    good = np.asarray(parsed.notna())
    found = [*_zone(zoned), *_bad(column, good, where)]
    # pandas 3 keeps the unit of the source; nanoseconds serve all years 1678-2262, microseconds all
    micro = parsed[good].to_numpy().astype("datetime64[us]").astype(np.int64)
    _refuse_fractions(micro, where)
    return np.asarray(micro // 1_000_000, dtype=np.int64), good, tuple(found)


def _zone(zoned: bool) -> list[Found]:
    return [Found("timezone", "stamps carried a time zone; turned into UTC without a zone")] if zoned else []


def _bad(column: pd.Series, good: np.ndarray[tuple[int], np.dtype[np.bool_]], where: str) -> list[Found]:
    rows = np.flatnonzero(~good)
    if rows.size > BAD_STAMPS * good.size:
        raise DataError(
            f"{where}: column '{column.name}' holds no time stamps (row {rows[0]}: '{column.iloc[rows[0]]}'); "
            "name the time column: data: {timestamp: ...}"
        )
    detail = "row {} left out: '{}' is no time stamp"
    return [Found("bad_stamp", detail.format(row, column.iloc[row])) for row in rows]


def _refuse_fractions(micro: Ints, where: str) -> None:
    if micro.size and (micro % 1_000_000 != 0).mean() > 0.5:
        raise DataError(f"{where}: stamps are finer than a second; resample the data to whole seconds")


def _from_numbers(column: pd.Series, where: str) -> pd.Series:
    """Read years, yyyymmdd, unix seconds or milliseconds."""
    whole = column.dropna()
    low, high = (float(whole.min()), float(whole.max())) if len(whole) else (0.0, 0.0)
    if low >= 1500 and high <= 2500:
        return _read(column.map(lambda year: f"{int(year):04d}-01-01", na_action="ignore"))
    if low >= 15000101 and high <= 25001231:
        return pd.to_datetime(column.map(lambda day: str(int(day)), na_action="ignore"), format="%Y%m%d", errors="coerce")
    for unit, scale in (("s", 1), ("ms", 1_000)):
        if 1e8 * scale <= low and high <= 5e9 * scale:
            return pd.to_datetime(column, unit=unit, errors="coerce")
    raise DataError(f"{where}: column '{column.name}' holds numbers that are no time stamps; name the time column")


def _from_text(column: pd.Series) -> tuple[pd.Series, bool]:
    if pd.api.types.is_datetime64_any_dtype(column):
        zoned = getattr(column.dtype, "tz", None) is not None
        return (column.dt.tz_convert("UTC").dt.tz_localize(None) if zoned else column), zoned
    text = column.astype("string").str.strip()
    zoned = bool(text.dropna().head(1000).str.contains(_ZONE.pattern, regex=True).any())
    parsed = _read(_colons(text))
    if parsed.notna().mean() < 1 - BAD_STAMPS:
        parsed = max([parsed, *_shaped(text)], key=_regularity)
    if parsed.notna().mean() < 1 - BAD_STAMPS:
        parsed = max([parsed, *(_guessed(text, flag) for flag in (False, True))], key=_regularity)
    return parsed, zoned


def _colons(text: pd.Series) -> pd.Series:
    """Turn the Monash form 2015-01-01 00-00-00 into ISO."""
    return text.str.replace(r"^(\d{4}-\d\d-\d\d)[ T](\d\d)-(\d\d)-(\d\d)$", r"\1 \2:\3:\4", regex=True)


def _read(text: pd.Series) -> pd.Series:
    return pd.to_datetime(text, errors="coerce", utc=True, format="ISO8601").dt.tz_localize(None)


def _shaped(text: pd.Series) -> list[pd.Series]:
    """Read dates like 31/1/2015 13:00 or 31.01.2015 in both orders of day and month, with one format for all cells."""
    example = next((cell for cell in text.dropna() if cell), "")
    shape = re.match(r"\d+([/.-])\d+[/.-](\d+)(?:([ T])\d+(:\d+)?(:\d+)?(\s*[AaPp][Mm])?)?$", example)
    if not shape:
        return []
    mark, year, space, minutes, seconds, half = shape.groups()
    clock = f"{space}{'%I' if half else '%H'}{':%M' if minutes else ''}{':%S' if seconds else ''}{' %p' if half else ''}" if space else ""
    orders = ("mdY", "dmY", "Ymd") if len(year) == 4 or example.find(mark) == 4 else ("mdy", "dmy")
    formats = [mark.join(f"%{part}" for part in order) + clock for order in orders]
    return [pd.to_datetime(text, errors="coerce", format=f) for f in formats]


def _guessed(text: pd.Series, day_first: bool) -> pd.Series:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas warns that it may be slow or that day and month disagree
        return pd.to_datetime(text, errors="coerce", utc=True, dayfirst=day_first, format="mixed").dt.tz_localize(None)


def _regularity(parsed: pd.Series) -> tuple[float, float]:
    """Rank readings of ambiguous dates: most cells read, then most frequent single step."""
    steps = parsed.dropna().diff().dropna()
    usual = float(steps.value_counts(normalize=True).iloc[0]) if len(steps) else 0.0
    return float(parsed.notna().mean()), usual


@lru_cache(maxsize=4096)  # the series of a panel mostly begin together
def stamp(text: str) -> int:
    """Return one stamp in unix seconds (a zone is turned into UTC).

    Raises:
        ValueError: no time stamp.
    """
    parsed, _ = _from_text(pd.Series([text], dtype="string"))
    if parsed.isna().iloc[0]:
        raise ValueError(text)
    return int(cast("np.datetime64", parsed.to_numpy()[0]).astype("datetime64[s]").astype(np.int64))


def looks_like_stamps(column: pd.Series) -> bool:
    """Say whether most cells of a text column can be read as dates."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return True
    if pd.api.types.is_numeric_dtype(column):
        return False
    head = column.dropna().astype("string").head(50)
    if not len(head) or not head.str.contains(r"\d").all():
        return False
    parsed, _ = _from_text(head)
    return bool(parsed.notna().mean() > 0.9)
