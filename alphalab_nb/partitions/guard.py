"""The door to the hidden partitions: every read of confirm and sealed is counted, sealed opens once for scoring.

Also names the files that must be hidden from agents because they hold the same data. Knows nothing of scoring.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import IO

import numpy as np

from alphalab_nb.config import nearest
from alphalab_nb.errors import DataError
from alphalab_nb.partitions.base import COUNTED, NAMES, Panel, SeriesSpec, read_panel, write_panel
from alphalab_nb.partitions.vault import MANIFEST
from alphalab_nb.workspace import Workspace

_LOG = "reads.jsonl"
_COPIES = {
    "statsmodels": ("datasets/co2/*.csv", "datasets/co2/src/*", "tsa/stl/tests/results/stl_*"),
    "sklearn": ("datasets/data/*",),
}
"""Data inside installed packages that agents must not read (contract); modules stay importable."""


@dataclass(frozen=True)
class Read:
    """One counted opening of a hidden partition."""

    partition: str
    by: str
    """Who: a run id, a phase, a person."""
    reason: str
    at: str
    """UTC, ISO."""
    again: bool = False
    """A repeated opening of sealed that was asked for."""


class Partitions:
    """The four partitions of a workspace.

    Args:
        root: the workspace.
        on_read: called with each counted read, after it is on disk.
    """

    def __init__(self, root: str | Path, on_read: Callable[[Read], None] | None = None) -> None:
        self._workspace = Workspace(root)
        self._on_read = on_read

    @property
    def paths(self) -> dict[str, Path]:
        """Folder of each partition; to read confirm or sealed, `open` it."""
        vault = self._workspace.vault
        return {name: self._workspace.explore_data if name == "explore" else vault / name for name in NAMES}

    def verify(self) -> None:
        """Make sure that every file is what the split wrote.

        Raises:
            DataError: no split, or files missing or changed.
        """
        wanted = self._manifest()
        bad = [name for name, digest in wanted.items() if _sha256(self._workspace.root / name) != digest]
        if bad:
            raise DataError(
                f"partition files missing or changed since the split: {', '.join(bad)}; restore them from a copy, "
                "or create a new workspace (scores would not be comparable)"
            )

    def _manifest(self) -> dict[str, str]:
        file = self._workspace.vault / MANIFEST
        if not file.is_file():
            raise DataError(f"{self._workspace.root} has no partitions yet; run the campaign's first phase")
        return json.loads(file.read_text(encoding="utf-8"))["files"]

    def open(self, name: str, by: str, reason: str, *, again: bool = False) -> Path:
        """Return the folder of a partition and count the read if it is confirm or sealed.

        Sealed opens once. The same `by` with the same `reason` may repeat itself, so that a run killed half-way
        can be finished; that read is counted as well.

        Raises:
            DataError: unknown partition, no split, or sealed was opened before by somebody else and `again` is false.
        """
        folder = self._folder(name)
        if name not in COUNTED:
            return folder
        with self._log() as log:
            before = [r for r in _parsed(log) if r.partition == name]
            same = any((r.by, r.reason) == (by, reason) for r in before)
            if name == "sealed" and before and not again and not same:
                raise DataError(
                    f"sealed was opened already by {before[0].by} at {before[0].at}; a second look makes the test part of the search. "
                    "`alphalab-nb report RUN --again --reason WHY` does it nevertheless; it will be counted and shown"
                )
            read = Read(
                name,
                by,
                reason,
                datetime.now(UTC).isoformat(timespec="seconds"),
                again=bool(before) and again,
            )
            _append(log, read)
        if self._on_read:
            self._on_read(read)
        return folder

    def _folder(self, name: str) -> Path:
        self._manifest()
        if name not in self.paths:
            raise DataError(f"there is no partition '{name}'{nearest(name, list(NAMES))}")
        return self.paths[name]

    @contextmanager
    def _log(self) -> Iterator[IO[str]]:
        """Open the log of reads alone: two processes cannot both be the first to open sealed."""
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
        with os.fdopen(os.open(self._workspace.vault / _LOG, flags, 0o600), "a+", encoding="utf-8") as log:
            fcntl.flock(log, fcntl.LOCK_EX)
            yield log

    def history(self) -> list[Read]:
        """Return every counted read in order."""
        file = self._workspace.vault / _LOG
        if not file.is_file():
            return []
        with file.open(encoding="utf-8") as log:
            return _parsed(log)

    def reads(self, name: str) -> int:
        """Return how often a partition was opened; an opening that was interrupted and taken up again counts as often as it was read."""
        return sum(read.partition == name for read in self.history())

    def openings(self, name: str) -> dict[tuple[str, str], int]:
        """Return how often a partition was read, by who opened it and why: reads of one opening have the same words."""
        return Counter((read.by, read.reason) for read in self.history() if read.partition == name)

    def merged(self, names: Sequence[str], out: Path, *, by: str = "refit", reason: str = "refit") -> Path:
        """Write one panel folder from partitions that follow each other (explore, search, confirm) for the refit.

        Raises:
            DataError: sealed among them, or partitions that do not connect.
        """
        if "sealed" in names:
            raise DataError("sealed cannot be merged: nothing may be fitted on it")
        if out.exists():
            raise DataError(f"{out} exists already; give a new folder")
        panels = [read_panel(self.open(name, by, reason)) for name in names]
        out.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=".merged-", dir=out.parent))
        try:
            write_panel(building, _concatenated(panels), "+".join(names))
            building.replace(out)
        finally:
            shutil.rmtree(building, ignore_errors=True)
        return out


def _concatenated(panels: list[Panel]) -> Panel:
    for earlier, later in pairwise(panels):
        if later.t0 != earlier.t0 + earlier.rows or later.items != earlier.items:
            raise DataError("these partitions do not follow each other; merge explore, search, confirm in this order")
    return replace(
        panels[0],
        target=np.concatenate([p.target for p in panels]),
        times=np.concatenate([p.times for p in panels]),
        covariates=np.concatenate([p.covariates for p in panels]),
    )


def _sha256(file: Path) -> str | None:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else None


def _append(log: IO[str], read: Read) -> None:
    log.seek(0)
    text = log.read()
    # a process killed while writing may have left half a line
    start = "\n" if text and not text.endswith("\n") else ""
    log.write(start + json.dumps(asdict(read)) + "\n")
    log.flush()
    os.fsync(log.fileno())


def _parsed(log: IO[str]) -> list[Read]:
    """Return the entries; half a line is no read, since the folder was not handed out."""
    log.seek(0)
    entries: list[Read] = []
    for line in log:
        try:
            entries.append(Read(**json.loads(line)))
        except json.JSONDecodeError:
            continue
    return entries


def hidden_paths(spec: SeriesSpec, base: Path | None = None) -> list[Path]:
    """Return every file that holds the data besides the partitions: sources, their twins, copies in packages."""
    found: set[Path] = set()
    for name in (spec.path, *(cov.path for cov in spec.covariates)):
        if name and not name.startswith("statsmodels:"):
            found |= _with_twins(((base or Path.cwd()) / Path(name).expanduser()).resolve())
    for package, patterns in _COPIES.items():
        for root in _package_roots(package):
            found |= {f.resolve() for p in patterns for f in root.glob(p) if f.is_file() and f.suffix not in (".py", ".pyc")}
    return sorted(found)


def _with_twins(path: Path) -> set[Path]:
    """Return a source and its compressed or uncompressed twin, as far as they exist."""
    twin = path.with_suffix("") if path.suffix == ".gz" else path.with_name(path.name + ".gz")
    return {p for p in (path, twin) if p.is_file()}


def _package_roots(package: str) -> list[Path]:
    spec = importlib.util.find_spec(package)  # finds without importing
    return [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
