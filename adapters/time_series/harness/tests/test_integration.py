"""A score end to end on a few origins: served candidate, labels of failure, units, gates, fidelities."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from harness import runner, score
from harness.tests.panels import Judge

LINE = np.arange(40.0)[:, None] + [0.0, 100.0]
BOUNDS = (20, 40)
TRUTH = 'return context["t"] + np.arange(shape[0])[:, None] + np.array([0.0, 100.0])'


def test_perfect_forecast_scores_zero_with_a_unit_per_origin_and_item(judged: Judge) -> None:
    found = judged(LINE, BOUNDS, TRUTH, stride=5)
    assert (found["label"], found["value"]) == ("ok", 0.0)
    assert [unit["id"] for unit in found["units"]] == [f"t{t}/{item}" for t in (20, 25, 30, 35) for item in "ab"]
    assert found["secondary"]["by_step"] == [0.0, 0.0, 0.0]


def test_missing_truth_is_left_out(judged: Judge) -> None:
    target = LINE.copy()
    target[21, 0] = np.nan
    target[25:28, 1] = np.nan
    found = judged(target, BOUNDS, TRUTH.replace("context", "1 + context", 1), stride=5)
    assert found["value"] == pytest.approx(1.0)
    assert "t25/b" not in [unit["id"] for unit in found["units"]]
    assert len(found["units"]) == 7


@pytest.mark.parametrize(("body", "label"), [
    ("return np.full(shape, np.nan)", "invalid_output"),
    ("return np.full(shape, 1e200)", "invalid_output"),
    ("return np.zeros(shape[0])", "invalid_output"),
    ("raise ValueError('no')", "crash"),
    ("os._exit(3)", "crash"),
    ("return 'seven'", "crash"),
    ("raise MemoryError", "oom"),
    ("return np.random.default_rng().normal(size=shape)", "gate_missed"),
    ("return np.random.default_rng().normal(size=shape) * (context['t'] > 25)", "gate_missed"),
])
def test_bad_forecaster_gets_its_label(judged: Judge, body: str, label: str) -> None:
    found = judged(LINE, BOUNDS, body, stride=5)
    assert (found["ok"], found["label"]) == (False, label)
    assert found["error"]


def test_hanging_forecaster_is_killed(judged: Judge) -> None:
    assert judged(LINE, BOUNDS, "time.sleep(60)", "--step-timeout-s", "0.3")["label"] == "timeout"


def test_time_of_the_whole_score_is_bounded(judged: Judge) -> None:
    assert judged(LINE, BOUNDS, "time.sleep(0.2); return np.zeros(shape)", "--timeout-s", "0.7")["label"] == "timeout"


def test_artefact_without_serve_is_a_crash(judged: Judge) -> None:
    assert judged(LINE, BOUNDS, "", serve="other.py")["label"] == "crash"


def test_later_partition_sees_the_earlier_ones_as_history(judged: Judge) -> None:
    body = 'return np.tile(context["new"][-1:, 0] + 1 + np.arange(shape[0])[:, None], 2)'
    found = judged(LINE[:, :1].repeat(2, axis=1), (10, 20, 30), body, partition="sealed")
    assert (found["label"], found["value"]) == ("ok", 0.0)
    assert found["units"][0]["id"] == "t30/a"


def test_smoke_has_few_origins_and_is_not_ranked(judged: Judge) -> None:
    found = judged(LINE, BOUNDS, TRUTH, "--fidelity", "smoke", smoke_origins=2)
    assert [unit["id"] for unit in found["units"]] == ["t20/a", "t20/b", "t37/a", "t37/b"]
    rows = [{"ok": True, "fidelity": "smoke", "value": 0.0}, {"ok": True, "fidelity": "full", "value": 2.0},
            {"ok": True, "fidelity": "full", "value": 1.0}, {"ok": False, "fidelity": "full", "value": 0.5}]
    assert [row["value"] for row in score.ranked(rows)] == [1.0, 2.0]


def test_gate_compares_two_processes() -> None:
    first, other = [np.ones((2, 1)), np.ones((2, 1))], [np.ones((2, 1)), np.full((2, 1), 1.01)]
    assert runner.reproducible_gate(first, first)["slack"] > 0
    assert runner.reproducible_gate(first, other)["slack"] < 0


def test_child_starts_through_the_given_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPHALAB_CHILD", json.dumps(["box", "--bind={artefact}", "--see", "{harness}", "python"]))
    argv = runner.child_argv(Path("/a"), Path("/h"))
    assert argv == ["box", "--bind=/a", "--see", "/h", "python", "/h/serve.py", "--artefact", "/a"]
    monkeypatch.delenv("ALPHALAB_CHILD")
    assert runner.child_argv(Path("/a"), Path("/h"))[0] == sys.executable


def test_missing_data_blames_infrastructure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALPHALAB_DATA", raising=False)
    arguments = ["--artefact", str(tmp_path), "--partition", "search", "--out", str(tmp_path / "score.json")]
    found = score.measured_or_failed(score.parser().parse_args(arguments))
    assert found["label"] == "infrastructure"
    score.write_atomically(tmp_path / "score.json", found)
    assert json.loads((tmp_path / "score.json").read_text(encoding="utf-8"))["ok"] is False
