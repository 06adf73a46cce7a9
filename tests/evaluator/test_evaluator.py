"""The evaluator on the real harness of the time_series adapter: frozen, commanded, and believed only as far as it proves."""

from __future__ import annotations

import json
import py_compile
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alphalab_nb.errors import HarnessChanged
from alphalab_nb.evaluator import Evaluator
from alphalab_nb.executors import Command, Exit, InlineExecutor, Limits
from alphalab_nb.resources import shipped

OK = Exit(label="ok", code=0, wall_s=1.5, cpu_s=1.0, peak_mib=80.0)
SERVE = """
import numpy as np
class Forecaster:
    def __init__(self, artefact_dir): pass
    def hello(self, meta): self.horizon = meta["horizon"]
    def step(self, context): return np.repeat(context["new"][-1:], self.horizon, axis=0)
"""


@pytest.fixture
def evaluator(tmp_path: Path) -> Evaluator:
    """A frozen harness in a workspace of its own."""
    shutil.copytree(shipped("adapters", "time_series", "harness"), tmp_path / "harness", ignore=shutil.ignore_patterns("__pycache__"))
    task = {"horizon": 4, "stride": 4, "season": 7, "metric": "rmse"}
    (tmp_path / "harness" / "config.json").write_text(json.dumps(task), encoding="utf-8")
    made = Evaluator(tmp_path / "harness", tmp_path)
    made.freeze()
    return made


# -- frozen --------------------------------------------------------------------------------------------------


def test_freezing_names_the_content(evaluator: Evaluator, tmp_path: Path) -> None:
    assert evaluator.version.startswith("h-")
    assert len(evaluator.version) == 14
    evaluator.check()
    copy = tmp_path / "copy"
    shutil.copytree(tmp_path / "harness", copy / "harness")
    assert Evaluator(copy / "harness", copy).freeze() == evaluator.version
    assert Evaluator(tmp_path / "harness", tmp_path).version == evaluator.version


def test_frozen_files_are_read_only(evaluator: Evaluator, tmp_path: Path) -> None:
    assert all(path.stat().st_mode & 0o222 == 0 for path in (tmp_path / "harness").glob("*.py"))


def _change(harness: Path) -> None:
    (harness / "score.py").chmod(0o644)
    (harness / "score.py").write_text("# mine\n", encoding="utf-8")


def _config(harness: Path) -> None:
    (harness / "config.json").chmod(0o644)
    (harness / "config.json").write_text("{}", encoding="utf-8")


@pytest.mark.parametrize(
    ("tamper", "message"),
    [
        (_change, "harness/score.py was changed"),
        (_config, "harness/config.json was changed"),
        (lambda harness: (harness / "metrics.py").unlink(), "harness/metrics.py is missing"),
        (lambda harness: (harness / "sub").mkdir() or (harness / "sub" / "new.py").touch(), "harness/sub/new.py is new"),
        (lambda harness: (harness / "numpy").symlink_to("/tmp"), "harness/numpy is a link"),
    ],
)
def test_a_changed_harness_is_noticed_by_file(evaluator: Evaluator, tmp_path: Path, tamper: Any, message: str) -> None:
    tamper(tmp_path / "harness")
    with pytest.raises(HarnessChanged, match=message):
        evaluator.check()


def test_bytecode_of_other_sources_never_stays(evaluator: Evaluator, tmp_path: Path) -> None:
    """Python would run it instead of the frozen source of the same time and size."""
    source = tmp_path / "harness" / "metrics.py"
    planted = py_compile.compile(str(source))
    assert planted is not None
    evaluator.check()
    assert not Path(planted).exists()


def test_what_was_never_frozen_does_not_pass(tmp_path: Path) -> None:
    made = Evaluator(tmp_path / "harness", tmp_path)
    assert made.version == ""
    with pytest.raises(HarnessChanged, match="never frozen"):
        made.check()
    with pytest.raises(HarnessChanged, match=r"no score\.py"):
        made.freeze()


# -- scoring -------------------------------------------------------------------------------------------------


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A panel of two series, 60 rows of explore and 24 of search; returns an artefact that repeats the last value."""
    rows = np.arange(84)
    target = np.stack([np.sin(rows / 3), rows / 10], axis=1)
    for folder, start, end in (("data/explore", 0, 60), ("vault/search", 60, 84)):
        (tmp_path / folder).mkdir(parents=True)
        np.savez(tmp_path / folder / "panel.npz", target=target[start:end], times=rows[start:end] * 86400, items=["a", "b"], t0=start)
        (tmp_path / folder / "meta.json").write_text(json.dumps({"freq": "D", "season": 7}), encoding="utf-8")
    artefact = tmp_path / "artefact"
    artefact.mkdir()
    (artefact / "serve.py").write_text(SERVE, encoding="utf-8")
    return artefact


def execute(command: Command) -> Exit:
    with InlineExecutor() as executor:
        return executor.submit(command).result(60)


def command(evaluator: Evaluator, artefact: Path, **options: Any) -> Command:
    fixed: dict[str, Any] = {"partition": "search", "seed": 0, "fidelity": "full", "limits": Limits(wall_s=60)}
    return evaluator.score_command(artefact=artefact, folder=artefact.parent / "score", **fixed | options)


def test_an_artefact_is_scored(evaluator: Evaluator, data: Path, tmp_path: Path) -> None:
    end = execute(command(evaluator, data))
    score = evaluator.read(tmp_path / "score", end)
    assert (score.ok, score.label, score.metric, score.error) == (True, "ok", "rmse", "")
    assert score.value is not None
    assert score.value**2 == pytest.approx(np.mean([value for _, value in score.units]))
    assert [name for name, _ in score.units[:2]] == ["t60/a", "t60/b"]
    assert score.harness == evaluator.version
    assert score.resources == {"wall_s": end.wall_s, "cpu_s": end.cpu_s, "peak_mib": end.peak_mib}
    evaluator.check()


def test_the_child_is_started_as_told(evaluator: Evaluator, data: Path, tmp_path: Path) -> None:
    serve = SERVE.replace("pass", "import os; open(os.environ['MARK'] + '/seen', 'w').write(os.environ['HARNESS'])", 1)
    (data / "serve.py").write_text(serve, encoding="utf-8")
    order = command(evaluator, data, child=[sys.executable, "-B"], child_env={"MARK": str(tmp_path), "HARNESS": "{harness}"})
    assert evaluator.read(tmp_path / "score", execute(order)).ok
    assert (tmp_path / "seen").read_text(encoding="utf-8") == str(tmp_path / "harness")


def test_a_crash_of_the_candidate_is_its_own(evaluator: Evaluator, data: Path, tmp_path: Path) -> None:
    (data / "serve.py").write_text(SERVE.replace("pass", "raise ValueError('my fault')", 1), encoding="utf-8")
    score = evaluator.read(tmp_path / "score", execute(command(evaluator, data)))
    assert (score.ok, score.label, score.value) == (False, "crash", None)
    assert "my fault" in score.error


def test_a_score_out_of_time_is_a_timeout(evaluator: Evaluator, data: Path, tmp_path: Path) -> None:
    (data / "serve.py").write_text(SERVE.replace("pass", "import time; time.sleep(60)", 1), encoding="utf-8")
    score = evaluator.read(tmp_path / "score", execute(command(evaluator, data, limits=Limits(wall_s=1))))
    assert (score.ok, score.label, score.value) == (False, "timeout", None)


def test_baselines_are_scored(evaluator: Evaluator, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "build" / "baselines.json"
    end = execute(evaluator.baselines_command(partition="search", folder=tmp_path / "build" / "log", out=out, limits=Limits(wall_s=60)))
    assert end.label == "ok"
    found = json.loads(out.read_text(encoding="utf-8"))["baselines"]
    assert {"naive", "seasonal_naive", "seasonal_naive_drift", "holt_winters"} <= set(found)


def test_making_a_command_forgets_the_old_score(evaluator: Evaluator, data: Path, tmp_path: Path) -> None:
    (tmp_path / "score").mkdir()
    (tmp_path / "score" / "score.json").write_text(json.dumps(written(evaluator)), encoding="utf-8")
    command(evaluator, data)
    assert not evaluator.read(tmp_path / "score", OK).ok


# -- believed ------------------------------------------------------------------------------------------------


def written(evaluator: Evaluator, **changes: Any) -> dict[str, Any]:
    """A score.json as a sound harness writes it, with changes."""
    sound = {
        "ok": True, "label": "ok", "metric": "rmse", "value": 0.5, "units": [{"id": "t60/a", "value": 0.25}], "gates": [],
        "secondary": {"mae": 0.4}, "resources": {"wall_s": 0.1, "cpu_s": 0.1, "peak_mib": 1}, "harness": evaluator.version,
    }
    return sound | changes


def read(evaluator: Evaluator, folder: Path, text: str, end: Exit = OK) -> Any:
    (folder / "score.json").write_text(text, encoding="utf-8")
    return evaluator.read(folder, end)


def test_a_sound_score_is_believed(evaluator: Evaluator, tmp_path: Path) -> None:
    score = read(evaluator, tmp_path, json.dumps(written(evaluator)))
    assert (score.ok, score.value, score.units, score.secondary) == (True, 0.5, (("t60/a", 0.25),), {"mae": 0.4})
    assert score.resources["wall_s"] == 1.5  # as the executor measured it


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({"value": None}, "invalid_output"),
        ({"value": float("nan")}, "invalid_output"),
        ({"value": float("inf")}, "invalid_output"),
        ({"units": [{"id": "t60/a", "value": float("nan")}]}, "invalid_output"),
        ({"secondary": {"mae": float("nan")}}, "invalid_output"),
        ({"value": "0.5"}, "infrastructure"),
        ({"value": True}, "infrastructure"),
        ({"metric": "mae"}, "infrastructure"),
        ({"metric": None}, "infrastructure"),
        ({"harness": "h-000000000000"}, "infrastructure"),
        ({"harness": ""}, "infrastructure"),
        ({"label": "crash"}, "infrastructure"),
        ({"label": "splendid"}, "infrastructure"),
        ({"ok": False}, "infrastructure"),
        ({"ok": "yes"}, "infrastructure"),
        ({"units": [{"id": "t60/a", "value": 1}, {"id": "t60/a", "value": 2}]}, "infrastructure"),
        ({"ok": False, "label": "gate_missed", "value": 0.1}, "gate_missed"),
        ({"ok": False, "label": "oom", "metric": None, "value": None}, "oom"),
    ],
)
def test_nothing_more_is_believed_than_is_proved(evaluator: Evaluator, tmp_path: Path, changes: dict[str, Any], label: str) -> None:
    score = read(evaluator, tmp_path, json.dumps(written(evaluator, **changes)))
    assert (score.ok, score.label, score.value, score.units) == (False, label, None, ())
    assert score.metric == "rmse"
    assert score.harness == evaluator.version


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"ok": true}', "\0"])
def test_what_is_no_score_is_no_score(evaluator: Evaluator, tmp_path: Path, text: str) -> None:
    assert read(evaluator, tmp_path, text).label == "infrastructure"


def test_a_missing_score_is_the_harness_fault(evaluator: Evaluator, tmp_path: Path) -> None:
    score = evaluator.read(tmp_path / "nothing", OK)
    assert (score.ok, score.label) == (False, "infrastructure")
    assert "score.json" in score.error


@pytest.mark.parametrize(
    ("ended", "label"),
    [("crash", "infrastructure"), ("timeout", "timeout"), ("oom", "oom"), ("cancelled", "infrastructure"), ("infrastructure",) * 2],
)
def test_a_score_of_a_process_that_ended_badly_is_not_read(evaluator: Evaluator, tmp_path: Path, ended: Any, label: str) -> None:
    (tmp_path / "stderr.log").write_text("last words\n", encoding="utf-8")
    score = read(evaluator, tmp_path, json.dumps(written(evaluator)), Exit(label=ended, signal=9))
    assert (score.ok, score.label, score.value) == (False, label, None)
    assert "last words" in score.error
