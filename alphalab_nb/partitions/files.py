"""Finding and reading data files, and stamps for rows that have none."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np

from alphalab_nb.config import nearest
from alphalab_nb.errors import DataError
from alphalab_nb.partitions import text
from alphalab_nb.partitions.base import Ints
from alphalab_nb.partitions.frequency import Frequency, Grid
from alphalab_nb.partitions.repair import Found

NOMINAL_START = "2000-01-01"
"""First stamp of data that has none."""
SUPPORTED = ".csv .tsv .txt .parquet .json .jsonl .tsf (all but .parquet also with .gz), or statsmodels:co2"


def find(path: str, base: Path) -> Path:
    """Return an existing data file.

    Raises:
        DataError: there is none.
    """
    full = (base / Path(path).expanduser()).resolve()
    if full.is_dir():
        raise DataError(f"{full} is a folder; give one file: {SUPPORTED}")
    if not full.is_file():
        beside = sorted(p.name for p in full.parent.iterdir()) if full.parent.is_dir() else []
        hint = nearest(full.name, beside) if beside else "; its folder does not exist either"
        raise DataError(f"there is no data file at {full}{hint if len(hint) < 200 else '; check data.path'}")
    return full


def extension(path: Path) -> str:
    """Return the extension without a trailing .gz, in lower case."""
    name = path.name.lower().removesuffix(".gz")
    return Path(name).suffix


def content(path: Path) -> str:
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


def counted(start: str, freq: str, order: Ints, where: str) -> Ints:
    """Return the stamps of rows that are numbered, not stamped."""
    first = np.array([_stamp(start, where)], dtype=np.int64)
    grid = Grid.through(first, Frequency.parse(freq))
    return grid.stamps(grid.positions(first)[0] + order)


def _stamp(start: str, where: str) -> int:
    try:
        return text.stamp(start)
    except ValueError as error:
        raise DataError(f"{where}: '{start}' is no time stamp; write it as 2015-01-31 00:00:00") from error


def nominal(start: str, freq: str, *, given: bool) -> Found:
    """Return the repair that says that stamps were made up."""
    chosen = "data.start" if given else "a nominal date"
    return Found("no_timestamps", f"no time column; rows were counted in steps of {freq} from {start} ({chosen})")
