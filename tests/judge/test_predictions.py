"""How good predicted effects were."""

from __future__ import annotations

import random
from statistics import NormalDist

import pytest

from alphalab_nb.judge.predictions import LEVEL, Foretold, calibration, crps

WIDTH = NormalDist().inv_cdf((1 + LEVEL) / 2)


def foretold(expected: float, realised: float, sd: float = 1.0) -> Foretold:
    return Foretold(expected, expected - WIDTH * sd, expected + WIDTH * sd, realised)


@pytest.mark.parametrize("realised", [-2.0, 0.0, 0.7])
def test_the_crps_is_that_of_its_definition(realised: float):
    drawn = random.Random(3)
    sample = [(drawn.gauss(0.5, 1), drawn.gauss(0.5, 1)) for _ in range(40_000)]
    # E|X - y| - E|X - X'| / 2 (Gneiting and Raftery 2007, eq. 21)
    by_definition = sum(abs(x - realised) - abs(x - other) / 2 for x, other in sample) / len(sample)
    assert crps(foretold(0.5, realised)) == pytest.approx(by_definition, abs=0.02)


def test_a_prediction_without_width_is_scored_by_its_error():
    assert crps(Foretold(1.0, 1.0, 1.0, 0.25)) == 0.75


def test_an_honest_interval_scores_better_than_one_too_sure_or_too_wide():
    drawn = random.Random(4)
    gains = [drawn.gauss(0, 1) for _ in range(2000)]
    honest, sure, wide = (calibration([foretold(0.0, gain, sd) for gain in gains]) for sd in (1.0, 0.1, 10.0))
    assert honest.crps < min(sure.crps, wide.crps)
    assert honest.inside == pytest.approx(LEVEL, abs=0.03)
    assert sure.inside < 0.2


def test_promises_that_never_come_true_are_worth_less_than_no_change():
    found = calibration([foretold(1.0, -0.1 * place, 0.1) for place in range(1, 5)])
    assert (found.n, found.sign_right, found.inside) == (4, 0.0, 0.0)
    assert found.crps > found.crps_of_none == pytest.approx(0.25)
    assert found.correlation is None, "equal promises vary with nothing"


def test_the_sign_of_no_gain_is_no_gain():
    assert calibration([foretold(0.0, 0.0), foretold(0.5, 0.0), foretold(0.5, 2.0)]).sign_right == pytest.approx(2 / 3)
