"""One agent, one task on one experiment: implement, fix or analyze. Which model decides is the role's business."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from alphalab_nb.adapter import Recipe
from alphalab_nb.agents import Deps, run_agent
from alphalab_nb.agents.excerpts import learnings
from alphalab_nb.agents.minds import is_live
from alphalab_nb.agents.tasks import AnalyzeTask, FixTask, ImplementTask
from alphalab_nb.errors import ToolError
from alphalab_nb.partitions import with_facts
from alphalab_nb.parts import Parts, deps_of
from alphalab_nb.storage.experiment import Attempt, Experiment, Run
from alphalab_nb.storage.leaderboard import ranking
from alphalab_nb.storage.snapshots import ast_hash


class Worker:
    """Sends agents to experiments; each call is one conversation in one notebook."""

    def __init__(self, parts: Parts, recipes: dict[str, Recipe]) -> None:
        self._parts, self._recipes = parts, recipes

    def implement(self, experiment: Experiment) -> Attempt:
        """Write the experiment's code and snapshot it."""
        folder, deps = self._folder(experiment), self._deps(experiment, "implement")
        self._add_members(experiment, folder)
        files = self._files(experiment)
        if is_live("worker_implement", self._parts.config):
            _lay_out(files, folder)
        task = ImplementTask(experiment=experiment, folder=folder, files=files, playbook=self._parts.playbook.prompt(),
                             learnings=learnings(self._parts.workspace))
        run_agent("worker_implement", deps, task)
        return self._snapshot(experiment, folder)

    def fix(self, experiment: Experiment, label: str) -> Attempt:
        """Change the code after a failure and snapshot it anew."""
        folder = self._folder(experiment)
        task = FixTask(experiment=experiment, folder=folder, files=self._files(experiment), playbook=self._parts.playbook.prompt(),
                       label=label, error=experiment.error, recipe=self._recipes.get(experiment.family), facts=self._facts())
        run_agent("worker_fix", self._deps(experiment, "fix"), task)
        return self._snapshot(experiment, folder)

    def analyze(self, experiment: Experiment, runs: list[Run], verdict: str, *, by_rules: bool = False) -> None:
        """Write the debrief, from measured numbers only; by rules when the campaign may not think any more."""
        ranked = ranking(self._parts.board, self._parts.metric, self._parts.board.fact("harness"))
        better = [entry for entry in ranked if entry.experiment.id != experiment.id]
        last = runs[-1] if runs else None
        task = AnalyzeTask(
            experiment=experiment, folder=self._folder(experiment), score=last.score if last else None,
            seconds=sum(run.seconds for run in runs), best_other=better[0].value if better else None,
            best_other_id=better[0].experiment.id if better else None,
            baselines=(self._parts.board.fact("baselines") or {}).get("search", {}), metric=self._parts.metric, verdict=verdict,
            parent_score=next((entry.value for entry in better if entry.experiment.id == experiment.parent), None),
        )
        run_agent("worker_analyze", self._deps(experiment, "analyze"), task, by_rules=by_rules)

    def _folder(self, experiment: Experiment) -> Path:
        folder = self._parts.workspace.experiment(experiment.id, experiment.name)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _files(self, experiment: Experiment) -> dict[str, str]:
        recipe = self._recipes.get(experiment.family)
        if recipe is None and is_live("worker_implement", self._parts.config):
            return {}
        if recipe is None:
            raise ToolError(f"no recipe for family '{experiment.family}'; a rule-based Worker can only write recipes")
        facts = self._facts()
        return recipe.render(recipe.complete(experiment.config, facts), facts)

    def _facts(self) -> dict[str, Any]:
        return with_facts(self._parts.task, self._parts.workspace.explore_data)

    def _add_members(self, experiment: Experiment, folder: Path) -> None:
        """Copy the code of the experiments that an ensemble combines."""
        for id in experiment.config.get("members", []):
            newest = self._parts.board.attempts(int(id))[-1]
            member = self._parts.board.get(int(id))
            source = self._parts.workspace.experiment(member.id, member.name)
            self._parts.snapshots.export(newest.commit, source, folder / "members" / str(id))

    def _deps(self, experiment: Experiment, task: str) -> Deps:
        number = len(self._parts.board.attempts(experiment.id)) + (0 if task == "analyze" else 1)
        notebook = f"{experiment.id:03d}_{experiment.name}_{task}{number}.ipynb"
        return deps_of(self._parts, "experiment", notebook, cwd=self._folder(experiment), experiment=experiment.id, attempt=number)

    def _snapshot(self, experiment: Experiment, folder: Path) -> Attempt:
        identity = ast_hash(folder, ignore=("experiment.json",))
        (folder / "experiment.json").write_text(json.dumps(_described(experiment), indent=1), encoding="utf-8")
        commit = self._parts.snapshots.take(folder, f"experiment {experiment.id}: {experiment.name}")
        attempt = self._parts.board.add_attempt(experiment.id, commit=commit, ast_hash=identity)
        self._parts.snapshots.export(commit, folder, self._parts.workspace.attempt(experiment.id, attempt.number))
        return attempt


def _lay_out(files: dict[str, str], folder: Path) -> None:
    """Write a recipe's files for a Worker that may change them; what it has changed already stays."""
    for name, text in files.items():
        path = folder / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def _described(experiment: Experiment) -> dict[str, object]:
    fields = asdict(experiment)
    return {key: fields[key] for key in ("id", "name", "family", "hypothesis", "config", "parent", "stage")}

