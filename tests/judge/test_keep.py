"""The keep rule of best-so-far."""

from __future__ import annotations

import pytest

from alphalab_nb.judge import verdict
from alphalab_nb.metric import Metric
from alphalab_nb.storage.experiment import Run
from tests.boards import scored

RMSE, SHARPE = Metric("rmse"), Metric("sharpe", "maximize")


def runs(*values: float) -> list[Run]:
    return [
        Run(id=n, experiment=1, attempt=1, kind="full", partition="search", seed=n, fidelity="full", status="ended", score=scored(value))
        for n, value in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("metric", "mine", "incumbent", "decision"),
    [
        (RMSE, [1.0], [], "keep"),
        (RMSE, [0.9], [1.0], "keep"),
        (RMSE, [1.0], [1.0], "reject"),
        (RMSE, [1.1], [1.0], "reject"),
        (SHARPE, [1.1], [1.0], "keep"),
        (SHARPE, [-0.1], [0.1], "reject"),
        (RMSE, [0.8, 1.4], [1.0], "reject"),
        (RMSE, [float("nan")], [1.0], "quarantine"),
        (RMSE, [float("-inf")], [1.0], "quarantine"),
        (RMSE, [], [1.0], "reject"),
    ],
)
def test_only_a_strictly_better_mean_is_kept(metric: Metric, mine: list[float], incumbent: list[float], decision: str):
    ruled = verdict(runs(*mine), runs(*incumbent), 1.0, metric=metric)
    assert ruled.decision == decision
    assert ruled.reason


def test_the_reason_names_both_numbers():
    assert verdict(runs(0.9), runs(1.0), 1.0, metric=RMSE).reason == "rmse 0.9 against 1 of the incumbent: 10.00% better"
