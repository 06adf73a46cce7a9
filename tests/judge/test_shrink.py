"""Shrunken means: the winner's curse taken back."""

from __future__ import annotations

import numpy as np
import pytest

from alphalab_nb.judge import Estimate, shrunken


def test_the_best_of_many_is_drawn_back_to_the_truth():
    rng = np.random.default_rng(1)
    raw, drawn, inside = [], [], []
    for _ in range(300):
        truth = rng.normal(0, 0.5, 40)
        measured = truth + rng.normal(0, 1.0, 40)
        found = shrunken([Estimate(float(value), 1.0) for value in measured])
        best = int(np.argmin(measured))
        raw.append(measured[best] - truth[best])
        drawn.append(found[best].value - truth[best])
        inside.append(found[best].low <= truth[best] <= found[best].high)
    assert np.mean(raw) < -1.2
    assert abs(np.mean(drawn)) < 0.25
    assert np.mean(inside) >= 0.8


def test_precise_measurements_stay_and_noisy_ones_move():
    precise, noisy, other = shrunken([Estimate(1.0, 0.01), Estimate(1.0, 2.0), Estimate(5.0, 0.01)])
    assert precise.value == pytest.approx(1.0, abs=0.01)
    assert noisy.value > 1.5
    assert noisy.weight < precise.weight
    assert other.high - other.low < noisy.high - noisy.low


def test_candidates_that_differ_by_noise_only_are_one_value():
    found = shrunken([Estimate(value, 1.0) for value in (0.9, 1.0, 1.1)])
    assert {round(each.value, 6) for each in found} == {1.0}
    assert shrunken([]) == []
    assert shrunken([Estimate(2.0, 0.0)])[0].value == 2.0


def test_a_new_measurement_lies_in_the_predicted_interval_as_often_as_it_says():
    rng = np.random.default_rng(3)
    hits = []
    for _ in range(400):
        truth = rng.normal(0, 1.0, 20)
        measured = truth + rng.normal(0, 0.7, 20)
        best = int(np.argmin(measured))
        low, high = shrunken([Estimate(float(value), 0.7) for value in measured])[best].predicts(0.5)
        hits.append(low <= truth[best] + rng.normal(0, 0.5) <= high)
    assert 0.84 <= np.mean(hits) <= 0.96
