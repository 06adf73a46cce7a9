"""The adapter of exchange rates is whole, and the tests that travel with its harness pass and notice what is planted in it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jinja2.meta
import pytest
import yaml

from alphalab_nb.adapter import FILES, Adapter, environment
from alphalab_nb.metric import Metric
from tests.fx.content import ADAPTER, WRITTEN, assemble

BUGS: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "bugs.yaml").read_text(encoding="utf-8"))
PROMPTS = [name for name in FILES if name.endswith(".md")]


@pytest.fixture
def adapter(tmp_path: Path) -> Adapter:
    return Adapter(assemble(tmp_path / "fx_trading"))


def run_tests(home: Path, place: str = "harness/tests", only: str = "") -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", ".", "-k", only, place]
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(argv, cwd=home, env=env, capture_output=True, text=True, timeout=120, check=False)


def test_the_adapter_validates(adapter: Adapter) -> None:
    adapter.validate()
    assert set(FILES) <= set(WRITTEN)


def test_the_manifest_binds_what_the_paper_traded(adapter: Adapter) -> None:
    manifest = adapter.manifest
    assert (manifest.name, manifest.partition, manifest.refit) == ("fx_trading", "series", True)
    assert {key: manifest.task[key] for key in ("horizon", "stride", "metric", "refit", "pegged")} == {
        "horizon": 30, "stride": 30, "metric": "sharpe", "refit": True, "pegged": "4"}
    assert adapter.metric({}) == Metric("sharpe", "maximize", "per year")
    assert adapter.metric({}).better(0.4, -0.1)


@pytest.mark.parametrize("name", PROMPTS)
def test_a_prompt_uses_known_variables_and_renders(adapter: Adapter, name: str) -> None:
    text = adapter.read(name)
    assert jinja2.meta.find_undeclared_variables(environment(adapter.root).parse(text)) <= {"objective", "task", "metric"}
    assert set(re.findall(r"\btask\.(\w+)", text)) <= set(adapter.manifest.task)
    rendered = adapter.render(name, objective="trade", task=adapter.manifest.task, metric=adapter.metric({}))
    assert "{{" not in rendered
    assert "None" not in rendered


def test_a_worker_has_three_blocks(adapter: Adapter) -> None:
    assert re.findall(r"^## (.+)$", adapter.read("phase3_worker.md"), re.MULTILINE) == ["Implement", "Fix", "Analyze"]


def test_the_direction_stands_in_the_manifest_only(adapter: Adapter) -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (adapter.root / "harness").rglob("*.py"))
    assert not re.search(r"minimi[sz]e|maximi[sz]e|reverse=|def ranked", sources)


def test_the_harness_passes_its_own_tests_alone(adapter: Adapter) -> None:
    (adapter.root / "harness" / "config.json").write_text(json.dumps(adapter.manifest.task), encoding="utf-8")
    done = run_tests(adapter.root)
    assert done.returncode == 0, done.stdout
    assert "skipped" not in done.stdout


def plant(bug: dict[str, Any], adapter: Adapter) -> None:
    path = adapter.root / "harness" / bug["file"]
    text = path.read_text(encoding="utf-8")
    assert text.count(bug["old"]) == 1, f"bugs.yaml no longer fits {bug['file']}"
    path.write_text(text.replace(bug["old"], bug["new"]), encoding="utf-8")


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug["name"])
def test_a_planted_bug_fails_a_test(bug: dict[str, Any], adapter: Adapter) -> None:
    plant(bug, adapter)
    done = run_tests(adapter.root, f"harness/tests/test_{bug['tests']}.py", bug.get("only", ""))
    assert done.returncode == 1, done.stdout + done.stderr


def probe(name: str, home: Path, *checks: str) -> list[dict[str, Any]]:
    argv = [sys.executable, str(home / "probes" / f"{name}.py"), str(home), *checks]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(path.stem for path in (ADAPTER / "probes").glob("*.py")))
def test_the_clean_harness_survives_its_probes(name: str, adapter: Adapter) -> None:
    found = probe(name, adapter.root)
    assert found
    assert [finding for finding in found if not finding["ok"]] == []


@pytest.mark.slow
@pytest.mark.parametrize("bug", [bug for bug in BUGS if "probe" in bug], ids=lambda bug: bug["name"])
def test_a_probe_finds_a_planted_bug(bug: dict[str, Any], adapter: Adapter) -> None:
    plant(bug, adapter)
    [found] = probe(bug["probe"], adapter.root, bug["check"])
    assert not found["ok"]
    assert "could not run" not in found["message"]
