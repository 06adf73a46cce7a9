"""The table of predicted effects: who foretells what an experiment will bring, and who only says so."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pandas as pd

from alphalab_nb.judge.predictions import Foretold, calibration
from alphalab_nb.metric import Metric
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.experiment import Experiment, Prediction
from alphalab_nb.storage.leaderboard import full_runs, values_of


def predictions(board: Board, metric: Metric) -> pd.DataFrame:
    """Return how good predicted effects were, by strategy and model: gains over the best when the proposal was accepted.

    `predicted` counts all that were made, `scored` those with a full score; a CRPS says something beside that of `no change` only.
    """
    made: dict[tuple[str, str], list[Foretold | None]] = defaultdict(list)
    for experiment in board.list():
        if experiment.predicted is not None:
            made[experiment.author, experiment.predicted.model].append(_foretold(board, metric, experiment, experiment.predicted))
    rows = [{"strategy": strategy, "model": model, "predicted": len(found), **_worth([one for one in found if one is not None])}
            for (strategy, model), found in sorted(made.items())]
    columns = ["strategy", "model", "predicted", "scored", "sign right", "inside 80 %", "CRPS", "CRPS of no change", "correlation"]
    return pd.DataFrame(rows, columns=columns).set_index(["strategy", "model"])


def _foretold(board: Board, metric: Metric, experiment: Experiment, predicted: Prediction) -> Foretold | None:
    runs = [] if experiment.quarantined else full_runs(board, experiment.id, board.fact("harness"))
    values = values_of(runs)
    if not values or predicted.over is None:
        return None
    realised = metric.loss(predicted.over) - metric.loss(sum(values) / len(values))
    return Foretold(predicted.expected, predicted.low, predicted.high, realised)


def _worth(foretold: list[Foretold]) -> dict[str, Any]:
    if not foretold:
        return {"scored": 0}
    found = calibration(foretold)
    return {"scored": found.n, "sign right": found.sign_right, "inside 80 %": found.inside, "CRPS": found.crps,
            "CRPS of no change": found.crps_of_none, "correlation": found.correlation}
