"""Run one attack on the harness of an adapter, whole or with a bug planted in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from alphalab_nb.resources import shipped

TIME_SERIES, SIMULATOR = shipped("adapters", "time_series"), shipped("adapters", "simulator")


def bugs(folder: str) -> dict[str, dict[str, Any]]:
    """Return the bugs that the tests in a folder plant in a harness, by name."""
    path = Path(__file__).parents[1] / folder / "bugs.yaml"
    return {bug["name"]: bug for bug in yaml.safe_load(path.read_text(encoding="utf-8"))}


BUGS = bugs("harness")


def planted(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the table of an attack."""
    return yaml.safe_load((folder / "planted.yaml").read_text(encoding="utf-8"))["planted"]


def plant(bug: Mapping[str, Any], harness: Path) -> None:
    """Plant a row of a bugs.yaml in a harness."""
    path = harness / bug["file"]
    text = path.read_text(encoding="utf-8")
    assert text.count(bug["old"]) == 1, f"bugs.yaml no longer fits {bug['file']}"
    path.write_text(text.replace(bug["old"], bug["new"]), encoding="utf-8")


def copy_harness(home: Path, adapter: Path = TIME_SERIES) -> Path:
    return Path(shutil.copytree(adapter / "harness", home / "harness", ignore=shutil.ignore_patterns("__pycache__", "tests")))


def attack(harness: Path, home: Path, *names: str, adapter: Path = TIME_SERIES) -> dict[str, dict[str, Any]]:
    """Plant cheats of an adapter in a harness, those of time_series by name, without a sandbox; return what was said of each."""
    (home / "shown").mkdir(parents=True)
    env = {name: value for name, value in os.environ.items() if not name.startswith("ALPHALAB_")}
    argv = [sys.executable, str(adapter / "cheats" / "attack.py"), str(home), str(harness), *names]
    done = subprocess.run(argv, env={**env, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return {line["name"]: line for line in map(json.loads, done.stdout.splitlines())}
