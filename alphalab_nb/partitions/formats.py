"""Readers: CSV, Parquet, GluonTS JSON lines, Monash .tsf and the built-in demo, each into the blocks `repair` understands.

A reader finds columns, stamps and numbers; sorting, duplicates and gaps are not its business.
"""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from alphalab_nb.config import nearest
from alphalab_nb.errors import DataError
from alphalab_nb.partitions import text
from alphalab_nb.partitions.base import CovariateSpec, Floats, Ints, Panel, SeriesSpec
from alphalab_nb.partitions.frequency import KNOWN, Frequency, Grid
from alphalab_nb.partitions.repair import Block, Found, Raw, Table, regularize

BUILTIN = "statsmodels:co2"
NOMINAL_START = "2000-01-01"
"""First stamp of data that has none."""
_STAMP_NAMES = (
    "timestamp",
    "datetime",
    "date",
    "time",
    "ds",
    "date_time",
    "stamp",
    "day",
    "week",
    "month",
    "year",
    "index",
)
_CSV = (".csv", ".tsv", ".txt")
_SUPPORTED = ".csv .tsv .txt .parquet .json .jsonl .tsf (all but .parquet also with .gz), or statsmodels:co2"


def load_series(spec: SeriesSpec, base: Path) -> Panel:
    """Read what a spec names; relative paths count from `base`.

    Raises:
        DataError: missing, unreadable or unusable data; the message names the remedy.
    """
    if spec.path.startswith("statsmodels:"):
        return regularize(_builtin(spec))
    path = find(spec.path, base)
    return regularize(_reader(path)(path, spec, base))


def find(path: str, base: Path) -> Path:
    """Return an existing data file.

    Raises:
        DataError: there is none.
    """
    full = (base / Path(path).expanduser()).resolve()
    if full.is_dir():
        raise DataError(f"{full} is a folder; give one file: {_SUPPORTED}")
    if not full.is_file():
        beside = sorted(p.name for p in full.parent.iterdir()) if full.parent.is_dir() else []
        hint = nearest(full.name, beside) if beside else "; its folder does not exist either"
        raise DataError(f"there is no data file at {full}{hint if len(hint) < 200 else '; check data.path'}")
    return full


def extension(path: Path) -> str:
    """Return the extension without a trailing .gz, in lower case."""
    name = path.name.lower().removesuffix(".gz")
    return Path(name).suffix


def _reader(path: Path) -> Callable[[Path, SeriesSpec, Path], Raw]:
    readers = {
        ".parquet": _table_file,
        ".json": _gluonts,
        ".jsonl": _gluonts,
        ".tsf": _tsf,
        **dict.fromkeys(_CSV, _table_file),
    }
    if extension(path) not in readers:
        raise DataError(f"{path.name}: files of this kind cannot be read; convert to one of {_SUPPORTED}")
    return readers[extension(path)]


def _content(path: Path) -> str:
    """Return the text of a file, gunzipped if need be."""
    try:
        raw = path.read_bytes()
        plain = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (OSError, EOFError) as error:
        raise DataError(f"{path.name} cannot be read ({error}); check that the file is complete and readable") from error
    try:
        return plain.decode("utf-8-sig")
    except UnicodeDecodeError:
        return plain.decode("latin-1")


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
    content = _content(path)
    if not content.strip():
        raise DataError(f"{path.name} is empty; give a file with a header and data")
    first = content.lstrip("\n").split("\n", 1)[0]
    separator = max(",;\t|", key=first.count) if any(c in first for c in ",;\t|") else ","
    has_header = _has_header(first, separator) if header is None else header
    try:
        return pd.read_csv(
            io.StringIO(content),
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
    stamps = _counted(start, spec.freq or "D", order.to_numpy(dtype=np.int64), where)
    return frame, stamps, (_nominal(start, spec.freq or "D", given=spec.start is not None),)


def _counted(start: str, freq: str, order: Ints, where: str) -> Ints:
    first = np.array([_stamp(start, where)], dtype=np.int64)
    grid = Grid.through(first, Frequency.parse(freq))
    return grid.stamps(grid.positions(first)[0] + order)


def _stamp(start: str, where: str) -> int:
    try:
        return text.stamp(start)
    except ValueError as error:
        raise DataError(f"{where}: '{start}' is no time stamp; write it as 2015-01-31 00:00:00") from error


def _nominal(start: str, freq: str, *, given: bool) -> Found:
    chosen = "data.start" if given else "a nominal date"
    return Found("no_timestamps", f"no time column; rows were counted in steps of {freq} from {start} ({chosen})")


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


def _gluonts(path: Path, spec: SeriesSpec, base: Path) -> Raw:
    _refuse_covariate_files(path, spec)
    entries = _entries(path)
    freq = spec.freq or _metadata_freq(path) or next((str(e["freq"]) for _, e in entries if e.get("freq")), None)
    if freq is None:
        raise DataError(f"{path.name} names no frequency; add it: data: {{freq: h}} (one of {KNOWN})")
    blocks = tuple(_gluonts_block(e, line, index, freq, path.name) for index, (line, e) in enumerate(entries))
    widths = {b.covariates.shape[1] for b in blocks}
    if len(widths) > 1:
        raise DataError(f"{path.name}: series have different numbers of feat_dynamic_real; give each the same features")
    names = tuple(f"feat_dynamic_real_{i}" for i in range(widths.pop()))
    return Raw(blocks, path.name, freq, names, (True,) * len(names), one_calendar=False)


def _refuse_covariate_files(path: Path, spec: SeriesSpec) -> None:
    if spec.covariates:
        raise DataError(f"{path.name}: data.covariates works with CSV and Parquet files only; leave it out or convert the file")


def _entries(path: Path) -> list[tuple[int, dict[str, object]]]:
    entries: list[tuple[int, dict[str, object]]] = []
    for number, line in enumerate(_content(path).splitlines(), 1):
        if line.strip():
            entries.append((number, _entry(line, f"{path.name}, line {number}")))
    if not entries:
        raise DataError(f"{path.name} is empty; each line must be an object with start and target")
    return entries


def _entry(line: str, where: str) -> dict[str, object]:
    try:
        entry = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(f"{where} is no JSON ({error}); GluonTS wants one object per line") from error
    if not isinstance(entry, dict):
        raise DataError(f'{where} must be an object: {{"start": ..., "target": [...]}}')
    fields = cast("dict[str, object]", entry)
    for key in ("start", "target"):
        if key not in fields:
            raise DataError(f"{where} has no '{key}'{nearest(key, list(fields))}")
    return fields


def _metadata_freq(path: Path) -> str | None:
    """GluonTS keeps the frequency in metadata.json beside or above train/data.json."""
    for folder in (path.parent, path.parent.parent):
        file = folder / "metadata.json"
        if file.is_file():
            try:
                about = json.loads(file.read_text(encoding="utf-8"))
            except (json.JSONDecodeError, UnicodeDecodeError) as error:
                raise DataError(f"{file} is no JSON ({error}); mend it or name data.freq") from error
            if isinstance(about, dict):
                return cast("dict[str, str | None]", about).get("freq")
    return None


def _gluonts_block(entry: dict[str, object], line: int, index: int, freq: str, name: str) -> Block:
    where = f"{name}, line {line}"
    target = _floats(entry["target"], where, "target")
    features = entry.get("feat_dynamic_real")
    extra = _floats(features, where, "feat_dynamic_real") if features else np.empty((0, target.shape[1]))
    if extra.shape[1] < target.shape[1]:
        raise DataError(f"{where}: feat_dynamic_real is shorter than target; give a value for every row")
    rows = target.shape[1]
    item = str(entry.get("item_id", f"T{index + 1}"))
    names = (item,) if target.shape[0] == 1 else tuple(f"{item}/{k}" for k in range(target.shape[0]))
    if not isinstance(entry["start"], str):
        raise DataError(f"{where}: start must be text like 2015-01-01 00:00:00, not {entry['start']!r}")
    stamps = _counted(entry["start"], freq, np.arange(rows), where)
    return Block(names, stamps, target.T, extra[:, :rows].T)


def _floats(value: object, where: str, key: str) -> Floats:
    """Return [series, rows]; null and "NaN" are missing."""
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{where}: {key} must be a list of numbers ({error})") from error
    if array.ndim not in (1, 2) or not array.size:
        raise DataError(f"{where}: {key} must be a list of numbers and not empty")
    array = np.where(np.isinf(array), np.nan, array)
    return array[None, :] if array.ndim == 1 else array


def _tsf(path: Path, spec: SeriesSpec, base: Path) -> Raw:
    _refuse_covariate_files(path, spec)
    header, data, first = _tsf_parts(path)
    attributes = [h[1].lower() for h in header if h[0] == "@attribute"]
    freq = spec.freq or next((h[1] for h in header if h[0] == "@frequency"), None)
    if freq is None:
        raise DataError(f"{path.name} has no @frequency; add it: data: {{freq: MS}} (one of {KNOWN})")
    rows = [(number, line) for number, line in enumerate(data, first) if line.strip()]
    if not rows:
        raise DataError(f"{path.name} has no series after @data; the file is cut off, get it again")
    blocks = tuple(_tsf_block(line, attributes, freq, spec, f"{path.name}, line {number}") for number, line in rows)
    timed = "start_timestamp" in attributes
    found = () if timed else (_nominal(spec.start or NOMINAL_START, freq, given=spec.start is not None),)
    return Raw(blocks, path.name, freq, one_calendar=False, found=found)


def _tsf_parts(path: Path) -> tuple[list[list[str]], list[str], int]:
    """Return the header's words, the lines after @data and the number of the first of them."""
    lines = _content(path).splitlines()
    at = next((i for i, line in enumerate(lines) if line.strip().lower() == "@data"), None)
    if at is None:
        raise DataError(f"{path.name} has no line @data; this is no complete .tsf file, get it again")
    header = [line.split() for line in lines[:at] if line.startswith("@")]
    short = next((h for h in header if len(h) < (3 if h[0] == "@attribute" else 2)), None)
    if short:
        raise DataError(f"{path.name}: header line '{' '.join(short)}' is incomplete; mend it")
    return [[h[0].lower(), *h[1:]] for h in header], lines[at + 1 :], at + 2


def _tsf_block(line: str, attributes: list[str], freq: str, spec: SeriesSpec, where: str) -> Block:
    parts = line.strip().split(":")
    if len(parts) != len(attributes) + 1:
        raise DataError(f"{where}: {len(parts) - 1} attributes instead of {len(attributes)} ({', '.join(attributes)}); mend it")
    given = dict(zip(attributes, parts, strict=False))
    values = _tsf_values(parts[-1], where)
    start = given.get("start_timestamp") or spec.start or NOMINAL_START
    stamps = _counted(start, freq, np.arange(values.size), where)
    name = given.get("series_name") or where.rsplit(" ", 1)[-1]
    return Block((name,), stamps, values[:, None], np.empty((values.size, 0)))


def _tsf_values(cells: str, where: str) -> Floats:
    try:
        return np.array([np.nan if cell.strip() == "?" else float(cell) for cell in cells.split(",")])
    except ValueError as error:
        raise DataError(f"{where}: {error}; a value must be a number or ? for missing") from error
