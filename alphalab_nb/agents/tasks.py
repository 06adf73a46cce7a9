"""What an agent is asked to do, typed. A policy reads the fields; a language model reads `brief()`, rendered from the same fields.

The texts are the templates in briefs/, one per task.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Protocol

import jinja2

from alphalab_nb.adapter import Recipe
from alphalab_nb.metric import Metric
from alphalab_nb.storage.experiment import Experiment, Score

Findings = Sequence[Mapping[str, Any]]
"""Of a verdict: severity, file, line, message."""


class Task(Protocol):
    """The first message of a conversation."""

    def brief(self) -> str: ...


class Briefed:
    """A task whose brief is a template over its fields."""

    template: ClassVar[str]

    def brief(self) -> str:
        return _templates().get_template(self.template).render(task=self).strip() + "\n"


@dataclass(frozen=True, kw_only=True)
class GenerateTask(Briefed):
    """Write the adapter of a domain that has none."""

    template: ClassVar[str] = "generate.md"
    domain: str
    objective: str
    reference: str
    """Domain whose adapter is the model to follow."""
    task: Mapping[str, Any]
    """The task block of the campaign: its settings, and the defaults of the reference."""
    findings: Findings = ()
    """Of the validation of an earlier draft, or of the Supervisor."""


@dataclass(frozen=True, kw_only=True)
class CustomizeTask(Briefed):
    """Fill the adapter's domain knowledge from the explore partition."""

    template: ClassVar[str] = "customize.md"
    adapter: Path
    task: Mapping[str, Any]
    rule: str = "series"
    """Partition rule of the domain: what kind of data explore is."""
    findings: Findings = ()


@dataclass(frozen=True, kw_only=True)
class ExploreTask(Briefed):
    """Find out what the data is."""

    template: ClassVar[str] = "explore.md"
    folder: Path
    data: Path
    task: Mapping[str, Any]
    rule: str = "series"
    """Partition rule of the domain: what kind of data explore is."""
    findings: Findings = ()


@dataclass(frozen=True, kw_only=True)
class BuildTask(Briefed):
    """Write the harness, or mend what the last round found."""

    template: ClassVar[str] = "build.md"
    adapter: Path
    harness: Path
    task: Mapping[str, Any]
    """The task block with the season settled; goes to harness/config.json."""
    findings: Findings = ()


@dataclass(frozen=True, kw_only=True)
class CriticTask(Briefed):
    """Break the harness."""

    template: ClassVar[str] = "criticize.md"
    adapter: Path
    harness: Path


@dataclass(frozen=True, kw_only=True)
class TesterTask(Briefed):
    """Test the harness."""

    template: ClassVar[str] = "test.md"
    harness: Path


@dataclass(frozen=True, kw_only=True)
class StrategyTask(Briefed):
    """Decide which experiments are worth running next."""

    template: ClassVar[str] = "strategy.md"
    wanted: int
    """Experiments to propose."""
    remaining: int
    budget: int
    band: str
    """What the remaining budget asks for."""
    metric: Metric
    leaderboard: str
    baselines: Mapping[str, float]
    debriefs: str
    """Of the experiments that were analyzed since the last turn."""
    open: str
    """Experiments that wait or run."""
    families: str
    """Share of each family, and the quota."""
    recipes: str
    """Families with a ready template and their parameters."""
    playbook: str
    learnings: str
    notes: Sequence[str]
    """What people said, vetoes with their reasons included."""


@dataclass(frozen=True, kw_only=True)
class ImplementTask(Briefed):
    """Turn a proposal into a program."""

    template: ClassVar[str] = "implement.md"
    experiment: Experiment
    folder: Path
    files: Mapping[str, str]
    """The recipe's files as rendered; what a rule-based Worker writes and a model may start from. Empty without a recipe."""
    playbook: str
    learnings: str = ""


@dataclass(frozen=True, kw_only=True)
class FixTask(Briefed):
    """Repair a failed program."""

    template: ClassVar[str] = "fix.md"
    experiment: Experiment
    folder: Path
    files: Mapping[str, str]
    playbook: str
    label: str
    """Of the failed Score: crash, timeout, oom, invalid_output, ..."""
    error: str
    recipe: Recipe | None
    facts: Mapping[str, Any]
    """Task block plus n_items, length, season: what a recipe is rendered with."""
    siblings: Sequence[Recipe] = ()
    """Recipes to fall back on when this one cannot run here."""


@dataclass(frozen=True, kw_only=True)
class AnalyzeTask(Briefed):
    """Write the debrief of a scored experiment."""

    template: ClassVar[str] = "analyze.md"
    experiment: Experiment
    folder: Path
    score: Score | None
    seconds: float
    best_other: float | None
    """Best score of another experiment."""
    best_other_id: int | None
    baselines: Mapping[str, float]
    metric: Metric
    verdict: str
    parent_score: float | None = field(default=None)


@dataclass(frozen=True, kw_only=True)
class MilestoneTask(Briefed):
    """Write a milestone report."""

    template: ClassVar[str] = "milestone.md"
    number: int
    draft: str
    """The report that code makes of the board: every number in it is measured."""
    debriefs: str


@dataclass(frozen=True, kw_only=True)
class ReviewTask(Briefed):
    """Review what a phase has left, before the next one builds on it."""

    template: ClassVar[str] = "review.md"
    phase: str
    summary: str
    """What the phase reported."""
    artefacts: Sequence[str]
    """Paths, relative to the campaign's folder."""


@dataclass(frozen=True, kw_only=True)
class DiagnoseTask(Briefed):
    """Find the one cause of many failures and mend the instruction."""

    template: ClassVar[str] = "diagnose.md"
    failed: int
    window: int
    failures: str
    """The newest failures: experiment, label, last lines of the error."""


@dataclass(frozen=True, kw_only=True)
class GuideTask(Briefed):
    """Answer a person's question about the campaign."""

    template: ClassVar[str] = "guide.md"
    question: str
    by: str
    facts: str
    """What the board says to it, without a model."""
    earlier: Sequence[tuple[str, str]]
    """Questions and answers before it, oldest first."""


@dataclass(frozen=True, kw_only=True)
class ChildTask(Briefed):
    """Work on a side question of another agent."""

    template: ClassVar[str] = "child.md"
    task: str
    parent: str


@dataclass(frozen=True, kw_only=True)
class PreflightTask(Briefed):
    """Show that a tool round trip and an image work."""

    template: ClassVar[str] = "preflight.md"
    image: bool


@cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("alphalab_nb.agents", "briefs"), undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        autoescape=False,
    )
    environment.filters["compact_json"] = lambda values: json.dumps(dict(values), sort_keys=True, default=str)
    return environment
