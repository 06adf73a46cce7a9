"""The baseline certificate: what it measures, and what it refuses to certify."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from alphalab_nb.judge.certificate import BaselineScores, certify, in_metric, noise_of, repeats_enough
from alphalab_nb.metric import Metric

RMSE, SHARPE = Metric("rmse"), Metric("sharpe", "maximize")
ORIGINS = 400


def scores(losses: Mapping[str, np.ndarray], *, gates: Mapping[str, Sequence[Mapping[str, Any]]] | None = None) -> BaselineScores:
    units = {name: [(f"t{n}/co2", float(loss)) for n, loss in enumerate(each)] for name, each in losses.items()}
    return BaselineScores({name: math.sqrt(each.mean()) for name, each in losses.items()}, units, gates or {})


def drawn(seed: int = 0) -> dict[str, np.ndarray]:
    """Squared errors with a common difficulty per origin, as forecasts of the same truth have."""
    rng = np.random.default_rng(seed)
    common = rng.gamma(2.0, 1.0, ORIGINS)
    return {"naive": common * 3 + rng.normal(0, 0.1, ORIGINS) ** 2, "ridge": common + rng.normal(0, 0.1, ORIGINS) ** 2,
            "holt_winters": 1.05 * common + rng.normal(0, 0.1, ORIGINS) ** 2}


def certified(repeats: Sequence[BaselineScores], **other: Any):
    values: dict[str, Any] = {"metric": RMSE, "stochastic": False, "block": 1, "seed": 0, **other}
    return certify(repeats, ["naive", "ridge"], **values)


def test_it_names_the_strongest_baseline_with_a_band_that_covers_it():
    found = certified([scores(drawn())] * 5)
    assert not found.faults
    assert (found.baseline, found.repeats, found.deterministic) == ("ridge", 5, True)
    assert found.low < found.value < found.high


def test_equal_repeats_never_give_a_zero_noise():
    """A deterministic program has no spread over seeds, and is uncertain by its units all the same."""
    noise = certified([scores(drawn())] * 5).noise
    assert noise.seed_sd == 0
    assert noise.unit_sd > 0


def test_the_noise_is_that_of_a_paired_comparison():
    """Common difficulty cancels: the noise is near the spread of paired differences, far from that of the losses themselves."""
    losses = drawn()
    noise = certified([scores(losses)] * 5).noise.unit_sd
    paired = float(np.std(losses["ridge"] - losses["holt_winters"]) / math.sqrt(ORIGINS))
    alone = float(np.std(losses["ridge"]) / math.sqrt(ORIGINS))
    assert noise == pytest.approx(paired, rel=0.25)
    assert noise < 0.3 * alone


def timed(seed: int, half: float) -> BaselineScores:
    """Losses that stray by 0.01, of references that the harness says it measures within this half-width, as a logarithm."""
    losses = {name: float(np.random.default_rng([seed, n]).normal(0, 0.01)) for n, name in enumerate(("naive", "ridge", "drift"))}
    values = {name: math.exp(-loss) for name, loss in losses.items()}
    stated = {name: (value * math.exp(-half), value * math.exp(half)) for name, value in values.items()}
    return BaselineScores(values, {name: [(f"{name}/{seed}", loss)] for name, loss in losses.items()}, {}, stated=stated)


def test_the_noise_of_a_measurement_is_at_least_what_the_harness_says_of_it():
    """References next to themselves repeat better than two different programs do."""
    options = {"metric": Metric("speedup", "maximize"), "stochastic": True}
    runs = [timed(seed, 0.1) for seed in range(5)]
    believed, shown = certified(runs, confirm=runs, measured=True, **options), certified(runs, confirm=runs, **options)
    assert shown.noise.seed_sd < 0.03
    assert believed.noise.seed_sd == pytest.approx(math.sqrt(2) * 0.1 / 1.96, rel=0.01)
    assert believed.confirm_noise is not None
    assert believed.confirm_noise.seed_sd == pytest.approx(believed.noise.seed_sd, rel=0.01)
    assert certified([timed(seed, 0.001) for seed in range(5)], measured=True, **options).noise == shown.noise


@pytest.mark.parametrize(("baselines", "repeats"), [(1, 5), (2, 5), (6, 5), (8, 4), (11, 3), (24, 3), (200, 3)])
def test_many_baselines_need_fewer_repeats_for_as_many_degrees_of_freedom(baselines: int, repeats: int):
    assert repeats_enough(baselines) == repeats
    assert repeats == 5 or (baselines - 1) * (repeats - 1) >= 20


def test_dependent_units_give_a_wider_noise():
    rng = np.random.default_rng(1)
    runs = np.repeat(rng.normal(0, 1, ORIGINS // 20), 20)
    losses = {"ridge": 5 + runs, "naive": np.full(ORIGINS, 6.0)}
    narrow, wide = (certified([scores(losses)] * 2, block=block).noise.unit_sd for block in (1, 20))
    assert wide > 2 * narrow


def test_a_baseline_that_misses_its_own_gate_is_not_certified():
    gates = {"ridge": [{"name": "seconds", "value": 603.5, "limit": 600.0, "slack": -3.5}]}
    found = certified([scores(drawn())] * 4 + [scores(drawn(), gates=gates)])
    assert len(found.faults) == 1
    assert "the baseline ridge misses the gate seconds: 603.5 against 600.0" in found.faults[0]


def test_the_smallest_slack_of_each_gate_is_told():
    rows = [{"ridge": [{"name": "seconds", "value": 600 - slack, "limit": 600.0, "slack": slack}]} for slack in (30.0, 2.0, 10.0)]
    found = certified([scores(drawn(), gates=gates) for gates in rows])
    assert [(gate["baseline"], gate["slack"]) for gate in found.gates] == [("ridge", 2.0)]


def test_repeats_that_differ_are_refused_where_the_harness_claims_to_be_deterministic():
    restless = [scores(drawn()), scores(drawn(1))]
    assert "the manifest says `stochastic: false`" in certified(restless).faults[0]
    found = certified(restless, stochastic=True)
    assert not found.faults
    assert not found.deterministic
    assert found.noise.seed_sd > 0


def test_seeds_that_move_the_units_leave_the_band_in_the_unit_of_the_metric():
    found = certified([scores(drawn(seed)) for seed in range(5)], stochastic=True)
    assert math.isfinite(found.low)
    assert found.low < found.value < found.high


def test_a_last_bit_is_a_difference():
    moved = drawn()
    moved["ridge"] = np.nextafter(moved["ridge"], np.inf)
    assert certified([scores(drawn()), scores(moved)]).faults


def test_a_missing_baseline_and_missing_units_are_refused():
    without = {name: loss for name, loss in drawn().items() if name != "ridge"}
    assert "required baselines ridge" in certified([scores(without)] * 2).faults[0]
    bare = BaselineScores({"naive": 1.0, "ridge": 2.0}, {}, {})
    assert "no per-unit losses" in certified([bare] * 2).faults[0]


def test_its_record_is_json_and_keeps_the_noise():
    found = certified([scores(drawn())] * 2)
    assert noise_of(json.loads(json.dumps(found.record(), allow_nan=False))) == found.noise


@pytest.mark.parametrize(
    ("value", "mean", "gain", "expected"),
    [(4.0, 4.0, 1.0, 1.0), (4.0, 16.0, 7.0, 1.0), (-4.0, 4.0, 1.0, 1.0), (0.3, 4.0, 1.0, None), (4.0, 4.0, math.inf, None)],
    ids=["mean", "root", "negative", "neither", "infinite"],
)
def test_a_gain_in_loss_is_said_in_the_metric_where_that_is_known(value: float, mean: float, gain: float, expected: float | None):
    found = in_metric(value, mean, gain)
    assert found == (None if expected is None else pytest.approx(expected))


def test_the_noise_over_seeds_is_neither_that_of_the_luckiest_pair_nor_what_all_programs_share():
    rng, found = np.random.default_rng(0), list[float]()
    names = ["naive", "ridge", "holt_winters", "drift"]
    for _ in range(200):
        shared = rng.normal(0, 3, 5)
        repeats = [scores({name: np.array([100 + n + shared[k] + rng.normal(0, 1)]) for n, name in enumerate(names)}) for k in range(5)]
        found.append(certified(repeats, stochastic=True).noise.seed_sd ** 2)
    assert np.mean(found) == pytest.approx(2.0, rel=0.1), "two programs have the variance of one each"
