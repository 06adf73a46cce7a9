"""Phase 0: check what the campaign stands on, split the data before any agent looks, fit the adapter to the data."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import shutil
from dataclasses import asdict, replace
from typing import Any

import jinja2

from alphalab_nb.adapter import Adapter
from alphalab_nb.agents import ROLES, run_agent
from alphalab_nb.agents.preflight import try_minds
from alphalab_nb.agents.prompts import render
from alphalab_nb.agents.tasks import CustomizeTask, Findings, GenerateTask
from alphalab_nb.errors import AdapterInvalid, AlphaLabError, WorkspaceError
from alphalab_nb.evaluator import Evaluator
from alphalab_nb.partitions import Wanted, with_season
from alphalab_nb.parts import Parts, deps_of, with_written_adapter
from alphalab_nb.phases.baselines import measure_baselines
from alphalab_nb.phases.review import review
from alphalab_nb.phases.steps import Result, step
from alphalab_nb.resources import cores, gpus
from alphalab_nb.workspace import Workspace

MIN_FREE_GIB = 1.0
MAX_DRAFTS = 3
"""Rounds of generation; each gets the findings of the last."""


@step("adapt")
def preflight(parts: Parts) -> Result:
    """Check disk, cores, sandbox and versions before anything is spent.

    Raises:
        WorkspaceError: too little disk space is left.
    """
    free_gib = shutil.disk_usage(parts.workspace.root).free / 2**30
    if free_gib < MIN_FREE_GIB:
        raise WorkspaceError(f"only {free_gib:.1f} GiB are free at {parts.workspace.root}; free at least {MIN_FREE_GIB:.0f} GiB")
    parts.board.set_fact("sandbox", {"level": parts.sandbox.level, "covers": parts.sandbox.describe()})
    return {
        "python": platform.python_version(),
        "alphalab_nb": importlib.metadata.version("alphalab-nb"),
        "cores": len(cores()),
        "gpus": gpus(),
        "free_gib": round(free_gib, 1),
        "sandbox": parts.sandbox.level,
        "sandbox_covers": parts.sandbox.describe(),
        "recipes": [recipe.family for recipe in parts.recipes],
    }


@step("adapt")
def make_data(parts: Parts) -> Result:
    """Read the data, repair what can be repaired, and split it into explore | search | confirm | sealed."""
    space = {recipe.family: {"summary": recipe.spec.summary, "params": recipe.described()} for recipe in parts.recipes}
    return parts.rule.make(Wanted(parts.config.data, parts.config.partitions, parts.task, space), parts.workspace.root).as_dict()


@step("adapt")
def check_minds(parts: Parts) -> Result:
    """Try every language model of the campaign once, with a tool and an image, before anything is spent on work.

    Raises:
        ConfigError, ProviderRefused, ProviderOutage: which model, and what is wrong with it.
    """
    return {"models": [asdict(tried) for tried in try_minds(deps_of(parts, "adapt", "0_models.ipynb"))]}


@step("adapt")
def adapt_domain(parts: Parts) -> Result:
    """Fit the adapter to the data; for a new domain, let the Generator write one. It is validated before it is accepted."""
    if parts.config.new_domain:
        return generate_adapter(parts)
    return customize_adapter(parts)


@step("adapt")
def review_adapter(parts: Parts) -> Result:
    """Let the Supervisor review the adapter; it may be fitted once more."""
    parts = with_written_adapter(parts)
    known = parts.board.step("adapt", "adapt_domain") or {"result": {}}
    files = [f"adapter/{name}" for name in sorted(path.name for path in parts.workspace.adapter.glob("*.md"))]
    shown = sorted(str(path.relative_to(parts.workspace.root)) for path in parts.workspace.explore_data.glob("*.json"))
    return review(
        parts, "adapt", known["result"]["summary"], [*files, *shown],
        lambda findings: customize_adapter(parts, findings, "0_customizer_again.ipynb"),
    )


def customize_adapter(parts: Parts, findings: Findings = (), notebook: str = "0_customizer.ipynb") -> Result:
    """Let the Customizer fill the domain knowledge from the explore partition, then validate the adapter."""
    task = CustomizeTask(adapter=parts.workspace.adapter, task=parts.task, rule=parts.adapter.manifest.partition, findings=findings)
    report = run_agent("customizer", deps_of(parts, "adapt", notebook, cwd=parts.workspace.adapter), task)
    Adapter(parts.workspace.adapter).validate()
    return {"summary": report.summary, "files": sorted(path.name for path in parts.workspace.adapter.glob("*.md"))}


def generate_adapter(parts: Parts) -> Result:
    """Let the Generator write all files of a new domain's adapter into a draft, and accept the draft when it validates.

    Raises:
        AdapterInvalid: the draft of the last round does not validate; nothing was accepted.
    """
    draft, problems, findings = parts.workspace.draft, list[str](), list[dict[str, Any]]()
    tries = int(parts.board.fact("drafts_failed", 0))
    for number in range(1 + tries * MAX_DRAFTS, 1 + (tries + 1) * MAX_DRAFTS):
        task = GenerateTask(domain=parts.config.domain, objective=parts.config.objective, reference=parts.adapter.manifest.name,
                            task=parts.task, findings=findings)
        report = run_agent("generator", deps_of(parts, "adapt", f"0_generator_{number}.ipynb", cwd=draft), task)
        if not (draft / "manifest.yaml").is_file():
            raise AdapterInvalid(f"no adapter was written for domain '{parts.config.domain}': {report.summary}")
        problems = draft_problems(parts)
        if not problems:
            accept_draft(parts.workspace)
            return {"summary": report.summary, "files": sorted(path.name for path in draft.iterdir()), "drafts": number}
        findings = [{"severity": "blocking", "file": "adapter", "line": 0, "message": problem} for problem in problems]
    parts.board.set_fact("drafts_failed", tries + 1)
    raise AdapterInvalid(f"the draft of domain '{parts.config.domain}' does not validate: " + "; ".join(problems))


def accept_draft(workspace: Workspace) -> None:
    """Make the draft the campaign's adapter: whole or not at all, whatever an interrupted attempt has left."""
    whole = workspace.root / "adapter_accepted"
    shutil.rmtree(whole, ignore_errors=True)
    shutil.copytree(workspace.draft, whole, ignore=shutil.ignore_patterns("__pycache__", ".pytest_cache"))
    shutil.rmtree(workspace.adapter, ignore_errors=True)
    whole.rename(workspace.adapter)


def draft_problems(parts: Parts) -> list[str]:
    """Return what keeps the draft from being accepted: files, bindings, renders, and a harness that scores its baselines here."""
    if links := [path.name for path in parts.workspace.draft.rglob("*") if path.is_symlink()]:
        return [f"links are not taken over, they may lead anywhere: {', '.join(links)}"]
    try:
        adapter = Adapter(parts.workspace.draft)
        adapter.validate()
        task = adapter.task_with(parts.config.task)
        values = {"objective": parts.config.objective, "task": task, "metric": adapter.metric(task)}
        for role in ROLES.values():
            render(adapter.root, role, values)
        _run_reference(parts, adapter, task)
    except (AlphaLabError, jinja2.TemplateError, KeyError) as error:
        return [f"{type(error).__name__}: {error}"]
    return []


def _run_reference(parts: Parts, adapter: Adapter, task: dict[str, Any]) -> None:
    """Run the draft's harness on the data as it would be frozen: its baselines must be finite."""
    trial = parts.workspace.root / "build" / "draft"
    shutil.rmtree(trial, ignore_errors=True)
    shutil.copytree(adapter.root / "harness", trial / "harness")
    (trial / "harness" / "config.json").write_text(json.dumps(with_season(task, parts.workspace.explore_data)), encoding="utf-8")
    found = measure_baselines(replace(parts, evaluator=Evaluator(trial / "harness", parts.workspace.root)), "search", trial / "baselines")
    missing = [name for name in adapter.manifest.baselines if found.values.get(name) is None]
    if missing:
        raise AdapterInvalid(f"the harness gave no score for the required baselines {', '.join(missing)}")
