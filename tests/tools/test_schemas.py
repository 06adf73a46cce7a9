"""What models are told of the tools changes on purpose only; roles offer no tool that does not exist."""

from __future__ import annotations

from alphalab_nb.agents import ROLES
from alphalab_nb.tools import TOOLS
from tests.tools.golden import GOLDEN, schemas


def test_the_schemas_are_the_golden_ones():
    assert schemas() == GOLDEN.read_text(encoding="utf-8"), "if this is meant: python -m tests.tools.golden"


def test_every_tool_of_a_role_exists_and_every_tool_has_a_role():
    offered = {name for role in ROLES.values() for name in role.tools}
    assert offered == set(TOOLS)


def test_what_remembers_is_what_decides():
    assert {name for name, tool in TOOLS.items() if tool.remembers} == {"verdict", "propose_experiment", "cancel_experiment"}


def test_what_waits_runs_off_the_event_loop():
    slow = {"run_cell", "shell_exec", "start_job", "read_job", "stop_job", "reality_check", "ask_human", "search_web", "spawn_agent"}
    assert {name for name, tool in TOOLS.items() if tool.slow} == slow


def test_no_tool_has_a_name_that_a_provider_reserves():
    assert not {"web_search", "bash", "computer", "text_editor", "code_execution"} & set(TOOLS)
