"""The champion: a choice that uses search and confirm, whose worth is not oversold, and whose proof is another matter."""

from __future__ import annotations

import math

import numpy as np
import pytest

from alphalab_nb.judge import Comparison, Estimate, Shrunken, shrunken
from alphalab_nb.judge.champion import Nominee, choose, proven


def after_search(value: float, se: float) -> Shrunken:
    return Shrunken(value, se, value - 1.64 * se, value + 1.64 * se, 0.5)


def nominee(search: float, confirm: float, search_se: float = 1.0, confirm_se: float = 1.0) -> Nominee:
    return Nominee(after_search(search, search_se), Estimate(confirm, confirm_se))


def test_the_more_precise_partition_has_the_greater_say():
    first, second = (1.0, 2.0), (2.0, 1.0)  # loss on search, on confirm
    assert choose([nominee(*first, search_se=0.1), nominee(*second, search_se=0.1)]).index == 0
    assert choose([nominee(*first, confirm_se=0.1), nominee(*second, confirm_se=0.1)]).index == 1


def test_another_level_of_confirm_changes_neither_the_choice_nor_what_is_told_of_differences():
    pairs = [(1.0, 1.3), (1.4, 0.9), (0.8, 1.6)]
    near = choose([nominee(*pair) for pair in pairs])
    far = choose([nominee(search, confirm + 100) for search, confirm in pairs])
    assert far.index == near.index
    assert [each.value - 100 for each in far.posterior] == pytest.approx([each.value for each in near.posterior])


def test_one_nominee_alone_is_worth_what_confirm_measured():
    found = choose([nominee(5.0, 7.0, confirm_se=0.3)]).champion
    assert (found.value, found.se) == pytest.approx((7.0, 0.3))


def test_exact_values_stay_as_they_are():
    found = choose([nominee(1.0, 3.0, confirm_se=0.0), nominee(2.0, 1.0, confirm_se=0.0), nominee(2.0, 4.0, 0.0, 0.0)])
    assert found.index == 1
    assert [each.value for each in found.posterior] == pytest.approx([3.0, 1.0, 4.0])
    assert [each.se for each in found.posterior] == pytest.approx([0.0, 0.0, 0.0], abs=1e-5)


def campaign_end(rng: np.random.Generator, spread: float, noise: float = 0.7) -> tuple[np.ndarray, list[Nominee], np.ndarray]:
    """Return true losses of the ten best of sixty after search, them as nominees, and all sixty; search has noise 1."""
    true = rng.normal(0, spread, 60)
    searched = shrunken([Estimate(float(value), 1.0) for value in true + rng.normal(0, 1.0, 60)])
    top = sorted(range(60), key=lambda n: searched[n].value)[:10]
    confirmed = 5 + true[top] + rng.normal(0, noise, 10)  # confirm has a level of its own
    return 5 + true[top], [Nominee(searched[n], Estimate(float(value), noise)) for n, value in zip(top, confirmed)], 5 + true


@pytest.mark.parametrize("spread", [0.3, 1.0, 3.0])
def test_the_champion_of_the_best_ten_is_not_oversold_though_its_confirm_score_is(spread: float):
    rng = np.random.default_rng(7)
    raw, drawn, inside = [], [], []
    for _ in range(400):
        true, nominees, _ = campaign_end(rng, spread)
        found = choose(nominees)
        raw.append(true[found.index] - nominees[found.index].confirm.value)
        drawn.append(true[found.index] - found.champion.value)
        inside.append(found.champion.low <= true[found.index] <= found.champion.high)
    assert np.mean(raw) > 0.15
    assert abs(np.mean(drawn)) < 0.15
    assert np.mean(inside) >= 0.8


def test_the_posterior_chooses_better_than_either_partition_alone():
    rng = np.random.default_rng(8)
    regrets = {"posterior": [], "search": [], "confirm": []}
    for _ in range(600):
        true, nominees, everyone = campaign_end(rng, 1.0, noise=1.4)
        picks = {"posterior": choose(nominees).index, "search": 0, "confirm": int(np.argmin([each.confirm.value for each in nominees]))}
        for how, pick in picks.items():
            regrets[how].append(true[pick] - everyone.min())
    mean = {how: np.mean(values) for how, values in regrets.items()}
    assert mean["posterior"] < min(mean["search"], mean["confirm"]) - 0.02


def test_only_who_was_measured_furthest_can_be_champion():
    nominees = [nominee(1.0, 1.0), Nominee(after_search(3.0, 1.0), Estimate(2.0, 1.0), (Estimate(2.0, 1.0),))]
    assert choose(nominees).index == 1


def halved(rng: np.random.Generator) -> tuple[np.ndarray, list[Nominee]]:
    """Return the losses on confirm of eight nominees of equal prospects, and them: the better half of a round is measured further.

    Each round's seeds have a level of their own.
    """
    true, left, levels = rng.normal(0, 0.5, 8), list(range(8)), rng.normal(0, 3, 3)
    seen: list[list[Estimate]] = [[] for _ in true]
    for level in levels:
        for n in left:
            seen[n].append(Estimate(float(true[n] + level + rng.normal(0, 1)), 1.0))
        found = choose([Nominee(after_search(0.0, 0.5), one[0], tuple(one[1:])) for one in seen])
        left = sorted(left, key=lambda n: found.posterior[n].value)[: len(left) // 2]
    return true + levels.mean(), [Nominee(after_search(0.0, 0.5), one[0], tuple(one[1:])) for one in seen]


def test_halving_does_not_oversell_the_champion_because_those_who_dropped_out_still_count():
    rng = np.random.default_rng(9)
    drawn, finalists_only, inside = [], [], []
    for _ in range(400):
        true, nominees = halved(rng)
        found = choose(nominees)
        finalists = [each for each in nominees if len(each.further) == 2]
        drawn.append(true[found.index] - found.champion.value)
        inside.append(found.champion.low <= true[found.index] <= found.champion.high)
        finalists_only.append(true[found.index] - choose(finalists).champion.value)
    assert abs(np.mean(drawn)) < 0.1
    assert np.mean(finalists_only) > 0.3
    assert 0.85 <= np.mean(inside) <= 0.95


def test_proof_is_harder_for_the_best_of_many_and_needs_a_standard_error():
    found = Comparison(2.2, 1.0, math.inf, 4)  # p 0.014
    assert proven(found, 0.04, 1)
    assert not proven(found, 0.04, 8)
    assert not proven(found, 0.0, 1)
    assert not proven(None, 0.04, 1)
    assert not proven(Comparison(9.0, math.inf, 1.0, 1), 0.04, 1)


def test_a_champion_of_equals_is_proven_no_more_often_than_alpha():
    rng = np.random.default_rng(11)
    false = 0
    for _ in range(3000):
        confirmed = rng.normal(0, 1, 9)  # the last is the reference
        champion = choose([nominee(0.0, value) for value in confirmed[:8].tolist()]).index
        false += proven(Comparison(confirmed[8] - confirmed[champion], math.sqrt(2), math.inf, 1), 0.1, 8)
    assert false / 3000 <= 0.1
