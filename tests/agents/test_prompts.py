"""Prompts are data: what every role reads is kept as a golden file, and nothing in it moves or names a tool the role lacks."""

from __future__ import annotations

import re
from pathlib import Path

import jinja2.meta
import pytest

from alphalab_nb.adapter import FILES, Adapter, environment
from alphalab_nb.agents import ROLES
from alphalab_nb.agents import agent as agent_module
from alphalab_nb.tools import TOOLS
from tests.agents.rendering import ADAPTERS, GOLDEN, TASKS, golden, render

CONTRACTS = Path(agent_module.__file__).parent / "contracts"
NOT_FOR_ROLES = {"handover.md"}
"""Texts for moments inside of a conversation."""
EVERY = [(adapter, role) for adapter in ADAPTERS for role in ROLES]
WORKERS = {"worker_implement": "Implement", "worker_fix": "Fix", "worker_analyze": "Analyze"}
_DATE = re.compile(r"\b(19|20)\d\d-\d\d-\d\d\b|\b\d{1,2}:\d\d:\d\d\b")
_ABSOLUTE = re.compile(r"(?<![\w.~/*)\]}])/[A-Za-z][\w.-]*")
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_OPENING = re.compile(r"^## (.+)\n(.+)$", re.MULTILINE)
"""A block's heading and its first line."""


def named_tools(text: str) -> set[str]:
    """Return the tools a text names: words with an underscore anywhere, plain English ones (note, verdict) as code only."""
    words = {name for name in TOOLS if "_" in name and re.search(rf"\b{name}\b", text)}
    return words | {name for name in TOOLS if "_" not in name and re.search(rf"`{name}[`(]", text)}


@pytest.mark.parametrize(("adapter", "role"), EVERY)
def test_a_role_reads_what_its_golden_file_holds(adapter: str, role: str):
    path = GOLDEN / adapter / f"{role}.md"
    assert path.is_file(), "run python -m tests.agents.golden and read the diff"
    assert golden(adapter, role) == path.read_text(encoding="utf-8"), "if meant: run python -m tests.agents.golden and read the diff"


def test_no_golden_file_is_left_of_a_role_that_is_gone():
    assert {(path.parent.name, path.stem) for path in GOLDEN.glob("*/*.md")} == set(EVERY)


@pytest.mark.parametrize(("adapter", "role"), EVERY)
def test_nothing_of_the_run_is_in_a_prompt(adapter: str, role: str):
    text, again = golden(adapter, role), golden(adapter, role)
    assert text == again, "two campaigns with the same task must share the cached prefix"
    assert not _DATE.findall(text)
    assert not _ABSOLUTE.findall(text)
    assert "{{" not in text


@pytest.mark.parametrize("line", ["on 2026-01-31", "at 12:30:01", "in /home/me/x", "see (/tmp/x)"])
def test_the_patterns_find_what_moves(line: str):
    assert _DATE.search(line) or _ABSOLUTE.search(line)


@pytest.mark.parametrize(("adapter", "role"), EVERY)
def test_a_role_is_told_of_no_tool_that_it_lacks(adapter: str, role: str):
    assert named_tools(golden(adapter, role)) <= {*ROLES[role].tools, "report_to_user"}


@pytest.mark.parametrize(("adapter", "role"), EVERY)
def test_a_role_is_told_how_to_end(adapter: str, role: str):
    text = golden(adapter, role)
    assert "report_to_user" in text
    assert "verdict" not in ROLES[role].tools or "`verdict`" in text


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_every_prompt_of_an_adapter_is_read_by_some_role(adapter: str):
    prompts = {name for name in FILES if name.endswith(".md")}
    texts = [golden(adapter, role) for role in ROLES]
    first_lines = {name: (ADAPTERS[adapter] / name).read_text(encoding="utf-8").splitlines()[0] for name in prompts}
    assert len(prompts) == 10
    assert [name for name, line in first_lines.items() if not any(line in text for text in texts)] == []


def test_every_contract_is_read_by_some_role():
    texts = [golden("time_series", role) for role in ROLES]
    heads = {path.name: path.read_text(encoding="utf-8").splitlines()[0] for path in CONTRACTS.glob("*.md")
             if path.name not in NOT_FOR_ROLES}
    assert [name for name, line in heads.items() if not any(line in text for text in texts)] == []


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize(("role", "block"), WORKERS.items())
def test_a_worker_reads_its_own_block_only(adapter: str, role: str, block: str):
    text = golden(adapter, role)
    for source in (ADAPTERS[adapter] / "phase3_worker.md", CONTRACTS / "worker.md"):
        opening = dict(_OPENING.findall(source.read_text(encoding="utf-8")))
        assert [heading.capitalize() for heading, line in opening.items() if line in text] == [block]


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_worker_has_three_blocks(adapter: str):
    assert _HEADING.findall((ADAPTERS[adapter] / "phase3_worker.md").read_text(encoding="utf-8")) == list(WORKERS.values())
    contract = (CONTRACTS / "worker.md").read_text(encoding="utf-8")
    assert _HEADING.findall(contract) == [block.lower() for block in WORKERS.values()]


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".md")])
def test_a_prompt_uses_known_variables_also_where_it_branches(adapter: str, name: str):
    text = (ADAPTERS[adapter] / name).read_text(encoding="utf-8")
    assert jinja2.meta.find_undeclared_variables(environment(ADAPTERS[adapter]).parse(text)) <= {"objective", "task", "metric"}
    assert set(re.findall(r"\btask\.(\w+)", text)) <= set(Adapter(ADAPTERS[adapter]).manifest.task)


@pytest.mark.parametrize("role", ROLES)
def test_what_a_task_leaves_open_is_not_shown(role: str):
    """The season may be null until the data has been read."""
    left_open = {key: value for key, value in TASKS["time_series"].items() if key != "season"}
    assert "None" not in render(ADAPTERS["time_series"], role, left_open)
