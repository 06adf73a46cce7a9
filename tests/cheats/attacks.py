"""Run one attack on the harness of an adapter, whole or with a bug planted in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from alphalab_nb.resources import shipped

TIME_SERIES = shipped("adapters", "time_series")
BUGS: dict[str, dict[str, Any]] = {
    bug["name"]: bug
    for bug in yaml.safe_load((Path(__file__).parents[1] / "harness" / "bugs.yaml").read_text(encoding="utf-8"))
}


def planted(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the table of an attack."""
    return yaml.safe_load((folder / "planted.yaml").read_text(encoding="utf-8"))["planted"]


def plant(bug: str, harness: Path) -> None:
    """Plant a bug of tests/harness/bugs.yaml in a harness of time_series."""
    row = BUGS[bug]
    path = harness / row["file"]
    text = path.read_text(encoding="utf-8")
    assert text.count(row["old"]) == 1, f"bugs.yaml no longer fits {row['file']}"
    path.write_text(text.replace(row["old"], row["new"]), encoding="utf-8")


def copy_harness(home: Path) -> Path:
    return Path(shutil.copytree(TIME_SERIES / "harness", home / "harness", ignore=shutil.ignore_patterns("__pycache__", "tests")))


def attack(harness: Path, home: Path, *names: str) -> dict[str, dict[str, Any]]:
    """Plant cheats of time_series by name in a harness, without a sandbox; return what was said of each."""
    (home / "shown").mkdir(parents=True)
    env = {name: value for name, value in os.environ.items() if not name.startswith("ALPHALAB_")}
    argv = [sys.executable, str(TIME_SERIES / "cheats" / "attack.py"), str(home), str(harness), *names]
    done = subprocess.run(argv, env={**env, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return {line["name"]: line for line in map(json.loads, done.stdout.splitlines())}
