"""Score the baselines with a harness."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from alphalab_nb.errors import PhaseFailed
from alphalab_nb.executors import Limits
from alphalab_nb.executors.inline import InlineExecutor
from alphalab_nb.judge.certificate import BaselineScores
from alphalab_nb.parts import Parts

_SCORES = "baselines.json"


def score_baselines(parts: Parts, partition: str) -> dict[str, float]:
    """Return the baselines' scores on a partition and keep them on the board."""
    scores = measure_baselines(parts, partition, _folder(parts, partition)).values
    keep_baselines(parts, partition, scores)
    return dict(scores)  # type: ignore[arg-type]


def keep_baselines(parts: Parts, partition: str, scores: Mapping[str, float | None]) -> None:
    """Put the baselines' scores on the board."""
    parts.board.set_fact("baselines", {**(parts.board.fact("baselines") or {}), partition: dict(scores)})


def measure_baselines(parts: Parts, partition: str, folder: Path, *, seed: int = 0) -> BaselineScores:
    """Return what the harness measures of its baselines; nothing is kept but the files in the folder.

    Raises:
        PhaseFailed: the harness did not end well.
    """
    out = folder / _SCORES
    limits = Limits(wall_s=parts.config.executor.wall_s * 5)
    command = parts.evaluator.baselines_command(
        partition=partition, folder=folder, out=out, limits=limits, python=sys.executable, seed=seed
    )
    with InlineExecutor() as executor:
        end = executor.submit(command).result(None)
    if end.label != "ok":
        log = (folder / "stderr.log").read_text(encoding="utf-8")[-2000:]
        raise PhaseFailed(f"the baselines could not be scored on {partition} ({end.label}): {log}")
    return _read(out, end.wall_s)


def stored_baselines(parts: Parts, partition: str) -> BaselineScores | None:
    """Return what the newest measurement of a partition left, with units; None if there was none."""
    path = _folder(parts, partition) / _SCORES
    return _read(path, 0.0) if path.is_file() else None


def _folder(parts: Parts, partition: str) -> Path:
    return parts.workspace.build / f"baselines_{partition}"


def _read(path: Path, wall_s: float) -> BaselineScores:
    found = json.loads(path.read_text(encoding="utf-8"))
    units = {name: [(unit["id"], unit["value"]) for unit in rows] for name, rows in (found.get("units") or {}).items()}
    return BaselineScores(found["baselines"], units, found.get("gates") or {}, wall_s)
