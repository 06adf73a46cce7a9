"""A recipe is RUN on explore and SCOREd on the vault as a campaign does it: evaluator, sandbox, executor, all real."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from alphalab_nb.adapter import load_builtin
from alphalab_nb.evaluator import Evaluator
from alphalab_nb.executors import Command, Limits
from alphalab_nb.executors.inline import InlineExecutor
from alphalab_nb.partitions import SeriesSpec, load_series, make_partitions
from alphalab_nb.sandbox import Sandbox
from alphalab_nb.storage.experiment import Score
from alphalab_nb.workspace import Workspace

TASK: dict[str, Any] = {"horizon": 26, "stride": 4, "season": 52, "metric": "rmse", "scale": "none", "smoke_origins": 10}
LIMITS = Limits(wall_s=60)


@dataclass(frozen=True)
class Judged:
    """A workspace with co2 in it and a frozen harness."""

    workspace: Workspace
    evaluator: Evaluator
    artefact: Path

    def score(self, artefact: Path, name: str, **options: Any) -> Score:
        child, child_env = Sandbox("auto").command([sys.executable], cwd=artefact, read_only=[artefact, self.workspace.harness])
        folder = self.workspace.root / name
        wanted = {"partition": "search", "seed": 0, "fidelity": "full", **options}
        command = self.evaluator.score_command(artefact=artefact, folder=folder, limits=LIMITS, child=child, child_env=child_env, **wanted)
        return self.evaluator.read(folder, execute(command))


def execute(command: Command) -> Any:
    with InlineExecutor() as executor:
        return executor.submit(command).result(None)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    workspace = Workspace(tmp_path_factory.mktemp("co2"))
    make_partitions(load_series(SeriesSpec("statsmodels:co2"), workspace.root), {}, TASK["horizon"], workspace.root)
    adapter = load_builtin("time_series")
    shutil.copytree(adapter.root / "harness", workspace.harness, ignore=shutil.ignore_patterns("__pycache__"))
    (workspace.harness / "config.json").write_text(json.dumps(TASK), encoding="utf-8")
    evaluator = Evaluator(workspace.harness, workspace.root)
    evaluator.freeze()
    return Judged(workspace, evaluator, _fitted(workspace, adapter))


def _fitted(workspace: Workspace, adapter: Any) -> Path:
    attempt, facts = workspace.root / "attempt", {**TASK, "n_items": 1, "length": 1372}
    attempt.mkdir()
    recipe = next(recipe for recipe in adapter.recipes() if recipe.family == "seasonal_naive")
    for name, text in recipe.render(recipe.default(facts), facts).items():
        (attempt / name).write_text(text, encoding="utf-8")
    out = workspace.root / "out"
    out.mkdir()
    env = {"ALPHALAB_DATA": str(workspace.explore_data), "ALPHALAB_TASK": json.dumps(TASK)}
    argv = (sys.executable, "run.py", "--out", str(out), "--seed", "0", "--fidelity", "full", "--budget-s", "5")
    end = execute(Command(argv=argv, cwd=attempt, folder=workspace.root / "run", env=env, limits=LIMITS, name="run"))
    assert end.label == "ok"
    return out / "artefact"


def test_score_is_measured_and_paired_with_the_baselines(judged: Judged) -> None:
    score = judged.score(judged.artefact, "full")
    assert (score.ok, score.label, score.harness) == (True, "ok", judged.evaluator.version)
    assert score.value == pytest.approx(1.75, abs=0.05)
    assert [gate["name"] for gate in score.gates] == ["reproducible"]
    assert len(score.secondary["by_step"]) == 26
    out = judged.workspace.root / "baselines.json"
    command = judged.evaluator.baselines_command(partition="search", folder=judged.workspace.root / "base", out=out, limits=LIMITS)
    assert execute(command).label == "ok"
    held = json.loads(out.read_text(encoding="utf-8"))
    assert held["baselines"]["seasonal_naive"] == pytest.approx(score.value, rel=0.05)
    assert [unit["id"] for unit in held["units"]["holt_winters"]] == [id for id, _ in score.units]


def test_scoring_again_gives_the_same_score(judged: Judged) -> None:
    first, again = (judged.score(judged.artefact, f"again{n}", partition="confirm") for n in range(2))
    assert first.ok
    assert (first.value, first.units) == (again.value, again.units)


def test_smoke_score_is_cheap(judged: Judged) -> None:
    score = judged.score(judged.artefact, "smoke", fidelity="smoke")
    assert len(score.units) == TASK["smoke_origins"]
    assert score.resources["wall_s"] < 10


def test_failing_candidate_is_judged_not_the_harness(judged: Judged) -> None:
    broken = judged.workspace.root / "broken"
    shutil.copytree(judged.artefact, broken)
    (broken / "serve.py").write_text("raise KeyError('planted')\n", encoding="utf-8")
    score = judged.score(broken, "failing")
    assert (score.ok, score.label, score.value) == (False, "crash", None)
    assert "planted" in score.error


def test_baselines_without_data_fail_loudly(judged: Judged) -> None:
    out = judged.workspace.root / "none.json"
    command = judged.evaluator.baselines_command(partition="nowhere", folder=judged.workspace.root / "none", out=out, limits=LIMITS)
    assert execute(command).label != "ok"
    assert "no partition 'nowhere'" in (judged.workspace.root / "none" / "stderr.log").read_text(encoding="utf-8")
