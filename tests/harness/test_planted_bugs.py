"""The Critic's probes find every planted bug and let the clean harness pass."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from alphalab_nb.resources import shipped

ADAPTER = shipped("adapters", "time_series")
PROBES = sorted(path for path in (ADAPTER / "probes").glob("*.py") if not path.name.startswith("_"))
BUGS: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "bugs.yaml").read_text(encoding="utf-8"))


def copy_harness(home: Path) -> Path:
    shutil.copytree(ADAPTER / "harness", home / "harness", ignore=shutil.ignore_patterns("__pycache__"))
    return home


def probe(path: Path, home: Path, *checks: str) -> list[dict[str, Any]]:
    done = subprocess.run([sys.executable, str(path), str(home), *checks], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def plant(bug: dict[str, Any], home: Path) -> None:
    path = home / "harness" / bug["file"]
    text = path.read_text(encoding="utf-8")
    assert text.count(bug["old"]) == 1, f"bugs.yaml no longer fits {bug['file']}"
    path.write_text(text.replace(bug["old"], bug["new"]), encoding="utf-8")


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What all probes say of the reference harness."""
    home = copy_harness(tmp_path_factory.mktemp("clean"))
    return [finding for path in PROBES for finding in probe(path, home)]


def test_clean_harness_survives(clean: list[dict[str, Any]]) -> None:
    assert clean
    assert [finding for finding in clean if not finding["ok"]] == []


def test_every_check_has_a_bug_that_trips_it(clean: list[dict[str, Any]]) -> None:
    assert {bug["check"] for bug in BUGS} == {finding["check"] for finding in clean}


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug["name"])
def test_planted_bug_is_found(bug: dict[str, Any], tmp_path: Path) -> None:
    plant(bug, copy_harness(tmp_path))
    [found] = probe(ADAPTER / "probes" / bug["probe"], tmp_path, bug["check"])
    assert not found["ok"]
    assert found["severity"] == bug.get("severity", "blocking")
    if bug.get("paper"):  # the offline Builder mends the file that a finding names
        assert found["file"] == f"harness/{bug['file']}"
    assert found["line"] in range(1, 1 + len((tmp_path / found["file"]).read_text(encoding="utf-8").splitlines()))


def test_broken_harness_is_a_finding_not_an_accident(tmp_path: Path) -> None:
    copy_harness(tmp_path)
    (tmp_path / "harness" / "metrics.py").write_text("raise ImportError('planted')\n", encoding="utf-8")
    findings = probe(ADAPTER / "probes" / "future.py", tmp_path)
    assert findings
    assert not any(finding["ok"] for finding in findings)
