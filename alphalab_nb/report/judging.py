"""The record of the Judge: every test on confirm with what it cost, and what was kept beside what it showed when measured again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from alphalab_nb.judge.leaders import baseline_of
from alphalab_nb.metric import Metric
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.experiment import Run, RunKind
from alphalab_nb.storage.rulings import Rulings

TESTS = ["test", "id", "name", "against", "gain", "low", "high", "p", "alpha spent", "alpha left", "decision", "reason"]
AGAIN = ["id", "name", "first score", "search again", "repeats", "confirm", "confirm runs", "gain first", "gain again", "faded"]

MEASURED: tuple[RunKind, ...] = ("full", "rescore", "replicate", "confirm")
"""Kinds of runs that measure a program as it is: not those that prove it again, nor those with other compute."""


def judge_record(board: Board, alpha: float) -> pd.DataFrame:
    """Return a row for each look of a test on the confirm partition, oldest first.

    The gain is the mean paired difference to the incumbent in units of loss, positive is better, with its 90 % interval; p is one-sided.

    Args:
        alpha: error probability of the whole campaign, from which every ruling may take.
    """
    names, left, rows = {e.id: e.name for e in board.list()}, alpha, list[dict[str, Any]]()
    for ruling in Rulings(board.database).list():
        left -= ruling.alpha
        if ruling.p_value is not None:
            rows.append({
                "test": len(rows) + 1, "id": ruling.experiment, "name": names[ruling.experiment],
                "against": "baseline" if ruling.incumbent is None else f"#{ruling.incumbent}", "gain": ruling.gain, "low": ruling.low,
                "high": ruling.high, "p": ruling.p_value, "alpha spent": ruling.alpha, "alpha left": max(0.0, left),
                "decision": ruling.decision, "reason": ruling.reason,
            })
    return pd.DataFrame(rows, columns=TESTS).set_index("test")


def kept_again(board: Board, metric: Metric) -> pd.DataFrame:
    """Return, for each experiment that was kept, its first search score beside what was measured of it later: the winner's curse.

    Gains are relative improvements over the certified baseline on the same partition, so that harder rows do not look like a loss.
    `gain again` is that on confirm, or of repeats on search where confirm has none; `faded` is what of the first gain was not there again.
    """
    names = {e.id: e.name for e in board.list()}
    rows = [{"id": id, "name": names[id], **_measured(board, metric, id)} for id in dict.fromkeys(Rulings(board.database).kept())]
    return pd.DataFrame(rows, columns=AGAIN).set_index("id")


def mean_fading(table: pd.DataFrame) -> float | None:
    """Return how much of a gain over the baseline the kept experiments lost on average when they were measured again; None if none was."""
    return _mean([float(value) for value in table["faded"].tolist() if pd.notna(value)])


def _measured(board: Board, metric: Metric, id: int) -> dict[str, Any]:
    harness = board.fact("harness")
    runs = [run for run in board.runs(id, status="ended") if run.fidelity == "full" and run.kind in MEASURED]
    valid = [run for run in runs if run.score is not None and run.score.ok and harness in (None, run.score.harness)]
    search, confirm = (list(_values(valid, partition)) for partition in ("search", "confirm"))
    first, repeats = search[0] if search else None, search[1:]
    again, on_confirm = _mean(repeats), _mean(confirm)
    beside = baseline_of(board, id)
    before = _gain(board, metric, "search", beside, first)
    after = _gain(board, metric, "confirm", beside, on_confirm)
    after = _gain(board, metric, "search", beside, again) if after is None else after
    return {
        "first score": first, "search again": again, "repeats": len(repeats), "confirm": on_confirm, "confirm runs": len(confirm),
        "gain first": before, "gain again": after, "faded": None if before is None or after is None else before - after,
    }


def _values(runs: list[Run], partition: str) -> Iterator[float]:
    yield from (run.score.value for run in runs if run.partition == partition and run.score is not None and run.score.value is not None)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _gain(board: Board, metric: Metric, partition: str, name: str, value: float | None) -> float | None:
    """Return the relative improvement over a baseline on a partition; None if either was not measured there."""
    baseline = (board.fact("baselines") or {}).get(partition, {}).get(name)
    return None if value is None or baseline is None else metric.improvement(value, baseline)
