"""Score the baselines with a harness."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from alphalab_nb.errors import PhaseFailed
from alphalab_nb.executors import Limits
from alphalab_nb.executors.inline import InlineExecutor
from alphalab_nb.parts import Parts


def score_baselines(parts: Parts, partition: str) -> dict[str, float]:
    """Return the baselines' scores on a partition and keep them on the board."""
    scores = measure_baselines(parts, partition, parts.workspace.build / f"baselines_{partition}")
    parts.board.set_fact("baselines", {**(parts.board.fact("baselines") or {}), partition: scores})
    return scores


def measure_baselines(parts: Parts, partition: str, folder: Path) -> dict[str, float]:
    """Return what the harness measures of its baselines; nothing is kept.

    Raises:
        PhaseFailed: the harness did not end well.
    """
    out = folder / "baselines.json"
    limits = Limits(wall_s=parts.config.executor.wall_s * 5)
    command = parts.evaluator.baselines_command(partition=partition, folder=folder, out=out, limits=limits, python=sys.executable)
    with InlineExecutor() as executor:
        end = executor.submit(command).result(None)
    if end.label != "ok":
        log = (folder / "stderr.log").read_text(encoding="utf-8")[-2000:]
        raise PhaseFailed(f"the baselines could not be scored on {partition} ({end.label}): {log}")
    scores: dict[str, float] = json.loads(out.read_text(encoding="utf-8"))["baselines"]
    return scores
