"""What an agent is asked to do, typed. A policy reads the fields; a language model reads `brief()`, rendered from the same fields."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from alphalab_nb.adapter import Recipe
from alphalab_nb.metric import Metric
from alphalab_nb.storage.experiment import Experiment, Score


class Task(Protocol):
    """The first message of a conversation."""

    def brief(self) -> str: ...


@dataclass(frozen=True, kw_only=True)
class CustomizeTask:
    """Fill the adapter's domain knowledge from the explore partition."""

    adapter: Path
    task: Mapping[str, Any]

    def brief(self) -> str:
        return f"The adapter is your working folder. The task block: {_json(self.task)}. The data lies in ../data/explore."


@dataclass(frozen=True, kw_only=True)
class ExploreTask:
    """Find out what the data is."""

    folder: Path
    data: Path
    task: Mapping[str, Any]

    def brief(self) -> str:
        return f"Your working folder is explore/; the data lies in ../data/explore. The task block: {_json(self.task)}."


@dataclass(frozen=True, kw_only=True)
class BuildTask:
    """Write the harness, or mend what the last round found."""

    adapter: Path
    harness: Path
    task: Mapping[str, Any]
    """The task block with the season settled; goes to harness/config.json."""
    findings: Sequence[Mapping[str, Any]] = ()

    def brief(self) -> str:
        found = "".join(f"\n- {f['severity']}: {f['file']}:{f['line']} {f['message']}" for f in self.findings)
        mend = f"\nMend these findings:{found}" if found else ""
        return f"Build ../harness from ../adapter/harness. harness/config.json: {_json(self.task)}{mend}"


@dataclass(frozen=True, kw_only=True)
class CriticTask:
    """Break the harness."""

    adapter: Path
    harness: Path

    def brief(self) -> str:
        return "Attack ../harness. The adapter's probes are in ../adapter/probes."


@dataclass(frozen=True, kw_only=True)
class TesterTask:
    """Test the harness."""

    harness: Path

    def brief(self) -> str:
        return "Test ../harness; its tests are in ../harness/tests."


@dataclass(frozen=True, kw_only=True)
class ImplementTask:
    """Turn a proposal into a program."""

    experiment: Experiment
    folder: Path
    files: Mapping[str, str]
    """The recipe's files as rendered; what a rule-based Worker writes and a model may start from."""
    playbook: str

    def brief(self) -> str:
        return f"{self.playbook}\n\nImplement {_proposal(self.experiment)}\nRecipe files to start from: {', '.join(self.files) or 'none'}."


@dataclass(frozen=True, kw_only=True)
class FixTask:
    """Repair a failed program."""

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

    def brief(self) -> str:
        return f"{self.playbook}\n\nRepair {_proposal(self.experiment)}\nIt ended with {self.label}:\n{self.error}"


@dataclass(frozen=True, kw_only=True)
class AnalyzeTask:
    """Write the debrief of a scored experiment."""

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

    def brief(self) -> str:
        score = f"{self.score.value} {self.metric.unit}, label {self.score.label}" if self.score else "no score"
        best = f"best other: {self.best_other} (#{self.best_other_id})"
        return f"Write debrief.md of {_proposal(self.experiment)}\nMeasured: {score}; {best}; baselines {_json(self.baselines)}."


def _proposal(experiment: Experiment) -> str:
    return (f"experiment {experiment.id}, {experiment.name}, family {experiment.family}: {experiment.hypothesis}"
            f"\nConfiguration: {_json(experiment.config)}{chr(10) + experiment.brief if experiment.brief else ''}")


def _json(values: Mapping[str, Any]) -> str:
    return json.dumps(dict(values), sort_keys=True, default=str)
