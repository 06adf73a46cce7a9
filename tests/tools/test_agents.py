"""A helper's report comes back to the one who asked; a helper has none of its own."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic_ai.exceptions import ToolFailed

from alphalab_nb.errors import BudgetEnded, ProviderOutage, Stopped, ToolError
from alphalab_nb.tools import TOOLS
from tests.desk import desk


def test_the_question_goes_out_and_the_report_comes_back_clipped(tmp_path: Path):
    asked: list[str] = []
    deps = replace(desk(tmp_path).as_role("explorer", tmp_path / "explore"), spawn=lambda task: asked.append(task) or "word " * 10_000)
    said = TOOLS["spawn_agent"](deps, "How many gaps has item 4?")
    assert asked == ["How many gaps has item 4?"]
    assert "characters left out" in said


def test_a_child_cannot_ask_another_one(tmp_path: Path):
    with pytest.raises(ToolError, match="cannot have helpers"):
        TOOLS["spawn_agent"](desk(tmp_path).as_role("child", tmp_path / "explore"), "Why?")


@pytest.mark.parametrize(("error", "seen"), [
    (BudgetEnded("the child did not report"), ToolFailed), (ToolError("no such file"), ToolFailed), (KeyError("oops"), ToolFailed),
    (Stopped("the campaign is stopping"), Stopped), (ProviderOutage("no answer for a day"), ProviderOutage),
])
def test_what_ends_a_helper_is_an_observation_unless_it_ends_the_campaign(tmp_path: Path, error: Exception, seen: type[Exception]):
    def spawn(task: str) -> str:
        raise error

    deps = replace(desk(tmp_path).as_role("explorer", tmp_path / "explore"), spawn=spawn)
    with pytest.raises(seen, match=str(error.args[0])):
        asyncio.run(TOOLS["spawn_agent"].pydantic.function(SimpleNamespace(deps=deps), "Why?"))
