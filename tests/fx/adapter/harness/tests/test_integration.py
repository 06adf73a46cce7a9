"""A score end to end on a few origins: served candidate, labels of failure, units, gates, fidelities."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from harness import score
from harness.tests.panels import Judge

# both items alternate between 1 % and 3 % a day; a rises, b falls
STEPS = np.tile([[0.01, -0.01], [0.03, -0.03]], (20, 1))
RATES = np.exp(np.cumsum(STEPS, axis=0))
BOUNDS = (20, 40)
RISES = 'return context["new"][-1] * np.array([1.1, 0.9]) * np.ones(shape)'
FALLS = 'return context["new"][-1] * np.array([0.9, 1.1]) * np.ones(shape)'
LAST = 'return context["new"][-1] * np.ones(shape)'
# rows 20 to 37 in six windows of three days: nine days of 1 %, nine of 3 %
DEVIATION = math.sqrt(18 * 0.01**2 / 17)
SHARPE = math.sqrt(252) * 0.02 / DEVIATION


def test_a_forecaster_that_says_what_happens_earns_it_every_day(judged: Judge) -> None:
    found = judged(RATES, BOUNDS, RISES)
    assert (found["ok"], found["label"], found["metric"]) == (True, "ok", "sharpe")
    assert found["value"] == pytest.approx(SHARPE, rel=1e-9)
    assert [unit["id"] for unit in found["units"]] == [f"t{t}/{item}" for t in (20, 23, 26, 29, 32, 35) for item in "ab"]
    assert np.mean([unit["value"] for unit in found["units"]]) == pytest.approx(-0.02)
    secondary = found["secondary"]
    assert (secondary["direction_accuracy"], secondary["max_drawdown"], secondary["trades"], secondary["days"]) == (1.0, 0.0, 12, 18)
    assert secondary["interval"]["low"] < found["value"] < secondary["interval"]["high"]


def test_the_opposite_forecast_loses_it_all(judged: Judge) -> None:
    found = judged(RATES, BOUNDS, FALLS)
    assert found["value"] == pytest.approx(-SHARPE, rel=1e-9)
    assert found["secondary"]["direction_accuracy"] == 0.0
    assert found["secondary"]["max_drawdown"] == pytest.approx(0.36)


def test_no_opinion_is_no_trade(judged: Judge) -> None:
    found = judged(RATES, BOUNDS, LAST)
    assert (found["label"], found["value"], found["secondary"]["trades"]) == ("ok", 0.0, 0)
    assert found["secondary"]["direction_accuracy"] is None


def test_costs_are_charged_at_the_ends(judged: Judge) -> None:
    found = judged(RATES, BOUNDS, RISES)["secondary"]
    daily = np.tile([0.01, 0.03], 9)
    daily[[0, -1]] -= 0.0001
    assert found["sharpe_0bp"] == pytest.approx(SHARPE, rel=1e-9)
    assert found["sharpe_1bp"] == pytest.approx(math.sqrt(252) * daily.mean() / daily.std(ddof=1), rel=1e-9)


def test_the_pegged_item_is_left_out_by_name(judged: Judge) -> None:
    pegged = RATES.copy()
    pegged[:, 1] = 0.12
    found = judged(pegged, BOUNDS, RISES, pegged="b")
    # b earns nothing: half the mean, half the deviation
    assert (found["value"], found["secondary"]["sharpe_without_pegged"]) == pytest.approx((SHARPE, SHARPE), rel=1e-9)
    assert found["secondary"]["sharpe_by_item"] == {"a": pytest.approx(SHARPE, rel=1e-9), "b": 0.0}


def test_a_pegged_item_that_does_not_exist_blames_infrastructure(judged: Judge) -> None:
    found = judged(RATES, BOUNDS, RISES, pegged="yuan")
    assert found["label"] == "infrastructure"
    assert "none of a, b" in found["error"]


def test_shuffled_rates_cost_the_lead(judged: Judge) -> None:
    target = RATES.copy()
    target[20:] = np.random.default_rng(0).permutation(target[20:], axis=0)
    assert judged(target, BOUNDS, RISES)["value"] < 0.2 * SHARPE


@pytest.mark.parametrize(("body", "label"), [
    ("return np.full(shape, np.nan)", "invalid_output"),
    ("return np.full(shape, 1e200)", "invalid_output"),
    ("return np.zeros(shape[0])", "invalid_output"),
    ("raise ValueError('no')", "crash"),
    ("os._exit(3)", "crash"),
    ("raise MemoryError", "oom"),
    ("return np.random.default_rng().normal(size=shape)", "gate_missed"),
])
def test_bad_forecaster_gets_its_label(judged: Judge, body: str, label: str) -> None:
    found = judged(RATES, BOUNDS, body)
    assert (found["ok"], found["label"]) == (False, label)
    assert found["error"]


def test_a_sign_that_changes_while_the_level_is_steady_misses_the_gate(judged: Judge) -> None:
    """The levels of two processes agree to seven digits, the positions do not."""
    body = """path = os.path.join(self.folder, "seen")
sign = -1 if os.path.exists(path) else 1
if context["t"] == 35: open(path, "w").close()
return context["new"][-1] * (1 + 1e-7 * sign) * np.ones(shape)"""
    found = judged(RATES, BOUNDS, body)
    assert found["label"] == "gate_missed"
    assert [gate["slack"] < 0 for gate in found["gates"]] == [False, True]


def test_hanging_forecaster_is_killed(judged: Judge) -> None:
    assert judged(RATES, BOUNDS, "time.sleep(60)", "--step-timeout-s", "0.3")["label"] == "timeout"


def test_artefact_without_serve_is_a_crash(judged: Judge) -> None:
    assert judged(RATES, BOUNDS, "", serve="other.py")["label"] == "crash"


def test_later_partition_sees_the_earlier_ones_as_history(judged: Judge) -> None:
    body = 'rows = len(context["new"]) if context["t"] == 30 else 30\nassert rows == 30\n' + RISES
    found = judged(RATES, (10, 20, 30), body, partition="sealed")
    assert (found["label"], found["units"][0]["id"]) == ("ok", "t30/a")


def test_a_smoke_score_has_few_origins(judged: Judge) -> None:
    found = judged(RATES, BOUNDS, RISES, "--fidelity", "smoke", smoke_origins=2)
    assert [unit["id"] for unit in found["units"]] == ["t20/a", "t20/b", "t35/a", "t35/b"]


def test_rates_that_never_vary_their_growth_blame_infrastructure(judged: Judge) -> None:
    line = np.exp(0.01 * np.arange(40))[:, None]
    found = judged(line, BOUNDS, 'return 2 * context["new"][-1] * np.ones(shape)')
    assert found["label"] == "infrastructure"
    assert "without variance" in found["error"]


def test_missing_data_blames_infrastructure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALPHALAB_DATA", raising=False)
    arguments = ["--artefact", str(tmp_path), "--partition", "search", "--out", str(tmp_path / "score.json")]
    assert score.main([*arguments, "--fidelity", "smoke"]) == 0
    written = json.loads((tmp_path / "score.json").read_text(encoding="utf-8"))
    assert (written["ok"], written["label"], written["fidelity"]) == (False, "infrastructure", "smoke")
