"""From a role and a task to a conversation: builds the pydantic-ai Agent, runs it, returns what it reported."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
from pydantic_ai import Agent, RunContext
from pydantic_ai.exceptions import ModelRetry, UsageLimitExceeded
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models import Model
from pydantic_ai.output import ToolOutput
from pydantic_ai.usage import UsageLimits

from alphalab_nb.adapter import environment
from alphalab_nb.agents.offline import POLICIES
from alphalab_nb.agents.roles import ROLES, Role
from alphalab_nb.agents.tasks import Task
from alphalab_nb.errors import BudgetEnded
from alphalab_nb.llm import Metered, model_for
from alphalab_nb.llm.metered import Tags
from alphalab_nb.llm.offline.rule_model import BANNER, PROVIDER
from alphalab_nb.tools import TOOLS, Deps, Report


@dataclass(frozen=True)
class Finished:
    """What a conversation came to."""

    summary: str
    findings: tuple[dict[str, Any], ...]
    """Of the verdict: severity, file, line, message. Empty for roles that give none."""
    passed: bool
    """The verdict; True for roles that give none."""
    notebook: Path
    requests: int
    seconds: float


def run_agent(role: str, deps: Deps, task: Task, *, history: list[ModelMessage] | None = None) -> Finished:
    """Play a role on a task until it reports. Works with or without a running event loop.

    Args:
        history: messages of an interrupted conversation to go on from; recorded calls are not repeated.

    Raises:
        ConfigError: the configured provider is not available.
        BudgetEnded: the role's limit of requests is reached without a report.
    """
    row = ROLES[role]
    model = model_for(role, deps.config.llm, POLICIES.get(role), task)
    deps = _equipped(row, deps, model)
    metered = Metered(model, ledger=deps.ledger, tags=Tags(deps.phase, role, deps.experiment))
    started = time.monotonic()
    try:
        deps.session.note(_first_note(row, model))
        run = _in_own_loop(_converse(row, deps, task, metered, history))
    finally:
        deps.close()
    findings = tuple(finding.model_dump() for finding in deps.verdict.findings) if deps.verdict else ()
    return Finished(
        summary=run.output.summary, findings=findings, passed=deps.verdict is None or deps.verdict.passed, notebook=deps.notebook,
        requests=run.usage.requests, seconds=time.monotonic() - started,
    )


async def _converse(role: Role, deps: Deps, task: Task, model: Model, history: list[ModelMessage] | None) -> Any:
    agent = Agent(
        model, deps_type=Deps, name=role.name, instructions=instructions(role, deps),
        output_type=ToolOutput(Report, name="report_to_user"), tools=[TOOLS[name].pydantic for name in role.tools],
        retries={"tools": 4, "output": 20},
    )
    if role.refuses:
        agent.output_validator(_refusing(role.refuses))
    prompt = None if history else task.brief()
    limits = UsageLimits(request_limit=role.requests)
    try:
        return await agent.run(prompt, deps=deps, message_history=history, usage_limits=limits)
    except UsageLimitExceeded as error:
        raise BudgetEnded(f"{role.name} did not report within {role.requests} requests; see {deps.notebook.name}") from error


def _refusing(reason: Callable[[Deps], str]) -> Any:
    def check(ctx: RunContext[Deps], report: Report) -> Report:
        if why := reason(ctx.deps):
            raise ModelRetry(why)
        return report

    return check


def instructions(role: Role, deps: Deps) -> str:
    """Return the static instructions of a role: no dates, counters or budgets, so that a provider's cache holds."""
    adapter = deps.adapter
    task = {**adapter.manifest.task, **deps.config.task}
    values = {"objective": deps.config.objective, "task": task, "metric": adapter.metric(task)}
    prompts = [_templates(adapter.root).get_template(name).render(**values) for name in (role.prompt, "domain_knowledge.md")]
    return "\n\n".join([
        *prompts, files("alphalab_nb.agents.contracts").joinpath(role.contract).read_text(encoding="utf-8"),
    ])


@cache
def _templates(folder: Path) -> jinja2.Environment:
    """Return the templates of an adapter; compiled once, and again when a file changes."""
    return environment(folder)


def _equipped(role: Role, deps: Deps, model: Model) -> Deps:
    """Return a copy with what follows from the role; the caller's object stays as it is."""
    reads, writes = role.folders(deps.workspace, deps.cwd)
    metadata = {"role": role.name, "provider": model.system, "model": model.model_name, "experiment": deps.experiment}
    return replace(deps, role=role.name, reads=(*reads, deps.notebook), writes=writes, metadata=metadata, verdict=None, opened=None)


def _first_note(role: Role, model: Model) -> str:
    banner = f" **{BANNER}**" if model.system == PROVIDER else ""
    return f"{role.name}: provider `{model.system}`, model `{model.model_name}`.{banner}"


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
