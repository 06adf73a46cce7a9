"""Put the partitions of a workspace in their places, whole or not at all: explore to data/, the others to vault/, a manifest of hashes.

The manifest says that a split is finished: without it nothing counts, and a next attempt begins anew.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from alphalab_nb.errors import DataError, WorkspaceError
from alphalab_nb.workspace import Workspace

MANIFEST = "manifest.json"


def install(workspace: Workspace, report: Mapping[str, Any], fill: Callable[[Path, Path], None]) -> None:
    """Let `fill(explore, vault)` write the partitions into a private folder, and move them to their places with the report.

    Args:
        fill: writes explore into its first folder, and a folder for each hidden partition into its second.
    """
    _sweep(workspace)
    building = _building(workspace)
    try:
        explore, vault = building / "explore", building / "vault"
        explore.mkdir()
        vault.mkdir(mode=0o700)
        fill(explore, vault)
        for hidden in vault.iterdir():
            hidden.chmod(0o700)
        files = {**_hashes(explore, "data/explore"), **_hashes(vault, "vault")}
        manifest = {"version": 1, "report": dict(report), "files": files}
        (vault / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        workspace.data.mkdir(exist_ok=True)
        explore.replace(workspace.explore_data)
        vault.replace(workspace.vault)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def installed(workspace: Workspace) -> dict[str, Any] | None:
    """Return the report of a finished split; None if there is none."""
    file = workspace.vault / MANIFEST
    return json.loads(file.read_text(encoding="utf-8"))["report"] if file.is_file() else None


def installed_report(workspace: Workspace) -> dict[str, Any]:
    """Return the report of a finished split.

    Raises:
        DataError: there is none.
    """
    report = installed(workspace)
    if report is None:
        raise DataError(f"{workspace.root} has no partitions yet; run the campaign's first phase")
    return report


def _building(workspace: Workspace) -> Path:
    try:
        workspace.root.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=".partitions-", dir=workspace.root))  # mode 0700
    except OSError as error:
        raise WorkspaceError(f"cannot write to {workspace.root}: {error.strerror}; choose a folder you may write to") from error


def _sweep(workspace: Workspace) -> None:
    """Remove what an interrupted split left behind."""
    stale = [*workspace.root.glob(".partitions-*"), workspace.explore_data, workspace.vault]
    for folder in stale:
        if folder.is_dir():
            shutil.rmtree(folder)


def _hashes(folder: Path, place: str) -> dict[str, str]:
    """Return sha256 of each file by its path in the finished workspace."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {f"{place}/{file.relative_to(folder)}": hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
