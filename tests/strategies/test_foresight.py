"""What the offline strategy expects of its proposals."""

from __future__ import annotations

from pathlib import Path

import pytest

from alphalab_nb.metric import Metric
from alphalab_nb.storage.experiment import Experiment, State
from alphalab_nb.strategies.base import Seen
from alphalab_nb.strategies.foresight import RULES, gains_of
from alphalab_nb.strategies.offline import OfflineStrategy
from tests.strategies.simulated import Simulation, families, landscape

RMSE = Metric("rmse")


def seen(id: int, score: float) -> Seen:
    experiment = Experiment(id=id, name=f"x{id}", family="f", hypothesis="", state=State.DONE, author="offline")
    return Seen(experiment=experiment, smoke=None, score=score, seconds=1.0)


@pytest.mark.parametrize(("metric", "gains"), [(RMSE, [1.0, -2.0, 0.5]), (Metric("sharpe", "maximize"), [-1.0, 1.0, -2.5])])
def test_a_gain_is_over_the_best_before_it_and_positive_is_better(metric: Metric, gains: list[float]):
    scored = [seen(1, 3.0), seen(2, 2.0), seen(3, 4.0), seen(4, 1.5)]
    assert [gain for _, gain in gains_of(metric, scored)] == gains


def test_it_predicts_nothing_before_it_has_seen_anything_and_then_what_it_has_seen(tmp_path: Path):
    recipes = families(4)
    done = Simulation(tmp_path, recipes, landscape(recipes, 1, metric=RMSE), budget=30).run(OfflineStrategy)
    experiments = done.board.list()
    assert experiments[0].predicted is None
    predicted = [e.predicted for e in experiments if e.predicted is not None]
    assert len(predicted) >= 15
    for one in predicted:
        assert one.low <= one.expected <= one.high
        assert one.model == RULES
