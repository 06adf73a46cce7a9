"""RuleModel answers from a policy, replays it over the record, and refuses a record that differs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_ai import Agent, ModelMessagesTypeAdapter
from pydantic_ai.exceptions import ModelRetry, ToolFailed
from pydantic_ai.output import ToolOutput

from alphalab_nb.llm import Call, Diverged, Result, RuleModel


class Report(BaseModel):
    """The end."""

    summary: str


async def three_steps(task: Any, notes: Sequence[str]) -> AsyncGenerator[Call | list[Call], Any]:
    """Read, write twice at once, report."""
    read: Result = yield Call("read", {"path": task})
    wrote: list[Result] = yield [Call("write", {"path": f"{read.value}{n}"}) for n in (1, 2)]
    yield Call("report", {"summary": f"{read.value}: {', '.join(result.text for result in wrote)}{' '.join(notes)}"})


async def other_steps(task: Any, notes: Sequence[str]) -> AsyncGenerator[Call | list[Call], Any]:
    yield Call("read", {"path": "elsewhere"})


async def no_end(task: Any, notes: Sequence[str]) -> AsyncGenerator[Call | list[Call], Any]:
    yield Call("read", {"path": "a"})


async def unknown_tool(task: Any, notes: Sequence[str]) -> AsyncGenerator[Call | list[Call], Any]:
    yield Call("fly")


async def tries_twice(task: Any, notes: Sequence[str]) -> AsyncGenerator[Call | list[Call], Any]:
    first: Result = yield Call("write", {"path": task})
    second: Result = yield Call("read", {"path": "a"})
    yield Call("report", {"summary": f"{first.ok} {first.text} | {second.ok}"})


def agent(policy: Any, calls: list[str], task: str = "a") -> Agent[None, Report]:
    """Return an agent with two tools that note their calls; `write` fails on 'broken' and asks again on 'wrong'."""
    made = Agent(RuleModel(policy, task, "tester"), output_type=ToolOutput(Report, name="report"), retries=3)

    @made.tool_plain
    def read(path: str) -> str:
        calls.append(f"read {path}")
        return f"<{path}>"

    @made.tool_plain
    def write(path: str) -> str:
        calls.append(f"write {path}")
        if path == "broken":
            raise ToolFailed("the disk is full")
        if path == "wrong":
            raise ModelRetry("no such place")
        return f"wrote {path}"

    return made


def test_a_policy_plays_a_conversation_with_parallel_calls():
    calls: list[str] = []
    run = agent(three_steps, calls).run_sync("go")
    assert run.output.summary == "<a>: wrote <a>1, wrote <a>2"
    assert sorted(calls) == ["read a", "write <a>1", "write <a>2"]
    assert run.usage.requests == 3


def test_a_cut_conversation_goes_on_without_repeating_calls():
    first: list[str] = []
    whole = agent(three_steps, first).run_sync("go")
    stored = ModelMessagesTypeAdapter.validate_json(ModelMessagesTypeAdapter.dump_json(whole.all_messages()))
    again: list[str] = []
    resumed = agent(three_steps, again).run_sync(message_history=stored[:3])
    assert resumed.output == whole.output
    assert sorted(again) == ["write <a>1", "write <a>2"]


def test_a_record_that_differs_from_the_policy_is_refused():
    stored = agent(three_steps, []).run_sync("go").all_messages()[:3]
    calls: list[str] = []
    with pytest.raises(Diverged, match="elsewhere"):
        agent(other_steps, calls).run_sync(message_history=stored)
    assert not calls


def test_a_policy_that_ends_without_a_report_is_named():
    with pytest.raises(Diverged, match="without calling its terminal tool"):
        agent(no_end, []).run_sync("go")


def test_a_tool_that_the_role_does_not_have_is_refused():
    with pytest.raises(Diverged, match="'fly' is not offered"):
        agent(unknown_tool, []).run_sync("go")


@pytest.mark.parametrize(("task", "said"), [("broken", "the disk is full"), ("wrong", "no such place")])
def test_a_failed_call_reaches_the_policy_as_a_result(task: str, said: str):
    summary = agent(tries_twice, [], task).run_sync("go").output.summary
    assert summary.startswith("False")
    assert said in summary
    assert summary.endswith("| True")


def test_what_a_person_says_meanwhile_reaches_the_policy():
    async def converse() -> str:
        made = agent(three_steps, [])
        half = (await made.run("go")).all_messages()[:3]
        return (await made.run("hurry", message_history=half)).output.summary

    assert asyncio.run(converse()).endswith("hurry")
