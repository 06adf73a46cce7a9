"""The simulator's reference harness: its own tests pass on it alone, the probes let it pass and find each planted bug."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from alphalab_nb.adapter import load_builtin
from alphalab_nb.agents.offline.worker import repair
from alphalab_nb.agents.tasks import FixTask
from alphalab_nb.resources import shipped
from alphalab_nb.storage.experiment import Experiment, State

ADAPTER = shipped("adapters", "simulator")
PROBES = sorted(path for path in (ADAPTER / "probes").glob("*.py") if not path.name.startswith("_"))
BUGS: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "bugs.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    shutil.copytree(ADAPTER / "harness", tmp_path / "harness", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def probe(path: Path, home: Path, *checks: str) -> list[dict[str, Any]]:
    done = subprocess.run([sys.executable, str(path), str(home), *checks], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_tests_that_travel_with_it_pass_without_the_package(home: Path):
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", ".", "harness/tests"]
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(argv, cwd=home, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout
    assert "skipped" not in done.stdout


def test_the_clean_harness_survives_every_check_and_each_has_a_bug(home: Path):
    found = [finding for path in PROBES for finding in probe(path, home)]
    assert [finding for finding in found if not finding["ok"]] == []
    assert {finding["check"] for finding in found} == {bug["check"] for bug in BUGS}


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug["name"])
def test_a_planted_bug_is_found(bug: dict[str, Any], home: Path):
    path = home / "harness" / bug["file"]
    text = path.read_text(encoding="utf-8")
    assert text.count(bug["old"]) == 1, f"bugs.yaml no longer fits {bug['file']}"
    path.write_text(text.replace(bug["old"], bug["new"]), encoding="utf-8")
    [found] = probe(ADAPTER / "probes" / bug["probe"], home, bug["check"])
    assert not found["ok"]
    assert found["severity"] == "blocking"
    assert found["line"] in range(1, 1 + len((home / found["file"]).read_text(encoding="utf-8").splitlines()))


@pytest.mark.parametrize("traps", [False, True])
def test_the_recipes_are_the_space_of_the_world(home: Path, traps: bool):
    """What the offline researcher may propose is what the harness takes, default first."""
    code = f"import json; from harness.world import World; print(json.dumps(World(0, traps={traps}).space()))"
    done = subprocess.run([sys.executable, "-c", code], cwd=home, capture_output=True, text=True, timeout=60, check=True)
    recipe = next(r for r in load_builtin("simulator").recipes() if r.family == ("shortcut" if traps else "point"))
    assert {name: list(param.choices) for name, param in recipe.spec.params.items()} == json.loads(done.stdout)
    assert all(param.default == param.choices[0] for param in recipe.spec.params.values())


def test_a_point_that_missed_a_gate_is_not_repaired_into_another_one():
    recipe = next(recipe for recipe in load_builtin("simulator").recipes() if recipe.family == "point")
    files = recipe.render(recipe.complete({"choice_2": "level_3"}, {}), {})
    experiment = Experiment(id=1, name="dear", family="point", hypothesis="", config={"choice_2": "level_3"}, state=State.TO_IMPLEMENT,
                            author="offline")
    task = FixTask(experiment=experiment, folder=Path(), files=files, playbook="", label="gate_missed", error="gate cost", recipe=recipe,
                   facts={})
    assert repair(task)[1] == files


def test_a_recipe_writes_the_point_and_nothing_that_runs():
    recipe = next(recipe for recipe in load_builtin("simulator").recipes() if recipe.family == "point")
    files = recipe.render(recipe.complete({"choice_2": "level_3"}, {}), {})
    assert json.loads(files["point.json"]) == {**{f"choice_{n}": "level_0" for n in range(8)}, "choice_2": "level_3"}
    assert not [name for name in files if name.endswith(".py")]
