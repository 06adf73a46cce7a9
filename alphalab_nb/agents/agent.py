"""From a role and a task to a conversation: builds the pydantic-ai Agent, runs it, returns what it reported."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

from pydantic_ai import Agent, RunContext
from pydantic_ai.exceptions import ModelRetry, UsageLimitExceeded
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models import Model
from pydantic_ai.output import ToolOutput
from pydantic_ai.usage import RunUsage, UsageLimits

from alphalab_nb.agents.minds import Seat, rules_seat, take_seat
from alphalab_nb.agents.prompts import render
from alphalab_nb.agents.roles import ROLES, Role
from alphalab_nb.agents.tasks import ChildTask, Task
from alphalab_nb.errors import AlphaLabError, RequestLimit
from alphalab_nb.llm.conversation import FINAL, Done
from alphalab_nb.llm.offline.rule_model import BANNER, OFFLINE
from alphalab_nb.tools import TOOLS, Decisions, Deps, Report

_WATCH_S = 0.5
"""How often a running conversation looks whether a person wants it to stop."""


@dataclass(frozen=True)
class Finished:
    """What a conversation came to."""

    summary: str
    findings: tuple[dict[str, Any], ...]
    """Of the verdict: severity, file, line, message. Empty for roles that give none."""
    passed: bool
    """The verdict; True for roles that give none."""
    decisions: Decisions
    """Of a Strategist."""
    notebook: Path
    requests: int
    seconds: float


@dataclass
class Shared:
    """Limits that a conversation shares with its children."""

    most: int
    """Responses in all."""
    usage: RunUsage = field(default_factory=RunUsage)


def run_agent(
    role: str, deps: Deps, task: Task, *, history: list[ModelMessage] | None = None, by_rules: bool = False, shared: Shared | None = None,
    key: str = "",
) -> Finished:
    """Play a role on a task until it reports. Works with or without a running event loop.

    With a language model the conversation is on record under the phase and the notebook's name: one that was interrupted goes on
    where it was, and one that had reported returns its report.

    Args:
        history: messages to go on from, for a role that is played by rules; recorded calls are not repeated.
        by_rules: let the rules play it whatever the campaign says (its budget is spent).
        key: of the record, where several conversations use one notebook.
        shared: limits of a parent that this conversation uses up, too.

    Raises:
        ConfigError: the configured provider is not available.
        RequestLimit: the role's limit of requests is reached without a report.
        BudgetEnded: the campaign's budget is spent.
        ProviderOutage, ProviderRefused, Stopped: the conversation can be resumed.
    """
    row = ROLES[role]
    seat = rules_seat(row, deps, task) if by_rules else take_seat(row, deps, task, key)
    deps = _equipped(row, deps, seat)
    remember(deps, seat.done)
    started, shared = time.monotonic(), shared or Shared(deps.config.limits.requests or row.requests)
    shared.usage.requests += seat.requests
    deps.spawn = _spawner(deps, shared)
    try:
        if not seat.history:
            deps.session.note(_first_note(row, seat.model))
        run = _in_own_loop(_watched(_converse(row, deps, task, seat, history or seat.history, shared), seat, deps))
        if seat.model.system != OFFLINE and not seat.over:
            deps.session.note(_last_note(deps, run.output.summary))
    finally:
        deps.close()
    seat.end()
    findings = tuple(finding.model_dump() for finding in deps.verdict.findings) if deps.verdict else ()
    return Finished(
        summary=run.output.summary, findings=findings, passed=deps.verdict is None or deps.verdict.passed, decisions=deps.decisions,
        notebook=deps.notebook, requests=run.usage.requests, seconds=time.monotonic() - started,
    )


async def _converse(role: Role, deps: Deps, task: Task, seat: Seat, history: list[ModelMessage] | None, shared: Shared) -> Any:
    agent = Agent(
        seat.model, deps_type=Deps, name=role.name, output_type=ToolOutput(Report, name=FINAL),
        instructions=seat.instructions or instructions(role, deps, seat),
        tools=[TOOLS[name].pydantic for name in role.tools if name not in seat.absent], retries={"tools": 4, "output": 20},
        capabilities=seat.capabilities, model_settings=seat.settings,
    )
    if role.refuses:
        agent.output_validator(_refusing(role.refuses))
    prompt = None if history else task.brief()
    limits = UsageLimits(request_limit=shared.most)
    try:
        async with agent:  # leaving it closes the connections of its model
            return await agent.run(prompt, deps=deps, message_history=history or None, usage_limits=limits, usage=shared.usage)
    except UsageLimitExceeded as error:
        raise RequestLimit(f"{role.name} did not report within {shared.most} requests; see {deps.notebook.name}") from error


async def _watched(work: Coroutine[Any, Any, Any], seat: Seat, deps: Deps) -> Any:
    """Run a conversation, and end it within seconds when a person stops the campaign; its record stays."""
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=_WATCH_S)
            if not task.done():
                seat.pulse.check()
        return task.result()
    except BaseException:
        task.cancel()
        if deps.opened is not None:
            deps.opened.interrupt()
        with contextlib.suppress(BaseException):
            await task
        raise


def _refusing(reason: Callable[[Deps], str]) -> Any:
    def check(ctx: RunContext[Deps], report: Report) -> Report:
        if why := reason(ctx.deps):
            raise ModelRetry(why)
        return report

    return check


def instructions(role: Role, deps: Deps, seat: Seat | None = None) -> str:
    """Return the static instructions of a role in this campaign."""
    values = {"objective": deps.config.objective, "task": deps.task, "metric": deps.metric}
    return render(deps.adapter.root, role, values, seat.absent if seat else None)


def _equipped(role: Role, deps: Deps, seat: Seat) -> Deps:
    """Return a copy with what follows from the role; the caller's object stays as it is."""
    reads, writes = role.folders(deps.workspace, deps.cwd)
    metadata = {"role": role.name, "provider": seat.model.system, "model": seat.model.model_name, "experiment": deps.experiment}
    return replace(
        deps, role=role.name, reads=(*reads, deps.notebook), writes=writes, metadata=metadata, verdict=None,
        decisions=replace(deps.decisions, proposals=[], cancelled={}), opened=None,
    )


def remember(deps: Deps, done: list[Done]) -> None:
    """Make the decisions of an interrupted conversation again; they change nothing but the conversation's own state.

    The board may have moved on since: what cannot be decided any more is left out, and what was allowed then counts now.
    """
    limits = {"most": deps.decisions.most, "diverse": deps.decisions.diverse}
    deps.decisions.most, deps.decisions.diverse = len(done), False
    for call in done:
        if call.ok and call.name in TOOLS and TOOLS[call.name].remembers:
            with contextlib.suppress(AlphaLabError):
                TOOLS[call.name].again(deps, call.args)
    deps.decisions = replace(deps.decisions, **limits)


def _spawner(deps: Deps, shared: Shared) -> Callable[[str], str]:
    """Return what lets a child work on a side question of this conversation; it shares the limits of its parent."""

    def spawn(task: str) -> str:
        numbered = (deps.notebook.with_name(f"{deps.notebook.stem}_child{n}.ipynb") for n in count(1))
        notebook = next(path for path in numbered if not path.exists())  # also after a resume: a new question is a new conversation
        child = replace(deps, notebook=notebook, spawn=None)
        return run_agent("child", child, ChildTask(task=task, parent=deps.role), shared=shared).summary

    return spawn


def _first_note(role: Role, model: Model) -> str:
    banner = f" **{BANNER}**" if model.system == OFFLINE else ""
    return f"{role.name}: provider `{model.system}`, model `{model.model_name}`.{banner}"


def _last_note(deps: Deps, summary: str) -> str:
    """Return how a conversation ended, for readers of its notebook: decisions that left no cell, and the report."""
    lines = [f"- proposed `{p.name}` ({p.family}): {p.hypothesis}" for p in deps.decisions.proposals]
    lines += [f"- cancelled #{id}: {reason}" for id, reason in deps.decisions.cancelled.items()]
    if deps.verdict is not None:
        lines.append(f"- verdict: {'passed' if deps.verdict.passed else 'not passed'}")
        lines += [f"- {finding.severity}: {finding.file}:{finding.line} {finding.message}" for finding in deps.verdict.findings]
    return "\n".join(["## Report", "", summary, *([""] if lines else []), *lines])


def _in_own_loop(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end, in a thread of its own if this one already runs a loop (notebooks)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    outcome: dict[str, Any] = {}

    def target() -> None:
        try:
            outcome["value"] = asyncio.run(work)
        except BaseException as error:  # noqa: BLE001 - carried over to the waiting thread
            outcome["error"] = error

    thread = threading.Thread(target=target, name="agent", daemon=True)
    thread.start()
    thread.join()
    if "error" in outcome:
        raise outcome["error"]
    return outcome["value"]
