"""Builder, Critic, Tester and Customizer by rules: only what was executed is a finding."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alphalab_nb.adapter import Adapter
from alphalab_nb.agents import Finished, run_agent, tasks
from alphalab_nb.agents.offline.critic import _probed, _tested
from alphalab_nb.agents.tasks import BuildTask, CriticTask, CustomizeTask
from alphalab_nb.llm import Result
from alphalab_nb.partitions import SeriesSpec, load_series, make_partitions
from tests.desk import Desk, desk
from tests.support import weekly_csv


@pytest.fixture
def at(tmp_path: Path) -> Desk:
    return desk(tmp_path / "ws")


def build(at: Desk, *findings: dict[str, object]) -> Finished:
    task = BuildTask(adapter=at.adapter.root, harness=at.workspace.harness, task=at.task, findings=findings)
    return run_agent("builder", at.deps(at.workspace.root / "build", phase="build", notebook=f"builder{len(findings)}.ipynb"), task)


def attack(at: Desk) -> Finished:
    return run_agent("critic", at.deps(at.workspace.root / "build", phase="build", notebook="critic.ipynb"),
                     CriticTask(adapter=at.adapter.root, harness=at.workspace.harness))


def examine(at: Desk) -> Finished:
    return run_agent("tester", at.deps(at.workspace.root / "build", phase="build", notebook="tester.ipynb"),
                     tasks.TesterTask(harness=at.workspace.harness))


def test_the_builder_copies_the_reference_and_writes_the_task(at: Desk):
    build(at)
    reference = at.adapter.root / "harness"
    for path in reference.rglob("*.py"):
        assert (at.workspace.harness / path.relative_to(reference)).read_bytes() == path.read_bytes()
    assert json.loads((at.workspace.harness / "config.json").read_text(encoding="utf-8")) == at.task


def test_the_builder_mends_the_file_that_a_finding_names_and_no_other(at: Desk):
    build(at)
    for name in ("score.py", "metrics.py"):
        (at.workspace.harness / name).write_text("broken = True\n", encoding="utf-8")
    finished = build(at, {"severity": "blocking", "file": "harness/score.py", "line": 3, "message": "wrong"})
    assert (at.workspace.harness / "score.py").read_bytes() == (at.adapter.root / "harness" / "score.py").read_bytes()
    assert (at.workspace.harness / "metrics.py").read_text(encoding="utf-8") == "broken = True\n"
    assert "score.py" in finished.summary


def test_the_builder_says_what_it_could_not_mend(at: Desk):
    build(at)
    assert "there is no file" in build(at, {"severity": "blocking", "file": "harness/ghost.py", "line": 0, "message": "gone"}).summary


PROBES = {
    "holds.py": """print('{"check": "holds", "ok": true, "file": "harness/score.py", "line": 1, "message": "survived"}')""",
    "fails.py": """import sys, pathlib
found = (pathlib.Path(sys.argv[1]) / "harness" / "score.py").is_file()
print('{"check": "leaks", "ok": false, "severity": "blocking", "file": "harness/score.py", "line": 7, "message": "seen %s"}' % found)""",
    "breaks.py": "raise SystemExit('no data')",
    "_lab.py": "raise SystemExit('not a probe')",
}


def test_the_critic_reports_what_the_probes_found_and_which_did_not_run(at: Desk):
    probes = at.adapter.root / "probes"
    for path in probes.glob("*.py"):
        path.unlink()
    probes.mkdir(exist_ok=True)
    for name, code in PROBES.items():
        (probes / name).write_text(code, encoding="utf-8")
    build(at)
    finished = attack(at)
    assert not finished.passed
    assert [(f["file"], f["line"]) for f in finished.findings] == [("adapter/probes/breaks.py", 0), ("harness/score.py", 7)]
    assert "no data" in finished.findings[0]["message"]
    assert "leaks: seen True" in finished.findings[1]["message"]


def test_the_tester_names_the_failing_test_by_file_and_line(at: Desk):
    build(at)
    tests = at.workspace.harness / "tests"
    for path in tests.rglob("*.py") if tests.is_dir() else ():
        path.unlink()
    tests.mkdir(exist_ok=True)
    code = "def test_right():\n    assert 1 + 1 == 2\n\n\ndef test_wrong():\n    assert 1 + 1 == 3\n"
    (tests / "test_sums.py").write_text(code, encoding="utf-8")
    finished = examine(at)
    assert not finished.passed
    (found,) = finished.findings
    assert (found["severity"], found["file"], found["line"]) == ("blocking", "harness/tests/test_sums.py", 6)
    assert "1 failed, 1 passed" in finished.summary


@pytest.mark.parametrize(("text", "expected"), [
    ('{"check": "a", "ok": true}\n[exit 0]', []),
    ("Traceback\nValueError: no\n[exit 1]", ["blocking"]),
    ('{"check": "a", "ok": true}\nKilled\n[exit -9]', ["blocking"]),
    ('{"check": "a", "ok": false, "severity": "minor", "message": "m"}\n[exit 1]', ["minor"]),
    ("[exit 0]", ["blocking"]),
])
def test_a_probe_that_says_nothing_is_a_finding(text: str, expected: list[str]):
    assert [finding["severity"] for finding in _probed("p.py", Result("run_cell", text))] == expected


@pytest.mark.parametrize(("text", "ok", "expected"), [
    ("3 passed in 0.1s\n[exit 0]", True, []),
    ("no tests ran\n[exit 5]", True, ["major"]),
    ("INTERNALERROR> boom\n[exit 3]", True, ["blocking"]),
    ("TimeoutExpired", False, ["blocking"]),
])
def test_a_test_run_that_did_not_finish_is_a_finding(text: str, ok: bool, expected: list[str]):
    assert [finding["severity"] for finding in _tested(Result("run_cell", text, ok=ok))] == expected


@pytest.mark.slow
def test_the_reference_survives_its_own_probes_and_tests(at: Desk):
    build(at)
    assert attack(at).findings == ()
    assert examine(at).passed


def test_the_customizer_writes_measured_facts_once(at: Desk, tmp_path: Path):
    spec = SeriesSpec(path=str(weekly_csv(tmp_path / "weekly.csv")))
    make_partitions(load_series(spec, tmp_path), {}, 8, at.workspace.root)
    for round in (1, 2):
        deps = at.deps(at.workspace.adapter, phase="adapt", notebook=f"customizer{round}.ipynb")
        run_agent("customizer", deps, CustomizeTask(adapter=at.workspace.adapter, task=at.task))
    text = (at.workspace.adapter / "domain_knowledge.md").read_text(encoding="utf-8")
    assert text.count("## This data") == 1
    assert "- 252 rows x 1 items" in text
    assert "Main season 52 rows" in text
    assert text.startswith("# Domain knowledge")
    Adapter(at.workspace.adapter).validate()
