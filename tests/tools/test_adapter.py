"""Tools on the adapter: a draft is written and tried before it is accepted; a campaign's adapter is patched, on record."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from alphalab_nb.errors import ToolError
from alphalab_nb.resources import shipped
from alphalab_nb.tools import TOOLS, Deps, draft_findings
from tests.desk import Desk, desk

REFERENCE = shipped("adapters", "time_series")


@pytest.fixture
def at(tmp_path: Path) -> Desk:
    return desk(tmp_path / "ws", new_domain=True)


@pytest.fixture
def supervisor(at: Desk) -> Deps:
    return at.as_role("supervisor", at.workspace.root / "scratch")


@pytest.fixture
def generator(at: Desk) -> Iterator[Deps]:
    shutil.rmtree(at.workspace.adapter)
    deps = at.as_role("generator", at.workspace.draft)
    yield deps
    deps.close()


@pytest.mark.parametrize("name", ["../campaign.yaml", "/etc/hostname", "../vault/sealed/meta.json", "harness/../../board.sqlite3"])
@pytest.mark.parametrize("tool", ["read_adapter", "read_reference_adapter"])
def test_nothing_outside_of_the_adapter_is_read(supervisor: Deps, tool: str, name: str):
    with pytest.raises(ToolError, match="no path in the adapter"):
        TOOLS[tool](supervisor, name)


def test_files_are_read_and_folders_listed(supervisor: Deps):
    text = (supervisor.workspace.adapter / "domain_knowledge.md").read_text(encoding="utf-8")
    assert TOOLS["read_adapter"](supervisor, "domain_knowledge.md", limit=3).startswith(text.splitlines()[0])
    assert "harness/" in TOOLS["read_reference_adapter"](supervisor, ".")
    assert "score.py" in TOOLS["read_reference_adapter"](supervisor, "harness")
    with pytest.raises(ToolError, match="no file nowhere"):
        TOOLS["read_adapter"](supervisor, "nowhere.md")


def test_a_patch_is_committed_shown_and_can_be_taken_back(supervisor: Deps):
    path = supervisor.workspace.adapter / "domain_knowledge.md"
    before = path.read_text(encoding="utf-8")
    last = before.splitlines()[-1]
    TOOLS["patch_adapter_file"](supervisor, "domain_knowledge.md", last, f"{last}\n- Import lightning.", "12 imports failed")
    assert path.read_text(encoding="utf-8").rstrip().endswith("- Import lightning.")
    (patch,) = supervisor.patches.list()
    assert (patch.author, patch.reason, patch.file) == ("supervisor", "12 imports failed", "adapter/domain_knowledge.md")
    assert "+- Import lightning." in patch.diff
    (event,) = supervisor.board.events(kind="patch")
    assert (event["text"], event["role"]) == ("domain_knowledge.md: 12 imports failed", "supervisor")
    supervisor.patches.revert(patch.id, by="ana")
    assert path.read_text(encoding="utf-8") == before


@pytest.mark.parametrize(("name", "old", "new", "refusal"), [
    ("domain_knowledge.md", "no such passage", "x", "occurs 0 times"),
    ("domain_knowledge.md", "", "x", "occurs 0 times"),
    ("manifest.yaml", "metric: rmse", "metric: mae", "not changed by agents"),
    ("harness/score.py", "import argparse", "import argparse, os", "not changed by agents"),
    ("probes/../harness/score.py", "import argparse", "import argparse, os", "not changed by agents"),
    ("phase3_worker.md", "## Fix", "## Fix {% if %}", r"phase3_worker\.md:\d+: not a template"),
    ("recipes/common/run.py", "def main() -> None:", "def main( -> None:", r"run\.py:\d+: syntax error"),
    ("recipes/drift/recipe.yaml", "family: drift", "family: [drift", "not YAML"),
    ("../campaign.yaml", "x", "y", "no path in the adapter"),
])
def test_a_patch_that_would_break_something_changes_nothing(supervisor: Deps, name: str, old: str, new: str, refusal: str):
    before = {path: path.read_bytes() for path in supervisor.workspace.adapter.rglob("*") if path.is_file()}
    with pytest.raises(ToolError, match=refusal):
        TOOLS["patch_adapter_file"](supervisor, name, old, new, "to try")
    assert {path: path.read_bytes() for path in supervisor.workspace.adapter.rglob("*") if path.is_file()} == before
    assert not supervisor.patches.list()
    assert not supervisor.board.events(kind="patch")


def test_a_prompt_loses_at_most_a_fifth_of_its_lines(supervisor: Deps):
    lines = (supervisor.workspace.adapter / "domain_knowledge.md").read_text(encoding="utf-8").splitlines(keepends=True)
    fifth = len(lines) // 5
    with pytest.raises(ToolError, match="would shrink"):
        TOOLS["patch_adapter_file"](supervisor, "domain_knowledge.md", "".join(lines[-fifth - 2 :]), "short\n", "shorter")
    TOOLS["patch_adapter_file"](supervisor, "domain_knowledge.md", "".join(lines[-fifth:]), "short\n", "shorter")


def test_the_generator_writes_and_patches_its_draft_only(generator: Deps):
    TOOLS["write_adapter_file"](generator, "probes/try.py", "a = 1\n")
    TOOLS["patch_adapter_file"](generator, "probes/try.py", "a = 1", "a = 2", "two")
    assert (generator.workspace.draft / "probes" / "try.py").read_text(encoding="utf-8") == "a = 2\n"
    assert not generator.patches.list()
    assert not generator.workspace.adapter.exists()
    for name in ("../adapter/manifest.yaml", "/tmp/stray.md"):
        with pytest.raises(ToolError, match="no path in the adapter"):
            TOOLS["write_adapter_file"](generator, name, "x: 1")


@pytest.mark.parametrize(("name", "text", "refusal"), [
    ("phase1_explorer.md", "Objective\n{{ objective", r"phase1_explorer\.md:2: not a template"),
    ("manifest.yaml", "name: fx\nmetrics: {rmse", r"manifest\.yaml:\d+: not YAML"),
    ("harness/score.py", "a = 1\nb = (\n", r"harness/score\.py:2: syntax error"),
])
def test_a_file_that_does_not_parse_is_not_written(generator: Deps, name: str, text: str, refusal: str):
    with pytest.raises(ToolError, match=refusal):
        TOOLS["write_adapter_file"](generator, name, text)
    assert not (generator.workspace.draft / name).exists()


def test_a_folder_of_the_reference_is_copied_into_the_draft(generator: Deps):
    assert "score.py" in TOOLS["copy_reference_folder"](generator, "harness")
    assert (generator.workspace.draft / "harness" / "tests" / "conftest.py").is_file()
    for name in (".", "nowhere", "manifest.yaml"):
        with pytest.raises(ToolError, match="no folder"):
            TOOLS["copy_reference_folder"](generator, name)


def lay_out(deps: Deps) -> None:
    """Make a draft that could be accepted, with a harness whose tests take no time."""
    shutil.copytree(REFERENCE, deps.workspace.draft, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "tests", "recipes"))
    TOOLS["write_adapter_file"](deps, "harness/tests/test_sum.py", "def test_sum():\n    assert 1 + 1 == 2\n")


def test_a_draft_that_is_whole_has_no_findings(generator: Deps):
    lay_out(generator)
    assert draft_findings(generator) == ""


def test_a_draft_whose_harness_fails_its_tests_is_not_accepted(generator: Deps):
    lay_out(generator)
    TOOLS["write_adapter_file"](generator, "harness/tests/test_sum.py", "def test_sum():\n    assert 1 + 1 == 3\n")
    assert "1 failed" in draft_findings(generator)
    TOOLS["write_adapter_file"](generator, "harness/score.py", "raise SystemExit('no options')\n")
    assert "no options" in draft_findings(generator)
    (generator.workspace.draft / "harness" / "tests" / "test_sum.py").unlink()
    assert "without tests" in draft_findings(generator)


@pytest.mark.parametrize(("name", "old", "new", "finding"), [
    ("manifest.yaml", "metric: rmse\nmetrics", "metric: sharpe\nmetrics", "'sharpe'"),
    ("manifest.yaml", "  season: null\n", "  seasson: null\n", "task has no 'season'"),
    ("phase3_worker.md", "## Fix\n", "## Repair\n", "it needs exactly Implement, Fix, Analyze"),
    ("phase1_explorer.md", "{{ objective", "{{ objektive", "'objektive' is undefined"),
    ("domain_knowledge.md", "\n", "{{ metric.__class__.__mro__ }}\n", "unsafe"),
])
def test_a_draft_that_does_not_bind_or_render_says_what_is_wrong(generator: Deps, name: str, old: str, new: str, finding: str):
    lay_out(generator)
    path = generator.workspace.draft / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert finding in draft_findings(generator)
    assert generator.opened is None, "the harness is not tried before the rest is right"


def test_a_link_in_a_draft_is_not_followed(generator: Deps):
    lay_out(generator)
    (generator.workspace.draft / "notes.md").symlink_to(generator.workspace.database)
    assert "notes.md is a link" in draft_findings(generator)
    with pytest.raises(ToolError, match="no path in the adapter"):
        TOOLS["patch_adapter_file"](generator, "notes.md", "a", "b", "to look")


def test_an_empty_draft_names_what_it_lacks(generator: Deps):
    assert "manifest.yaml" in draft_findings(generator)
    TOOLS["write_adapter_file"](generator, "manifest.yaml", (REFERENCE / "manifest.yaml").read_text(encoding="utf-8"))
    assert "phase1_explorer.md is missing" in draft_findings(generator)
