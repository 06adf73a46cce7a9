"""Which rows belong to which partition: by shares in time order, or as a person wrote them. Writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np

from alphalab_nb.config import nearest
from alphalab_nb.errors import ConfigError, DataError
from alphalab_nb.partitions.base import HIDDEN, NAMES, Bounds, Name, Panel

FRACTIONS: dict[Name, float] = {"explore": 0.60, "search": 0.15, "confirm": 0.10, "sealed": 0.15}
"""Default shares of the rows, in time order (contract)."""


def plan_partitions(panel: Panel, split: Mapping[str, object], horizon: int) -> Bounds:
    """Check that a panel can be split as wanted, without writing anything; see `make_partitions` for arguments and errors.

    Returns:
        For each partition its first row and the row after its last.
    """
    bounds = split_rows(panel, split, horizon)
    usable(panel, bounds)
    return bounds


def split_rows(panel: Panel, split: Mapping[str, object], horizon: int) -> Bounds:
    """Return for each partition its first row and the row after its last.

    Raises:
        ConfigError: unknown key or wrong value.
        DataError: ranges that do not connect or leave the data, or a partition shorter than the horizon.
    """
    wanted = _wanted(split)
    bounds = _bounds(wanted, panel, horizon) if wanted else _default_bounds(panel, horizon)
    for name, (first, end) in bounds.items():
        if end - first < horizon:
            raise DataError(
                f"partition {name} would hold {max(0, end - first)} rows, less than one forecast of {horizon}; give more "
                f"data (there are {panel.rows} rows), lower task.horizon, or set partitions: {{{name}_rows: {horizon}}}"
            )
    return bounds


_Part = tuple[int, int] | int | float
"""What a person may write for a partition: inclusive rows, a count, or a share."""


def _wanted(split: Mapping[str, object]) -> dict[Name, _Part]:
    """Read the `partitions:` block."""
    wanted: dict[Name, _Part] = {}
    known = [*NAMES, *(f"{name}_rows" for name in NAMES), "fractions", "rule"]
    for key, value in split.items():
        if key not in known:
            raise ConfigError(f"unknown key 'partitions.{key}'{nearest(str(key), known)}")
        if key == "fractions":
            wanted |= _fractions(value)
        elif key != "rule":
            name = cast("Name", key.removesuffix("_rows"))
            if name in wanted:
                raise ConfigError(f"'partitions.{name}' is set twice; keep one of {name}, {name}_rows, fractions")
            wanted[name] = _part(key, value)
        elif value != "series":
            raise ConfigError(f"'partitions.rule' must be series for time series, not {value!r}")
    shares = [v for v in wanted.values() if isinstance(v, float)]
    if len(shares) == len(NAMES) and abs(sum(shares) - 1) > 1e-6:
        raise ConfigError(f"the shares of the four partitions add up to {sum(shares):g}; make it 1")
    return wanted


def _fractions(value: object) -> dict[Name, _Part]:
    if not isinstance(value, (list, tuple)) or len(cast("list[object]", value)) != len(NAMES):
        raise ConfigError("'partitions.fractions' must be four numbers: [0.6, 0.15, 0.1, 0.15] or [60, 15, 10, 15]")
    numbers = cast("list[object]", value)
    if not all(isinstance(n, (int, float)) and not isinstance(n, bool) and n > 0 for n in numbers):
        raise ConfigError("'partitions.fractions' must be four positive numbers")
    total = sum(cast("list[float]", numbers))
    if not any(abs(total - whole) < 1e-6 * whole for whole in (1, 100)):
        raise ConfigError(f"'partitions.fractions' add up to {total:g}; make it 1 or 100")
    return {name: float(n) / total for name, n in zip(NAMES, cast("list[float]", numbers), strict=True)}


def _part(key: str, value: object) -> _Part:
    if isinstance(value, (list, tuple)) and not key.endswith("_rows"):
        pair = cast("list[object]", value)
        if len(pair) == 2 and all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in pair):
            first, last = cast("list[int]", pair)
            if first <= last:
                return first, last
    elif (isinstance(value, int) and not isinstance(value, bool) and value > 0) or (
        isinstance(value, float) and 0 < value < 1 and not key.endswith("_rows")
    ):
        return value
    raise ConfigError(
        f"'partitions.{key}' must be a number of rows, a share below 1 or [first, last] row, not {value!r}"
        if not key.endswith("_rows")
        else f"'partitions.{key}' must be a number of rows, not {value!r}"
    )


def _default_bounds(panel: Panel, horizon: int) -> Bounds:
    """Cut by `FRACTIONS`; of a ragged panel by those of its shortest series, so that it keeps some explore rows."""
    if (panel.lengths == panel.lengths[0]).all() or (panel.shared_times and panel.lengths.min() >= 0.5 * panel.rows):
        return _bounds(dict(FRACTIONS), panel, horizon)
    shortest = int(panel.lengths.min())
    counts: dict[Name, _Part] = {name: max(horizon, int(FRACTIONS[name] * shortest)) for name in HIDDEN}
    return _bounds(counts, panel, horizon)


def _bounds(wanted: dict[Name, _Part], panel: Panel, horizon: int) -> Bounds:
    """Lay the partitions end to end; what is not given takes its default share of the rest."""
    sealed, explore = wanted.get("sealed"), wanted.get("explore")
    end = sealed[1] + 1 if isinstance(sealed, tuple) else panel.rows
    first = explore[0] if isinstance(explore, tuple) else 0
    if end > panel.rows:
        raise DataError(f"partitions.sealed ends at row {end - 1}, but the data ends at row {panel.rows - 1}")
    sizes = _sizes(wanted, end - first)
    if sum(sizes.values()) > end - first:
        raise DataError(
            f"the partitions ask for {sum(sizes.values())} rows but there are {end - first}; lower the counts in partitions: "
            "(they may not overlap)"
        )
    starts = end - np.cumsum([sizes[name] for name in reversed(NAMES)])[::-1]
    bounds: Bounds = {name: (int(start), int(start) + sizes[name]) for name, start in zip(NAMES, starts, strict=True)}
    _refuse_disconnected(wanted, bounds)
    return bounds


def _sizes(wanted: dict[Name, _Part], rows: int) -> dict[Name, int]:
    sizes: dict[Name, int] = {}
    for name, part in wanted.items():
        if isinstance(part, tuple):
            sizes[name] = part[1] - part[0] + 1
        else:
            sizes[name] = part if isinstance(part, int) else int(part * rows + 1e-9)
    left = rows - sum(sizes.values())
    open_names: list[Name] = [name for name in NAMES if name not in wanted]
    weight = sum(FRACTIONS[name] for name in open_names)
    sizes |= {name: max(0, int(left * FRACTIONS[name] / weight)) for name in open_names}
    if "explore" in open_names or isinstance(wanted.get("explore"), float):
        sizes["explore"] += max(0, rows - sum(sizes.values()))  # what rounding left over
    return sizes


def _refuse_disconnected(wanted: dict[Name, _Part], bounds: Bounds) -> None:
    for name, part in wanted.items():
        if isinstance(part, tuple) and part != (bounds[name][0], bounds[name][1] - 1):
            raise DataError(
                f"partitions.{name} is {list(part)}, but the others leave it rows {bounds[name][0]}..{bounds[name][1] - 1}; "
                "partitions must connect in time: explore, search, confirm, sealed without holes or overlaps"
            )


def usable(panel: Panel, bounds: Bounds) -> tuple[Panel, tuple[str, ...]]:
    """Leave out series without two values in explore: nothing could be fitted or scaled for them."""
    first, end = bounds["explore"]
    keep = np.isfinite(panel.target[first:end]).sum(axis=0) >= 2
    dropped = tuple(name for name, kept in zip(panel.items, keep, strict=True) if not kept)
    if len(dropped) > 0.5 * len(panel.items):
        raise DataError(
            f"{len(dropped)} of {len(panel.items)} series have no values in explore (rows {first}..{end - 1}); give "
            "the later partitions fewer rows: partitions: {search_rows: ..., confirm_rows: ..., sealed_rows: ...}"
        )
    _refuse_blank(panel, bounds)
    return (panel.select(keep) if dropped else panel), dropped


def _refuse_blank(panel: Panel, bounds: Bounds) -> None:
    for name, (first, end) in bounds.items():
        if not np.isfinite(panel.target[first:end]).any():
            raise DataError(f"partition {name} (rows {first}..{end - 1}) holds no value at all; move its bounds in partitions:")
