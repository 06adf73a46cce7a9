"""The rule "series": cut a panel by time into explore, search, confirm and sealed, and write them.

explore goes to data/explore, which agents see; the others to vault/.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from alphalab_nb.errors import DataError
from alphalab_nb.partitions.base import Bounds, Name, Panel, Repair, write_panel
from alphalab_nb.partitions.frequency import main_season
from alphalab_nb.partitions.split import split_rows, usable
from alphalab_nb.partitions.vault import install, installed, installed_report
from alphalab_nb.workspace import Workspace

_REPAIRS = "repairs.json"


@dataclass(frozen=True)
class PartitionReport:
    """What was split, how, and what was mended; shown in the notebook."""

    rows: dict[str, tuple[int, int]]
    """Partition -> first and last row in the whole grid, inclusive."""
    spans: dict[str, tuple[str, str]]
    """Partition -> first and last stamp."""
    items: int
    freq: str
    season: int
    seasons: tuple[int, ...]
    dropped_before: int
    """Rows before explore that no partition uses."""
    dropped_after: int
    """Rows after the sealed end that no partition uses."""
    dropped_items: tuple[str, ...]
    """Series without a value in explore, left out everywhere."""
    repairs: dict[str, dict[str, int]]
    """Partition -> kind of repair -> how many."""
    fingerprint: str
    """Hash of the source data; other data in the same workspace is refused."""

    def as_dict(self) -> dict[str, object]:
        """Return plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, held: Mapping[str, object]) -> PartitionReport:
        """Undo `as_dict` after a trip through JSON."""
        fields = dict(held)
        for key in ("rows", "spans"):
            fields[key] = {k: tuple(v) for k, v in cast("dict[str, list[object]]", fields[key]).items()}
        for key in ("seasons", "dropped_items"):
            fields[key] = tuple(cast("list[object]", fields[key]))
        return cls(**fields)  # pyright: ignore[reportArgumentType]

    def to_markdown(self) -> str:
        """Return a table of the partitions and a list of the repairs."""
        lines = ["| partition | rows | from | to | repairs |", "|---|---|---|---|---|"]
        for name, (first, last) in self.rows.items():
            mended = ", ".join(f"{n} {kind}" for kind, n in self.repairs.get(name, {}).items()) or "none"
            start, end = self.spans[name]
            lines.append(f"| {name} | {first}..{last} ({last - first + 1}) | {start} | {end} | {mended} |")
        lines.append(f"\n{self.items} series, step {self.freq}, season {self.season} rows.")
        if self.dropped_before or self.dropped_after:
            lines.append(f"Rows left out: {self.dropped_before} before explore, {self.dropped_after} after sealed.")
        if self.dropped_items:
            lines.append(f"Series left out, without a value in explore: {', '.join(self.dropped_items)}.")
        return "\n".join(lines)

    def _repr_markdown_(self) -> str:
        return self.to_markdown()


def make_partitions(panel: Panel, split: Mapping[str, object], horizon: int, workspace_root: Path) -> PartitionReport:
    """Split a panel and write data/explore and vault/; a finished split is only read back.

    Args:
        panel: what `load_series` returned.
        split: the `partitions:` block of campaign.yaml; empty means 60/15/10/15.
        horizon: rows of one forecast; each partition must hold at least one.
        workspace_root: the campaign's folder.

    Raises:
        DataError: too short, ranges that do not connect, or other data than the workspace was made with.
        ConfigError: unknown key or wrong value in `split`.
    """
    workspace = Workspace(workspace_root)
    bounds = split_rows(panel, split, horizon)
    fingerprint = panel.fingerprint()
    if installed(workspace) is not None:
        return _finished(workspace, fingerprint, bounds)
    kept, dropped = usable(panel, bounds)
    return _write(workspace, kept, bounds, dropped, fingerprint)


def _finished(workspace: Workspace, fingerprint: str, bounds: Bounds) -> PartitionReport:
    report = load_report(workspace.root)
    if report.fingerprint != fingerprint:
        raise DataError(
            f"the data differs from what {workspace.root} was made with; its scores would not be comparable: "
            "restore the old file, or create a new workspace"
        )
    if report.rows != {name: (first, end - 1) for name, (first, end) in bounds.items()}:
        raise DataError(f"{workspace.root} was split into other rows; restore `partitions:` in campaign.yaml, or create a new workspace")
    return report


def load_report(workspace_root: Path) -> PartitionReport:
    """Return the report of a finished split.

    Raises:
        DataError: there is none.
    """
    return PartitionReport.from_dict(installed_report(Workspace(workspace_root)))


def _write(
    workspace: Workspace,
    panel: Panel,
    bounds: Bounds,
    dropped: tuple[str, ...],
    fingerprint: str,
) -> PartitionReport:
    parts = _parts(panel, bounds, dropped)
    report = _report(panel, parts, bounds, dropped, fingerprint)
    install(workspace, report.as_dict(), lambda explore, vault: _write_parts(explore, vault, parts))
    return report


def _parts(panel: Panel, bounds: Bounds, dropped: tuple[str, ...]) -> dict[Name, Panel]:
    parts: dict[Name, Panel] = {name: panel.slice(first, end) for name, (first, end) in bounds.items()}
    explore = parts["explore"]
    # the season is guessed from what agents may see
    season, seasons = main_season(explore.target, panel.seasons)
    mended = _before(panel, bounds) + explore.repairs + tuple(_dropped_item(name) for name in dropped)
    parts["explore"] = replace(explore, repairs=tuple(r for r in mended if r["item"] in (None, *panel.items, *dropped)))
    return {name: replace(part, season=season, seasons=seasons) for name, part in parts.items()}


def _before(panel: Panel, bounds: Bounds) -> tuple[Repair, ...]:
    """Repairs that concern no single row belong to explore, wherever it begins."""
    if bounds["explore"][0] == 0:
        return ()
    return tuple(r for r in panel.repairs if r["t"] is None)


def _dropped_item(name: str) -> Repair:
    detail = "fewer than two values in explore; the series is left out of every partition"
    return Repair(kind="dropped", item=name, t=None, timestamp=None, detail=detail, rows=1)


def _report(
    panel: Panel,
    parts: dict[Name, Panel],
    bounds: Bounds,
    dropped: tuple[str, ...],
    fingerprint: str,
) -> PartitionReport:
    explore = parts["explore"]
    return PartitionReport(
        rows={name: (first, end - 1) for name, (first, end) in bounds.items()},
        spans={name: part.span() for name, part in parts.items()},
        items=len(panel.items),
        freq=panel.freq,
        season=explore.season,
        seasons=explore.seasons,
        dropped_before=bounds["explore"][0],
        dropped_after=panel.rows - bounds["sealed"][1],
        dropped_items=dropped,
        repairs={name: dict(Counter(r["kind"] for r in part.repairs)) for name, part in parts.items()},
        fingerprint=fingerprint,
    )


def _write_parts(explore: Path, vault: Path, parts: dict[Name, Panel]) -> None:
    for name, part in parts.items():
        folder = explore if name == "explore" else vault / name
        write_panel(folder, part, name)
        (folder / _REPAIRS).write_text(json.dumps(list(part.repairs), indent=1) + "\n", encoding="utf-8")
    as_frame(parts["explore"]).to_parquet(explore / "panel.parquet", index=False)


def as_frame(panel: Panel) -> pd.DataFrame:
    """Return a table: wide (time, one column per series, covariates) when stamps and covariates are shared, else long."""
    if panel.shared_times and panel.covariates.shape[1] == 1:
        covariates = {_covariate_column(panel, i): panel.covariates[:, 0, i] for i in range(panel.covariates.shape[2])}
        columns = {name: panel.target[:, i] for i, name in enumerate(panel.items)}
        return pd.DataFrame({"time": _moments(panel.times), **columns, **covariates})
    rows, items = panel.target.shape
    times = np.broadcast_to(panel.times[:, None] if panel.shared_times else panel.times, (rows, items))
    spread = np.broadcast_to(panel.covariates, (rows, items, panel.covariates.shape[2]))
    columns = {_covariate_column(panel, i): spread[:, :, i].T.ravel() for i in range(spread.shape[2])}
    long = {
        "time": _moments(times.T.ravel()),
        "item": np.repeat(panel.items, rows),
        "target": panel.target.T.ravel(),
    }
    return pd.DataFrame({**long, **columns})


def _covariate_column(panel: Panel, index: int) -> str:
    name = panel.covariate_names[index]
    return f"cov_{name}" if name in (*panel.items, "time", "item", "target") else name


def _moments(
    times: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
    return times.astype("datetime64[s]")
