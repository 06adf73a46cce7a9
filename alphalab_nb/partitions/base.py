"""The nouns of the data: what to read (`SeriesSpec`), what was read (`Panel`), what was mended (`Repair`).

Knows nothing of file formats, of where partitions lie on disk, or of tasks and metrics.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, TypedDict, cast

import numpy as np
from numpy.typing import NDArray

from alphalab_nb.config import nearest
from alphalab_nb.errors import ConfigError, DataError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Name = Literal["explore", "search", "confirm", "sealed"]

Bounds = dict[Name, tuple[int, int]]
"""Partition -> first row and the row after its last."""

NAMES: tuple[Name, ...] = ("explore", "search", "confirm", "sealed")
"""The four partitions in time order; agents and experiments see the first only."""
HIDDEN: tuple[Name, ...] = NAMES[1:]
COUNTED: tuple[Name, ...] = ("confirm", "sealed")
"""Partitions whose every read is counted."""


class Repair(TypedDict):
    """One thing that was mended while reading, or one cell that could not be."""

    kind: str
    """unsorted | duplicate | gap | type | timezone | off_grid | bad_stamp | no_timestamps | dropped | ends_early | covariate."""
    item: str | None
    """Name of the series; None means all that share these stamps."""
    t: int | None
    """Row in the whole grid, from 0; None if it concerns no single row."""
    timestamp: str | None
    """ISO, UTC."""
    detail: str
    """One sentence for a person."""
    rows: int
    """How many rows it concerns."""


@dataclass(frozen=True)
class CovariateSpec:
    """Columns that help to explain the target."""

    columns: tuple[str, ...] = ()
    """Names; empty (only with `path`) means every numeric column of that file."""
    path: str | None = None
    """A second CSV or Parquet file, merged on the time stamp; None means the same file as the target."""
    known: bool = False
    """True if the values are known in advance over the forecast horizon (calendar, plans), else only the past is."""
    timestamp: str | None = None
    """Time column of the second file; None means find it."""


@dataclass(frozen=True)
class SeriesSpec:
    """Where a series or a panel of series is and how to read it: the `data:` block of campaign.yaml."""

    path: str
    """A .csv, .tsv, .txt, .parquet, .json, .jsonl or .tsf file (each but Parquet may end in .gz), or statsmodels:co2."""
    timestamp: str | None = None
    """Time column; None means find it."""
    target: tuple[str, ...] | None = None
    """Columns to forecast (one name or a list); None means every column that is nothing else."""
    item_id: str | None = None
    """Column that names the series of a long table (one row per series and stamp); None means a wide table."""
    freq: str | None = None
    """h, D, W, MS, 15min, ...; None means infer it from the stamps."""
    start: str | None = None
    """First stamp of data without a time column; None means 2000-01-01."""
    header: bool | None = None
    """Whether a CSV has a line of column names; None means look."""
    covariates: tuple[CovariateSpec, ...] = ()

    def __post_init__(self) -> None:
        if self.target is not None:  # one name or a list are welcome too
            object.__setattr__(self, "target", _names(self.target, "data.target") or None)
        object.__setattr__(self, "covariates", tuple(self.covariates))

    @classmethod
    def from_config(cls, block: Mapping[str, object], base: Path | None = None) -> SeriesSpec:
        """Map the `data:` block of campaign.yaml onto a spec; with `base`, relative paths are made absolute.

        Raises:
            ConfigError: unknown key (names the nearest known one), missing path, wrong type.
        """
        _refuse_unknown(block, cls, "data")
        if not isinstance(block.get("path"), str) or not block["path"]:
            raise ConfigError("'data.path' is missing; name the file: data: {path: traffic.csv}")
        return cls(
            path=_located(str(block["path"]), base),
            timestamp=_text(block, "timestamp"),
            target=_names(block.get("target"), "data.target") or None,
            item_id=_text(block, "item_id"),
            freq=_text(block, "freq"),
            start=_text(block, "start"),
            header=_flag(block, "header"),
            covariates=tuple(replace(c, path=_located(c.path, base)) if c.path else c for c in _covariates(block.get("covariates"))),
        )


def _located(path: str, base: Path | None) -> str:
    """Return a path counted from `base`; built-in data (package:name) has none."""
    return path if base is None or path.startswith("statsmodels:") else str((base / Path(path).expanduser()).resolve())


def _refuse_unknown(block: Mapping[str, object], kind: type, where: str) -> None:
    known = [f.name for f in fields(kind)]
    for key in block:
        if key not in known:
            raise ConfigError(f"unknown key '{where}.{key}'{nearest(str(key), known)}")


def _text(block: Mapping[str, object], key: str) -> str | None:
    value = block.get(key)
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, (int, datetime)) or hasattr(value, "isoformat"):
        return str(value)
    raise ConfigError(f"'data.{key}' must be one name, not {value!r}")


def _flag(block: Mapping[str, object], key: str) -> bool | None:
    value = block.get(key)
    if value is None or isinstance(value, bool):
        return value
    raise ConfigError(f"'data.{key}' must be true or false, not {value!r}")


def _names(value: object, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, (str, int)):
        return (str(value),)
    if isinstance(value, (list, tuple)):
        return tuple(str(name) for name in cast("list[object]", value))
    raise ConfigError(f"'{where}' must be a column name or a list of them, not {value!r}")


def _covariates(value: object) -> tuple[CovariateSpec, ...]:
    if value is None:
        return ()
    if not isinstance(value, (list, tuple)):
        raise ConfigError("'data.covariates' must be a list: [{columns: [temperature], known: false}]")
    return tuple(_covariate(entry) for entry in cast("list[object]", value))


def _covariate(entry: object) -> CovariateSpec:
    if isinstance(entry, str):
        return CovariateSpec(columns=(entry,))
    if not isinstance(entry, Mapping):
        raise ConfigError(f"an entry of 'data.covariates' must be {{columns: [...], known: true|false}}, not {entry!r}")
    block = cast("Mapping[str, object]", entry)
    _refuse_unknown(block, CovariateSpec, "data.covariates")
    columns, path = _names(block.get("columns"), "data.covariates.columns"), _text(block, "path")
    if not columns and path is None:
        raise ConfigError("an entry of 'data.covariates' needs `columns: [...]`, or `path:` of a second file")
    return CovariateSpec(columns, path, bool(_flag(block, "known")), _text(block, "timestamp"))


@dataclass(frozen=True)
class Panel:
    """One series or several on one regular grid; ragged panels are right-aligned by their end."""

    target: Floats
    """[T, N]; NaN = missing, also the front padding of shorter series."""
    times: Ints
    """Unix seconds, [T] when all items share their stamps, else [T, N]."""
    items: tuple[str, ...]
    freq: str
    """h, 15min, D, W, MS, ..."""
    seasons: tuple[int, ...] = (1,)
    """Seasonal periods of this frequency in rows, shortest first."""
    season: int = 1
    """The one of `seasons` that explains most."""
    covariates: Floats = field(default_factory=lambda: np.empty((0, 1, 0)))
    """[T, N, C], or [T, 1, C] when all items share them; C may be 0."""
    covariate_names: tuple[str, ...] = ()
    known: tuple[bool, ...] = ()
    """Per covariate: known in advance over the forecast horizon."""
    repairs: tuple[Repair, ...] = ()
    t0: int = 0
    """Position of row 0 in the whole grid."""

    def __post_init__(self) -> None:
        rows, items = self.target.shape
        if not self.covariate_names and self.covariates.shape[0] != rows:
            object.__setattr__(self, "covariates", np.empty((rows, 1, 0)))
        assert self.times.shape in ((rows,), (rows, items)), "times must be [T] or [T, N]"
        assert len(self.items) == items, "one name per column"
        assert self.covariates.shape[0] == rows, "one row of covariates per row"
        assert self.covariates.shape[1] in (1, items), "covariates [T, N|1, C]"
        assert self.covariates.shape[2] == len(self.covariate_names) == len(self.known), "one name and flag per covariate"

    @property
    def rows(self) -> int:
        return self.target.shape[0]

    @property
    def shared_times(self) -> bool:
        return self.times.ndim == 1

    @property
    def lengths(self) -> Ints:
        """Rows of each series from its first value to the common end, [N]."""
        seen = np.isfinite(self.target)
        first = np.where(seen.any(axis=0), seen.argmax(axis=0), self.rows)
        return (self.rows - first).astype(np.int64)

    def span(self) -> tuple[str, str]:
        """Return the first and the last stamp."""
        return iso(int(self.times.min())), iso(int(self.times.max()))

    def slice(self, first: int, end: int) -> Panel:
        """Return rows first..end-1 with the repairs that lie in them; those without a row stay with row 0."""
        inside = tuple(r for r in self.repairs if first <= (r["t"] or 0) < end)
        return replace(
            self,
            target=self.target[first:end],
            times=self.times[first:end],
            covariates=self.covariates[first:end],
            repairs=inside,
            t0=self.t0 + first,
        )

    def select(self, keep: NDArray[np.bool_]) -> Panel:
        """Return the panel with only the items where `keep` [N] is true."""
        return replace(
            self,
            target=self.target[:, keep],
            times=self.times if self.shared_times else self.times[:, keep],
            covariates=self.covariates[:, keep] if self.covariates.shape[1] == keep.size > 1 else self.covariates,
            items=tuple(name for name, kept in zip(self.items, keep, strict=True) if kept),
        )

    def fingerprint(self) -> str:
        """Return a hash of the content: equal data read again gives an equal fingerprint."""
        digest = hashlib.sha256()
        for array in (self.target, self.covariates):
            digest.update(np.where(np.isnan(array), np.nan, array).tobytes())
        digest.update(self.times.tobytes())
        digest.update(json.dumps([self.items, self.freq, self.covariate_names, self.known, self.t0]).encode())
        return digest.hexdigest()


def iso(seconds: int) -> str:
    """Return unix seconds as ISO text without a zone; every stamp here is naive UTC."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")


def meta(panel: Panel, partition: str) -> dict[str, object]:
    """Return the meta.json of one partition."""
    start, end = panel.span()
    return {
        "freq": panel.freq,
        "season": panel.season,
        "seasons": list(panel.seasons),
        "partition": partition,
        "rows": panel.rows,
        "items": len(panel.items),
        "t0": panel.t0,
        "start": start,
        "end": end,
    }


def write_panel(folder: Path, panel: Panel, partition: str) -> None:
    """Write panel.npz and meta.json into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(
        folder / "panel.npz",
        target=panel.target,
        times=panel.times,
        t0=np.int64(panel.t0),
        items=np.array(panel.items, dtype=np.str_),
        covariates=panel.covariates,
        covariate_names=np.array(panel.covariate_names, dtype=np.str_),
        known=np.array(panel.known, dtype=np.bool_),
    )
    text = json.dumps(meta(panel, partition), indent=1)
    (folder / "meta.json").write_text(text + "\n", encoding="utf-8")


def read_panel(folder: Path) -> Panel:
    """Read what `write_panel` wrote.

    Raises:
        DataError: the folder holds no panel.
    """
    if not (folder / "panel.npz").is_file() or not (folder / "meta.json").is_file():
        raise DataError(f"{folder} holds no panel.npz and meta.json; make the partitions again in a new workspace")
    about = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    with np.load(folder / "panel.npz", allow_pickle=False) as held:
        return Panel(
            target=held["target"],
            times=held["times"],
            items=tuple(str(name) for name in held["items"]),
            freq=about["freq"],
            seasons=tuple(about["seasons"]),
            season=about["season"],
            covariates=held["covariates"],
            covariate_names=tuple(str(name) for name in held["covariate_names"]),
            known=tuple(bool(flag) for flag in held["known"]),
            t0=int(held["t0"]),
        )
