"""Score the baselines with a harness."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from alphalab_nb.errors import PhaseFailed
from alphalab_nb.evaluator import BASELINES, read_baselines
from alphalab_nb.executors import Limits
from alphalab_nb.executors.inline import InlineExecutor
from alphalab_nb.judge.certificate import BaselineScores
from alphalab_nb.parts import Parts


def score_baselines(parts: Parts, partition: str, seed: int | None = None) -> BaselineScores:
    """Score the baselines on a partition, keep the files and put the values on the board. The default seed is the campaign's."""
    seed = parts.config.seed if seed is None else seed
    scores = measure_baselines(parts, partition, parts.evaluator.baselines_folder(partition, seed), seed=seed)
    if seed == parts.config.seed:
        keep_baselines(parts, partition, scores.values)
    return scores


def keep_baselines(parts: Parts, partition: str, scores: Mapping[str, float | None]) -> None:
    """Put the baselines' scores on the board."""
    parts.board.set_fact("baselines", {**(parts.board.fact("baselines") or {}), partition: dict(scores)})


def measure_baselines(parts: Parts, partition: str, folder: Path, *, seed: int = 0) -> BaselineScores:
    """Return what the harness measures of its baselines; nothing is kept but the files in the folder.

    Raises:
        PhaseFailed: the harness did not end well.
    """
    out = folder / BASELINES
    limits = Limits(wall_s=parts.config.executor.wall_s * 5)
    command = parts.evaluator.baselines_command(
        partition=partition, folder=folder, out=out, limits=limits, python=sys.executable, seed=seed
    )
    with InlineExecutor() as executor:
        end = executor.submit(command).result(None)
    if end.label != "ok":
        log = (folder / "stderr.log").read_text(encoding="utf-8")[-2000:]
        raise PhaseFailed(f"the baselines could not be scored on {partition} ({end.label}): {log}")
    return read_baselines(out, end.wall_s)
