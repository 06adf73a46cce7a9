"""Readers of files that hold whole series, one per line: GluonTS JSON lines and Monash .tsf."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import numpy as np

from alphalab_nb.config import nearest
from alphalab_nb.errors import DataError
from alphalab_nb.partitions.base import Floats, SeriesSpec
from alphalab_nb.partitions.files import NOMINAL_START, content, counted, nominal
from alphalab_nb.partitions.frequency import KNOWN
from alphalab_nb.partitions.repair import Block, Raw


def gluonts(path: Path, spec: SeriesSpec, base: Path) -> Raw:
    """Read {"start": ..., "target": [...]} lines; the frequency comes from the spec, metadata.json or the line."""
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
    for number, line in enumerate(content(path).splitlines(), 1):
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
    stamps = counted(entry["start"], freq, np.arange(rows), where)
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


def tsf(path: Path, spec: SeriesSpec, base: Path) -> Raw:
    """Read the Monash format: @-header, then `name:start:values` lines."""
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
    found = () if timed else (nominal(spec.start or NOMINAL_START, freq, given=spec.start is not None),)
    return Raw(blocks, path.name, freq, one_calendar=False, found=found)


def _tsf_parts(path: Path) -> tuple[list[list[str]], list[str], int]:
    """Return the header's words, the lines after @data and the number of the first of them."""
    lines = content(path).splitlines()
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
    stamps = counted(start, freq, np.arange(values.size), where)
    name = given.get("series_name") or where.rsplit(" ", 1)[-1]
    return Block((name,), stamps, values[:, None], np.empty((values.size, 0)))


def _tsf_values(cells: str, where: str) -> Floats:
    try:
        return np.array([np.nan if cell.strip() == "?" else float(cell) for cell in cells.split(",")])
    except ValueError as error:
        raise DataError(f"{where}: {error}; a value must be a number or ? for missing") from error
