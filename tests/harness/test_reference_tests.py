"""The tests that travel with the harness pass on it, with nothing but the folder itself, and notice what is planted in its parts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from alphalab_nb.resources import shipped

REFERENCE = shipped("adapters", "time_series") / "harness"
BUGS: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "bugs.yaml").read_text(encoding="utf-8"))
QUICK = ("data_prep.py", "metrics.py")
"""Modules whose tests need no served child."""


def run_tests(home: Path, *modules: str) -> subprocess.CompletedProcess[str]:
    places = [f"harness/tests/test_{module}" for module in modules] or ["harness/tests"]
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", ".", *places]
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(argv, cwd=home, env=env, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    shutil.copytree(REFERENCE, tmp_path / "harness", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "harness" / "config.json").write_text('{"horizon": 26, "stride": 4, "season": 52}\n', encoding="utf-8")
    return tmp_path


def test_reference_passes(home: Path) -> None:
    done = run_tests(home)
    assert done.returncode == 0, done.stdout
    assert "skipped" not in done.stdout


@pytest.mark.parametrize("bug", [bug for bug in BUGS if bug["file"] in QUICK], ids=lambda bug: bug["name"])
def test_planted_bug_fails_a_test(bug: dict[str, Any], home: Path) -> None:
    path = home / "harness" / bug["file"]
    path.write_text(path.read_text(encoding="utf-8").replace(bug["old"], bug["new"]), encoding="utf-8")
    assert run_tests(home, *QUICK).returncode == 1
