"""Readers: CSV, Parquet, GluonTS JSON lines, Monash .tsf and the built-in demo, each into the blocks `repair` understands.

A reader finds columns, stamps and numbers; sorting, duplicates and gaps are not its business.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from alphalab_nb.config import nearest
from alphalab_nb.errors import DataError
from alphalab_nb.partitions import text
from alphalab_nb.partitions.archives import gluonts, tsf
from alphalab_nb.partitions.base import CovariateSpec, Floats, Ints, Panel, SeriesSpec
from alphalab_nb.partitions.files import NOMINAL_START, SUPPORTED, content, counted, extension, find, nominal
from alphalab_nb.partitions.frequency import KNOWN
from alphalab_nb.partitions.repair import Block, Found, Raw, Table, regularize

BUILTIN = "statsmodels:co2"
_STAMP_NAMES = ("timestamp", "datetime", "date", "time", "ds", "date_time", "stamp", "day", "week", "month", "year", "index")
_CSV = (".csv", ".tsv", ".txt")


def load_series(spec: SeriesSpec, base: Path) -> Panel:
    """Read what a spec names; relative paths count from `base`.

    Raises:
        DataError: missing, unreadable or unusable data; the message names the remedy.
    """
    if spec.path.startswith("statsmodels:"):
        return regularize(_builtin(spec))
    path = find(spec.path, base)
    return regularize(_reader(path)(path, spec, base))


def _reader(path: Path) -> Callable[[Path, SeriesSpec, Path], Raw]:
    readers = {
        ".parquet": _table_file,
        ".json": gluonts,
        ".jsonl": gluonts,
        ".tsf": tsf,
        **dict.fromkeys(_CSV, _table_file),
    }
    if extension(path) not in readers:
        raise DataError(f"{path.name}: files of this kind cannot be read; convert to one of {SUPPORTED}")
    return readers[extension(path)]


def _builtin(spec: SeriesSpec) -> Raw:
    if spec.path != BUILTIN:
        raise DataError(f"there is no built-in data set '{spec.path}'; the one there is: {BUILTIN}")
    from statsmodels.datasets import co2

    frame = cast("pd.DataFrame", co2.load_pandas().data)
    stamps = frame.index.to_numpy().astype("datetime64[s]").astype(np.int64)
    values = frame[["co2"]].to_numpy(dtype=np.float64)
    return Raw((Block(("co2",), stamps, values, np.empty((len(frame), 0))),), BUILTIN, spec.freq)


def _table_file(path: Path, spec: SeriesSpec, base: Path) -> Raw:
    frame = _frame(path, spec.header)
    raw = _from_frame(frame, spec, path.name)
    extra = [table for cov in spec.covariates if cov.path for table in _second_file(cov, cov.path, spec, base)]
    return Raw(raw.blocks, raw.where, raw.freq, raw.covariate_names, raw.known, found=raw.found, tables=tuple(extra))


def _frame(path: Path, header: bool | None) -> pd.DataFrame:
    frame = _parquet(path) if extension(path) == ".parquet" else _csv(path, header)
    if not len(frame) or not len(frame.columns):
        raise DataError(f"{path.name} holds no rows; give a file with a header and data")
    frame.columns = [str(name).strip() for name in frame.columns]
    again = sorted(set(frame.columns[frame.columns.duplicated()]))
    if again:
        raise DataError(f"{path.name}: column '{again[0]}' occurs twice; rename one of them")
    return frame


def _parquet(path: Path) -> pd.DataFrame:
    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:  # pyarrow's errors are ValueErrors or OSErrors
        raise DataError(f"{path.name} is no readable Parquet file ({error}); write it again") from error
    named = frame.index.name is not None or not isinstance(frame.index, pd.RangeIndex)
    return frame.reset_index() if named else frame


def _csv(path: Path, header: bool | None) -> pd.DataFrame:
    written = content(path)
    if not written.strip():
        raise DataError(f"{path.name} is empty; give a file with a header and data")
    first = written.lstrip("\n").split("\n", 1)[0]
    separator = max(",;\t|", key=first.count) if any(c in first for c in ",;\t|") else ","
    has_header = _has_header(first, separator) if header is None else header
    try:
        return pd.read_csv(
            io.StringIO(written),
            sep=separator,
            header=0 if has_header else None,
            keep_default_na=False,
            na_values=[""],
            skipinitialspace=True,
            low_memory=False,
            index_col=False,
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        raise DataError(f"{path.name} is no regular table ({str(error).strip()}); mend that line") from error


def _has_header(line: str, separator: str) -> bool:
    cells = [cell.strip().strip('"') for cell in line.split(separator)]
    return not all(_is_value(cell) for cell in cells)


def _is_value(cell: str) -> bool:
    return text.is_numeric(pd.Series([cell])) or cell.lower() in text.MISSING or text.looks_like_stamps(pd.Series([cell]))


def _cells(frame: pd.DataFrame, column: str) -> pd.Series:
    return cast("pd.Series", frame[column])  # names are unique, so this is never a frame


def _column(frame: pd.DataFrame, name: str, key: str, where: str) -> str:
    if name not in frame.columns:
        raise DataError(f"{where} has no column '{name}' (data.{key}){_nearest_column(name, frame)}")
    return name


def _nearest_column(name: str, frame: pd.DataFrame) -> str:
    columns = [str(c) for c in frame.columns]
    hint = nearest(name, columns)
    return (hint if hint.startswith(" -") else "") + f"; its columns: {', '.join(columns[:30])}"


def _from_frame(frame: pd.DataFrame, spec: SeriesSpec, where: str) -> Raw:
    stamp_column = _stamp_column(frame, spec.timestamp, spec, where)
    item_column = _column(frame, spec.item_id, "item_id", where) if spec.item_id else None
    own = [c for c in spec.covariates if c.path is None]
    covariates = [_column(frame, name, "covariates", where) for c in own for name in c.columns]
    taken = {stamp_column, item_column, *covariates}
    targets = _targets(frame, spec, taken, where)
    frame, stamps, found = _stamped(frame, stamp_column, item_column, spec, where)
    groups = _groups(frame, item_column)
    blocks = tuple(_block(frame.iloc[rows], stamps[rows], name, targets, covariates, where) for name, rows in groups)
    known = tuple(c.known for c in own for _ in c.columns)
    return Raw(blocks, where, spec.freq, tuple(covariates), known, found=found)


def _stamp_column(frame: pd.DataFrame, named: str | None, spec: SeriesSpec, where: str) -> str | None:
    """Return the time column: the named one, else one called so, else the first that reads as dates."""
    if named:
        return _column(frame, named, "timestamp", where)
    free = [c for c in frame.columns if c != spec.item_id and c not in (spec.target or ())]
    for column in sorted((c for c in free if c.lower() in _STAMP_NAMES), key=lambda c: _STAMP_NAMES.index(c.lower())):
        return column
    for column in free[:3]:
        if text.looks_like_stamps(_cells(frame, column)):
            return column
    if spec.freq:
        return None
    raise DataError(
        f"{where} has no time column; its columns: {', '.join(frame.columns[:30])}; name it: data: {{timestamp: ...}}, "
        f"or, if there is none, the step: data: {{freq: D}} (one of {KNOWN})"
    )


def _targets(frame: pd.DataFrame, spec: SeriesSpec, taken: set[str | None], where: str) -> list[str]:
    if spec.target:
        return [_column(frame, name, "target", where) for name in spec.target]
    free = [c for c in frame.columns if c not in taken]
    wordy = [c for c in free if not text.is_numeric(_cells(frame, c)) and _cells(frame, c).notna().any()]
    if wordy:
        rest = [c for c in free if c not in wordy]
        raise DataError(
            f"{where}: column '{wordy[0]}' holds text, not numbers; name the columns to forecast: "
            f"data: {{target: [{', '.join(rest[:8]) or '...'}]}}"
        )
    if not free:
        raise DataError(f"{where} has no column left to forecast; name it: data: {{target: ...}}")
    return free


def _stamped(
    frame: pd.DataFrame, stamp_column: str | None, item_column: str | None, spec: SeriesSpec, where: str
) -> tuple[pd.DataFrame, Ints, tuple[Found, ...]]:
    """Return the rows that have a stamp, their stamps, and the findings."""
    if stamp_column is not None:
        stamps, good, found = text.stamps(_cells(frame, stamp_column), where)
        return frame.loc[good], stamps, found
    order = frame.groupby(item_column).cumcount() if item_column else pd.Series(range(len(frame)))
    start = spec.start or NOMINAL_START
    stamps = counted(start, spec.freq or "D", order.to_numpy(dtype=np.int64), where)
    return frame, stamps, (nominal(start, spec.freq or "D", given=spec.start is not None),)


def _groups(frame: pd.DataFrame, item_column: str | None) -> list[tuple[str | None, Ints]]:
    if item_column is None:
        return [(None, np.arange(len(frame)))]
    codes, names = pd.factorize(_cells(frame, item_column))
    rows = np.argsort(codes, kind="stable")
    cut = np.searchsorted(codes[rows], np.arange(len(names) + 1))  # rows without an item (code -1) stay out
    return [(str(name), rows[cut[i] : cut[i + 1]]) for i, name in enumerate(names)]


def _block(frame: pd.DataFrame, stamps: Ints, item: str | None, targets: list[str], covariates: list[str], where: str) -> Block:
    names = tuple(_item_name(item, column, targets) for column in targets)
    label = where if item is None else f"{where}, series '{item}'"
    values, found = _numbers(frame, targets, stamps, names, label)
    extra, more = _numbers(frame, covariates, stamps, tuple(covariates), label)
    return Block(names, stamps, values, extra, found + more)


def _item_name(item: str | None, column: str, targets: list[str]) -> str:
    if item is None:
        return column
    return item if len(targets) == 1 else f"{item}/{column}"


def _numbers(frame: pd.DataFrame, columns: list[str], stamps: Ints, names: tuple[str, ...], where: str) -> tuple[Floats, tuple[Found, ...]]:
    values, found = np.empty((len(frame), len(columns))), list[Found]()
    for i, (column, name) in enumerate(zip(columns, names, strict=True)):
        values[:, i], mended = text.numbers(_cells(frame, column), stamps, name, where)
        found += mended
    return values, tuple(found)


def _second_file(cov: CovariateSpec, name: str, spec: SeriesSpec, base: Path) -> list[Table]:
    """Read covariates that are merged on the time stamp."""
    path = find(name, base)
    if extension(path) not in (*_CSV, ".parquet"):
        raise DataError(f"{path.name}: covariates come from a CSV or Parquet file; convert it")
    frame = _frame(path, None)
    stamp_column = _stamp_column(frame, cov.timestamp, SeriesSpec(name), path.name)
    columns = [_column(frame, c, "covariates", path.name) for c in cov.columns]
    columns = columns or [c for c in frame.columns if c != stamp_column and text.is_numeric(_cells(frame, c))]
    if not columns:
        raise DataError(f"{path.name} has no numeric column; name them: data: {{covariates: [{{path, columns: [...]}}]}}")
    stamps, good, found = text.stamps(_cells(frame, str(stamp_column)), path.name)
    values, mended = _numbers(frame.loc[good], columns, stamps, tuple(columns), path.name)
    return [Table(tuple(columns), cov.known, stamps, values, found=(*found, *mended))]
