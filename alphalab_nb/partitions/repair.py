"""From what a file holds to a regular panel: sort, drop duplicates, fill the grid with NaN rows, list every repair.

Values are never invented: a missing cell stays NaN, fills are the candidate's business.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from alphalab_nb.errors import DataError
from alphalab_nb.partitions.base import Floats, Ints, Panel, Repair, iso
from alphalab_nb.partitions.frequency import Frequency, Grid, infer, main_season

EARLY_END = 0.1
"""Series of a table that end earlier than the others by less than this share of the rows stay on the common calendar."""
MOST_DUPLICATES = 0.3
"""A larger share of repeated stamps is no accident but several series in one table."""
MOST_SINGLE_ENTRIES = 50
"""More unsorted or duplicate rows than this in one series become one entry with their count."""


@dataclass(frozen=True)
class Found:
    """A repair whose row in the grid is not known yet."""

    kind: str
    detail: str
    stamp: int | None = None
    item: str | None = None
    rows: int = 1


@dataclass(frozen=True)
class Block:
    """Series that share their stamps, as they stand in the file."""

    items: tuple[str, ...]
    stamps: Ints
    """[n], any order."""
    values: Floats
    """[n, k]."""
    covariates: Floats
    """[n, C]."""
    found: tuple[Found, ...] = ()


@dataclass(frozen=True)
class Table:
    """Covariates of a second file, [n] stamps of one series or of all (`item` None)."""

    names: tuple[str, ...]
    known: bool
    stamps: Ints
    values: Floats
    item: str | None = None
    found: tuple[Found, ...] = ()


@dataclass(frozen=True)
class Raw:
    """All that a reader found."""

    blocks: tuple[Block, ...]
    where: str
    """Name of the source for messages."""
    freq: str | None = None
    covariate_names: tuple[str, ...] = ()
    known: tuple[bool, ...] = ()
    one_calendar: bool = True
    """True for tables, whose stamps mean the same for every series; else each series has its own phase and end."""
    found: tuple[Found, ...] = ()
    tables: tuple[Table, ...] = field(default=())


@dataclass(frozen=True)
class _Regular:
    """One block on its grid."""

    block: Block
    grid: Grid
    first: int
    """Grid position of row 0."""
    values: Floats
    covariates: Floats
    found: tuple[Found, ...]

    @property
    def end(self) -> int:
        return self.first + self.values.shape[0]


def regularize(raw: Raw) -> Panel:
    """Put every series on one regular grid.

    Raises:
        DataError: nothing to read, no frequency, stamps off any grid, or a series without a single value.
    """
    if not raw.blocks or not any(b.stamps.size for b in raw.blocks):
        raise DataError(f"{raw.where} holds no rows; give a file with at least a few dozen stamps")
    _refuse_empty_series(raw)
    frequency = Frequency.parse(raw.freq) if raw.freq else infer([b.stamps for b in raw.blocks], where=raw.where)
    grids = _grids(raw, frequency)
    regular = [_on_grid(b, grid, raw.where) for b, grid in zip(raw.blocks, grids, strict=True)]
    panel = _assemble(raw, regular)
    for table in raw.tables:
        panel = _with_covariates(panel, table, raw.where)
    season, _ = main_season(panel.target, frequency.seasons)
    return replace(panel, season=season, seasons=frequency.seasons or (1,))


def _refuse_empty_series(raw: Raw) -> None:
    empty = [
        name for block in raw.blocks for name, column in zip(block.items, block.values.T, strict=True) if not np.isfinite(column).any()
    ]
    if empty:
        raise DataError(f"{raw.where}: every value of {_some(empty)} is missing; leave it out (data.target names the columns to use)")


def _some(names: list[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"


def _grids(raw: Raw, frequency: Frequency) -> list[Grid]:
    if raw.one_calendar:
        return [Grid.through(np.concatenate([b.stamps for b in raw.blocks]), frequency)] * len(raw.blocks)
    return [Grid.through(b.stamps, frequency) for b in raw.blocks]


def _on_grid(block: Block, grid: Grid, where: str) -> _Regular:
    """Sort one block, keep the first of equal stamps, and open its gaps."""
    found = [*block.found, *_snapped(block, grid, where), *_unsorted(block)]
    order = np.argsort(block.stamps, kind="stable")
    position = grid.positions(block.stamps[order])
    kept = np.concatenate(([True], np.diff(position) > 0))
    found += _duplicates(block, order, kept, where)
    position, rows = position[kept], order[kept]
    first, length = int(position[0]), int(position[-1] - position[0]) + 1
    _refuse_emptiness(length, position.size, grid.frequency, where)
    values, covariates = _empty(length, block.values), _empty(length, block.covariates)
    values[position - first] = block.values[rows]
    covariates[position - first] = block.covariates[rows]
    found += _gaps(position, grid)
    return _trim(_Regular(block, grid, first, values, covariates, tuple(found)))


def _empty(length: int, like: Floats) -> Floats:
    return np.full((length, like.shape[1]), np.nan)


def _snapped(block: Block, grid: Grid, where: str) -> list[Found]:
    off = grid.check(block.stamps, where=where)
    moved = np.flatnonzero(off)
    if not moved.size:
        return []
    detail = (
        f"{moved.size} of {off.size} stamps moved to the nearest point of the grid of {grid.frequency.name} "
        f"(by {int(np.abs(off).max())} s at most)"
    )
    return [Found("off_grid", detail, int(block.stamps[moved[0]]), rows=moved.size)]


def _unsorted(block: Block) -> list[Found]:
    stamps = block.stamps
    if stamps.size > 1 and (np.diff(stamps) < 0).all():
        return [Found("unsorted", "the rows were in descending order; sorted", int(stamps.min()), rows=stamps.size)]
    late = np.flatnonzero(stamps[1:] < np.maximum.accumulate(stamps[:-1])) + 1
    if late.size > MOST_SINGLE_ENTRIES:
        detail = f"{late.size} rows stood after later ones; sorted"
        return [Found("unsorted", detail, int(stamps[late].min()), rows=late.size)]
    detail = "row {} of this series stood after a later one; sorted"
    return [Found("unsorted", detail.format(row), int(stamps[row])) for row in late]


def _duplicates(block: Block, order: Ints, kept: np.ndarray[tuple[int], np.dtype[np.bool_]], where: str) -> list[Found]:
    again = np.flatnonzero(~kept)
    if again.size > MOST_DUPLICATES * kept.size:
        raise DataError(
            f"{where}: {again.size} of {kept.size} rows repeat a time stamp; if the file holds several series, "
            "name the column that tells them apart: data: {item_id: ...}"
        )
    stamps = block.stamps[order]
    if again.size > MOST_SINGLE_ENTRIES:
        detail = f"{again.size} rows repeat a time stamp; the first of each was kept"
        return [Found("duplicate", detail, int(stamps[again[0]]), rows=again.size)]
    return [Found("duplicate", _duplicate(block, order, int(row)), int(stamps[row])) for row in again]


def _duplicate(block: Block, order: Ints, row: int) -> str:
    here, before = block.values[order[row]], block.values[order[row - 1]]
    same = np.array_equal(here, before, equal_nan=True)
    return f"a second row with this stamp ({'equal' if same else 'different'} values); the first was kept"


def _refuse_emptiness(length: int, rows: int, frequency: Frequency, where: str) -> None:
    if length > 5 * rows + 100:
        raise DataError(
            f"{where}: on a grid of {frequency.name} {length - rows} of {length} rows would be empty; "
            "name the right frequency: data: {freq: ...}"
        )


def _gaps(position: Ints, grid: Grid) -> list[Found]:
    """List each gap with its first missing stamp, its length in rows and its duration."""
    missing = np.diff(position) - 1
    found: list[Found] = []
    for before in np.flatnonzero(missing):
        rows = int(missing[before])
        stamp = int(grid.stamps(position[before : before + 1] + 1)[0])
        detail = f"gap of {rows} row{'s' if rows > 1 else ''} ({grid.frequency.lasting(rows)}); NaN rows put in"
        found.append(Found("gap", detail, stamp, rows=rows))
    return found


def _trim(regular: _Regular) -> _Regular:
    """Drop rows before the first and after the last value of any series of the block."""
    seen = np.flatnonzero(np.isfinite(regular.values).any(axis=1))
    first, end = int(seen[0]), int(seen[-1]) + 1
    if (first, end) == (0, regular.values.shape[0]):
        return regular
    dropped = first + regular.values.shape[0] - end
    detail = f"{first} leading and {regular.values.shape[0] - end} trailing rows hold no value of any series; left out"
    return replace(
        regular,
        first=regular.first + first,
        values=regular.values[first:end],
        covariates=regular.covariates[first:end],
        found=(*regular.found, Found("dropped", detail, rows=dropped)),
    )


def _assemble(raw: Raw, regular: list[_Regular]) -> Panel:
    ends = np.array([r.end for r in regular])
    rows = max(r.values.shape[0] for r in regular)
    if raw.one_calendar and ends.max() - ends.min() < max(1, EARLY_END * rows):
        return _on_calendar(raw, regular, int(ends.max()))
    return _right_aligned(raw, regular)


def _on_calendar(raw: Raw, regular: list[_Regular], end: int) -> Panel:
    first = min(r.first for r in regular)
    regular = [_announce_early_end(r, end) for r in regular]
    times = regular[0].grid.stamps(np.arange(first, end))
    return _joined(raw, regular, times, [r.first - first for r in regular], first=[first] * len(regular))


def _announce_early_end(regular: _Regular, end: int) -> _Regular:
    rows = end - regular.end
    if not rows:
        return regular
    frequency = regular.grid.frequency
    detail = f"ends {rows} rows ({frequency.lasting(rows)}) before the other series; NaN rows put in"
    stamp = int(regular.grid.stamps(np.array([regular.end]))[0])
    return replace(regular, found=(*regular.found, Found("ends_early", detail, stamp, rows=rows)))


def _right_aligned(raw: Raw, regular: list[_Regular]) -> Panel:
    rows = max(r.values.shape[0] for r in regular)
    first = [r.end - rows for r in regular]
    per_block = [r.grid.stamps(np.arange(r.end - rows, r.end)) for r in regular]
    shared = all(np.array_equal(per_block[0], other) for other in per_block[1:])
    times = per_block[0] if shared else np.repeat(np.stack(per_block, axis=1), [len(r.block.items) for r in regular], axis=1)
    return _joined(raw, regular, times, [rows - r.values.shape[0] for r in regular], first=first)


def _joined(raw: Raw, regular: list[_Regular], times: Ints, offsets: list[int], *, first: list[int]) -> Panel:
    rows, names = times.shape[0], tuple(name for r in regular for name in r.block.items)
    if len(set(names)) < len(names):
        again = sorted({name for name in names if names.count(name) > 1})
        raise DataError(f"{raw.where}: several series are called {_some(again)}; give each its own name")
    target = np.concatenate([_padded(r.values, offset, rows) for r, offset in zip(regular, offsets, strict=True)], axis=1)
    return Panel(
        target=target,
        times=times,
        items=names,
        freq=regular[0].grid.frequency.name,
        covariates=_joined_covariates(regular, offsets, rows),
        covariate_names=raw.covariate_names,
        known=raw.known,
        repairs=_placed(raw, regular, first),
    )


def _padded(values: Floats, offset: int, rows: int) -> Floats:
    out = _empty(rows, values)
    out[offset : offset + values.shape[0]] = values
    return out


def _joined_covariates(regular: list[_Regular], offsets: list[int], rows: int) -> Floats:
    """Return [T, 1, C] for one block (its series share them), else [T, N, C]."""
    parts = [_padded(r.covariates, offset, rows)[:, None, :] for r, offset in zip(regular, offsets, strict=True)]
    if len(parts) == 1 or not parts[0].shape[2]:
        return parts[0]
    counts = [len(r.block.items) for r in regular]
    return np.repeat(np.concatenate(parts, axis=1), counts, axis=1)


def _placed(raw: Raw, regular: list[_Regular], first: list[int]) -> tuple[Repair, ...]:
    """Give each repair its row in the grid, in time order."""
    placed = [_repair(f, None, None) for f in raw.found]
    for r, origin in zip(regular, first, strict=True):
        item = r.block.items[0] if len(r.block.items) == 1 and len(regular) > 1 else None
        placed += [_repair(f, item, _row(f, r.grid, origin)) for f in r.found]
    return tuple(sorted(placed, key=lambda r: (r["t"] is not None, r["t"] or 0)))


def _row(found: Found, grid: Grid, origin: int) -> int | None:
    if found.stamp is None:
        return None
    return max(0, int(grid.positions(np.array([found.stamp]))[0]) - origin)


def _repair(found: Found, item: str | None, t: int | None) -> Repair:
    stamp = None if found.stamp is None else iso(found.stamp)
    return Repair(kind=found.kind, item=found.item or item, t=t, timestamp=stamp, detail=found.detail, rows=found.rows)


def _with_covariates(panel: Panel, table: Table, where: str) -> Panel:
    """Merge a second file on the time stamp; rows it lacks are NaN."""
    values, found = _looked_up(panel, table)
    if not np.isfinite(values).any():
        raise DataError(
            f"{where}: no stamp of the covariates {_some(list(table.names))} falls on a stamp of the target; "
            "give a file that covers the same time with the same step"
        )
    old, new = panel.covariates, values
    if old.shape[1] != new.shape[1]:
        shape = (panel.rows, len(panel.items))
        old, new = (np.broadcast_to(a, (*shape, a.shape[2])) for a in (old, new))
    return replace(
        panel,
        covariates=np.concatenate([old, new], axis=2),
        covariate_names=(*panel.covariate_names, *table.names),
        known=(*panel.known, *([table.known] * len(table.names))),
        repairs=(*panel.repairs, *(_repair(f, None, None) for f in found)),
    )


def _looked_up(panel: Panel, table: Table) -> tuple[Floats, list[Found]]:
    stamps, first = np.unique(table.stamps, return_index=True)  # first occurrence of equal stamps
    found = list(table.found)
    if again := table.stamps.size - stamps.size:
        found.append(Found("covariate", f"{_title(table)}: {again} rows repeat a stamp; the first was kept", rows=again))
    times = panel.times if panel.times.ndim == 2 else panel.times[:, None]
    at = np.minimum(np.searchsorted(stamps, times), stamps.size - 1)
    hit = stamps[at] == times
    values = np.where(hit[:, :, None], table.values[first][at], np.nan)
    if lacking := int((~hit.any(axis=1)).sum()):
        found.append(Found("covariate", f"{_title(table)}: no value for {lacking} of {panel.rows} rows", rows=lacking))
    return values, found


def _title(table: Table) -> str:
    return f"covariates {', '.join(table.names[:3])}{', ...' if len(table.names) > 3 else ''}"
