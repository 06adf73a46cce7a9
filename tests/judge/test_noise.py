"""How far two scores lie apart by noise alone."""

from __future__ import annotations

import random

import pytest

from alphalab_nb.judge.noise import noise_band
from alphalab_nb.storage.experiment import Score
from tests.boards import scored


def losses(seed: int, *, level: float = 1.0, sd: float = 0.2, square: bool = False) -> Score:
    drawn = random.Random(seed)
    units = tuple((f"t{i}/a", max(0.0, drawn.gauss(level, sd))) for i in range(200))
    mean = sum(value for _, value in units) / len(units)
    return scored(mean**0.5 if square else mean, units=units)


def test_the_band_covers_the_difference_of_two_repeats():
    drawn = random.Random(1)
    repeats = [[10 + drawn.gauss(0, 0.1) for _ in range(4)] for _ in range(100)]
    band = noise_band(repeats, [], block=1, seed=0)
    assert band is not None
    pairs = [(10 + drawn.gauss(0, 0.1), 10 + drawn.gauss(0, 0.1)) for _ in range(4000)]
    inside = sum(abs(a - b) / 10 < band.relative for a, b in pairs) / len(pairs)
    assert 0.93 < inside < 0.97


def test_equal_repeats_do_not_make_the_band_zero():
    band = noise_band([[1.0, 1.0, 1.0]], [(losses(1), losses(2))], block=1, seed=0)
    assert band is not None
    assert (band.how, band.relative > 0.01) == ("units", True)


def test_a_root_of_mean_squares_has_half_the_relative_band_of_its_units():
    plain = noise_band([], [(losses(1, level=2), losses(2, level=2))], block=1, seed=0)
    root = noise_band([], [(losses(1, level=2, square=True), losses(2, level=2, square=True))], block=1, seed=0)
    assert plain is not None
    assert root is not None
    assert root.relative == pytest.approx(plain.relative / 2)


@pytest.mark.parametrize("pairs", [
    [], [(scored(1.0, units=()), losses(1))], [(losses(1), losses(1))], [(losses(1), scored(1.0, units=(("t0/a", 1.0),)))],
])
def test_what_cannot_be_paired_tells_no_noise(pairs: list[tuple[Score, Score]]):
    assert noise_band([[1.0], [2.0]], pairs, block=1, seed=0) is None
