"""The sequential rule: what it keeps, what it asks for, and what it spends."""

from __future__ import annotations

import math

import numpy as np
import pytest

from alphalab_nb.errors import BadInput
from alphalab_nb.judge import Noise, Rules, Verdict, compared, detectable, power_at, seed_noise, sequential
from alphalab_nb.judge.spending import level, schedule
from alphalab_nb.metric import Metric
from alphalab_nb.storage.experiment import Label, Run, Score

LOSS, SHARPE = Metric("loss"), Metric("sharpe", "maximize")
RULES = Rules(noise=Noise(seed_sd=1.0))


def run(value: float, partition: str = "search", seed: int = 0, units: tuple[tuple[str, float], ...] = (), label: Label = "ok") -> Run:
    score = Score(ok=label == "ok", label=label, metric="loss", value=value if label == "ok" else None, units=units)
    return Run(id=seed + 1, experiment=1, attempt=1, kind="full", partition=partition, seed=seed, fidelity="full", status="ended",
               score=score)


def on_confirm(*values: float) -> list[Run]:
    return [run(value, "confirm", 1000 + n) for n, value in enumerate(values)]


INCUMBENT = [run(10.0), *on_confirm(10, 10, 10, 10)]


def ruled(runs: list[Run], alpha_left: float = 0.04, rules: Rules = RULES, history: tuple[float, ...] = ()) -> Verdict:
    return sequential(runs, INCUMBENT, alpha_left, metric=LOSS, rules=rules, history=history)


def test_screening_rejects_small_gains_without_spending_alpha():
    found = ruled([run(9.5)])
    assert (found.decision, found.alpha_spent, found.gain) == ("reject", 0.0, 0.5)


def test_a_survivor_is_never_kept_on_search_alone_but_sent_to_confirm():
    found = ruled([run(2.0)])
    assert (found.decision, found.partition, found.alpha_spent) == ("replicate", "confirm", 0.0)
    assert found.replicates == 1  # so large a gain shows in one run


def test_confirm_decides_and_only_a_failed_test_spends():
    kept = ruled([run(5.0), *on_confirm(5.0)])
    assert (kept.decision, kept.alpha_spent) == ("keep", 0.0)
    lost = ruled([run(5.0), *on_confirm(10.5)])
    assert lost.decision == "reject"
    assert 0 < lost.alpha_spent <= RULES.spending * 0.04 + 1e-12
    assert lost.p_value is not None
    assert lost.p_value > 0.5


def test_a_gain_on_search_alone_or_on_one_seed_is_rejected():
    assert ruled([run(0.0), *on_confirm(10.0)]).decision == "reject"


def test_an_undecided_test_asks_for_more_and_ends_at_the_most_replicates():
    first = ruled([run(7.0), *on_confirm(8.2)])
    assert first.decision == "replicate"
    assert first.alpha_spent > 0
    assert ruled([run(7.0), *on_confirm(9.0, 9.0, 9.0, 9.0)]).decision == "reject"


def test_without_alpha_nothing_is_kept():
    assert ruled([run(0.0)], alpha_left=0.0).decision == "reject"
    assert ruled([run(0.0), *on_confirm(0.0)], alpha_left=0.0).decision == "reject"


def test_any_number_of_tests_spends_less_than_alpha():
    left, spent = 0.04, 0.0
    for _ in range(500):
        found = ruled([run(5.0), *on_confirm(10.5)], alpha_left=left)
        left, spent = left - found.alpha_spent, spent + found.alpha_spent
    assert left > 0
    assert spent < 0.04


def test_without_an_incumbent_the_first_valid_score_is_kept():
    assert sequential([run(9.0)], [], 0.04, metric=LOSS, rules=RULES).decision == "keep"
    assert sequential([], [], 0.04, metric=LOSS, rules=RULES).decision == "reject"


def test_a_gate_missed_on_confirm_rejects():
    assert ruled([run(0.0), run(0.0, "confirm", 1000, label="gate_missed")]).decision == "reject"


def test_a_maximised_metric_is_compared_by_its_loss():
    found = sequential([run(-5.0)], [run(-9.0)], 0.04, metric=SHARPE, rules=RULES)
    assert found.gain == pytest.approx(4.0)
    assert found.decision == "replicate"


HISTORY = tuple(10 + 0.1 * n for n in range(-5, 6))


def test_a_too_good_score_is_quarantined_until_other_seeds_repeat_it():
    found = ruled([run(1.0)], history=HISTORY)
    assert (found.decision, found.replicates, found.partition) == ("quarantine", 2, "confirm")
    assert ruled([run(1.0), *on_confirm(9.9, 10.0)], history=HISTORY).decision == "quarantine"
    assert ruled([run(1.0), *on_confirm(1.0, 1.1)], history=HISTORY).decision == "keep"


def test_beyond_the_declared_floor_nothing_ranks():
    assert ruled([run(-0.1), *on_confirm(-0.1, -0.1)], rules=Rules(noise=Noise(1.0), floor=0.0)).decision == "quarantine"
    assert ruled([run(float("nan"))]).decision == "quarantine"


def test_looks_double_and_share_the_level_of_one_test():
    assert [schedule(1, 8), schedule(2, 8), schedule(3, 8), schedule(9, 8)] == [(1, 2, 4, 8), (2, 4, 8), (3, 6, 8), (8,)]
    assert 4 * level(RULES, 0.04, 4) == pytest.approx(0.1 * 0.04)


def test_the_detectable_gain_has_the_promised_power_and_twice_of_it_is_found_even_late():
    mde = detectable(RULES)
    assert power_at(mde, RULES, 0.04) == pytest.approx(0.8, abs=1e-6)
    assert power_at(2 * mde, RULES, 0.004) >= 0.9
    assert detectable(Rules(noise=Noise(1.0), replicates=16)) < mde
    with pytest.raises(BadInput, match="certify"):
        detectable(Rules())


# -- deterministic programs: dependent units, one run --------------------------------------------------------

FIXED = Rules(stochastic=False, block=6)


def windows(rng: np.random.Generator, shift: float, partition: str = "confirm") -> Run:
    """Return a run over overlapping forecast windows."""
    losses = np.convolve(rng.normal(size=245), np.ones(6) / math.sqrt(6), mode="valid") + shift
    return run(float(losses.mean()), partition, 0, tuple((f"t{n}/x", float(loss)) for n, loss in enumerate(losses)))


def test_overlapping_windows_are_called_better_about_as_often_as_the_level_says():
    rng, zero = np.random.default_rng(1), run(0.0, "confirm", 0, tuple((f"t{n}/x", 0.0) for n in range(240)))
    values = [
        found.p_value for _ in range(1500)
        if (found := compared([windows(rng, 0.0)], [zero], metric=LOSS, stochastic=False, block=6, noise=None)) is not None
    ]
    assert len(values) == 1500
    assert np.mean([p < 0.05 for p in values]) <= 0.075
    assert np.mean([p < 0.005 for p in values]) <= 0.01


def test_a_deterministic_program_is_confirmed_by_one_run_and_another_seed_changes_nothing():
    assert FIXED.most_runs == 1
    one = run(1.0, units=(("t0/x", 1.0), ("t1/x", 1.2)))
    other = run(1.0, seed=7, units=(("t0/x", 0.9), ("t1/x", 1.0)))
    found = compared([other], [one], metric=LOSS, stochastic=False, block=1, noise=None)
    assert found is not None
    assert found.gain == pytest.approx(0.15)


def test_equal_scores_over_seeds_give_no_zero_band():
    units = tuple((f"t{n}/x", float(n % 3)) for n in range(30))
    better = tuple((id, 0.8 * loss) for id, loss in units)
    for noise in (None, Noise(0.0, unit_sd=0.1, df=8)):
        found = compared([run(0.8, seed=s, units=better) for s in range(3)], [run(1.0, seed=s, units=units) for s in range(3)],
                         metric=LOSS, stochastic=True, block=1, noise=noise)
        assert found is not None
        assert found.se > 0.005


def test_units_that_are_not_paired_are_refused():
    with pytest.raises(BadInput, match="not paired"):
        compared([run(1.0, units=(("a", 1.0),))], [run(1.0, units=(("b", 1.0),))], metric=LOSS, stochastic=True, block=1, noise=None)


def test_the_noise_of_a_pair_leaves_out_what_all_programs_share():
    rng = np.random.default_rng(2)
    shared, own = 5 * rng.normal(size=400), rng.normal(size=(4, 400))
    noise = seed_noise((own + shared + np.arange(4)[:, None]).tolist())
    assert noise.seed_sd == pytest.approx(math.sqrt(2), rel=0.1)
    assert noise.df == 3 * 399


def test_runs_are_paired_by_seed_and_units_by_name_so_that_shared_difficulty_cancels():
    hard = {0: 100.0, 1: -50.0, 2: 7.0}
    theirs = [run(hard[s], seed=s, units=((f"n{s}.a", hard[s] + 3), (f"n{s}.b", hard[s]))) for s in (0, 1, 2)]
    mine = [run(hard[s] - 1, seed=s, units=((f"n{s}.b", hard[s] - 1), (f"n{s}.a", hard[s] + 2))) for s in (2, 0, 1)]
    found = compared(mine, theirs, metric=LOSS, stochastic=True, block=1, noise=Noise(0.5, df=12))
    assert found is not None
    assert (found.gain, found.runs) == (pytest.approx(1.0), 3)
    assert found.se < 0.5
    assert compared(mine[:1], theirs[:2], metric=LOSS, stochastic=True, block=1, noise=None) is None
