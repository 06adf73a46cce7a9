"""Campaigns in which only the running is simulated: real board, playbook, recipes and rules; scores come from a known function.

So the truth is known, and a whole campaign takes a second.
"""

from __future__ import annotations

import dataclasses
import random
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from alphalab_nb.adapter import Recipe, RecipeFile, load_builtin
from alphalab_nb.dispatch.triggers import family_capped
from alphalab_nb.metric import Metric
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.database import Database
from alphalab_nb.storage.experiment import Experiment, Fidelity, Proposal, Score, State
from alphalab_nb.storage.leaderboard import ranking
from alphalab_nb.storage.playbook import Playbook
from alphalab_nb.strategies.base import BoardView, Plan, Seen, Strategy

TASK: dict[str, Any] = {"horizon": 26, "stride": 4, "season": 52, "seasons": [52], "n_items": 1, "length": 1500, "metric": "rmse"}

Truth = Callable[[Experiment, Fidelity, Board], float | None]
"""The score of an experiment at a fidelity; None means that it crashes."""


def families(count: int = 8, *, combiner: bool = True) -> list[Recipe]:
    """Return recipes with small conditional spaces, as an adapter's."""
    params = {
        "size": {"type": "int", "low": 1, "high": 64, "default": 8, "log": True},
        "rate": {"type": "float", "low": 0.0, "high": 1.0, "default": 0.5},
        "kind": {"type": "categorical", "choices": ["plain", "wide"], "default": "plain"},
        "width": {"type": "float", "low": 0.1, "high": 10.0, "log": True, "default": 1.0, "when": {"kind": ["wide"]}},
    }
    found = [_recipe(f"family_{name}", params, cost=1.0 + n) for n, name in enumerate("abcdefghijkl"[:count])]
    members = {"members": {"type": "experiments", "default": []},
               "weights": {"type": "categorical", "choices": ["equal", "inverse"], "default": "equal"}}
    return [*found, _recipe("mixture", members)] if combiner else found


def shipped_recipes() -> list[Recipe]:
    return load_builtin("time_series").recipes()


def _recipe(family: str, params: Mapping[str, Any], cost: float = 1.0) -> Recipe:
    spec = {"family": family, "summary": "a family of the simulation", "cost": cost, "params": params, "files": {}}
    return Recipe(Path(family), RecipeFile.model_validate(spec))


def landscape(recipes: list[Recipe], seed: int, *, metric: Metric, failing: frozenset[str] = frozenset()) -> Truth:
    """Return a smooth truth: each family has a floor and an optimum some way off its default; mixing reduces the error."""
    rng = random.Random(f"landscape {seed}")
    floor = {recipe.family: rng.uniform(1.0, 2.0) for recipe in recipes}
    optimum = {(recipe.family, name): rng.random() for recipe in recipes for name in recipe.spec.params}

    def loss(experiment: Experiment, board: Board) -> float:
        recipe = next(recipe for recipe in recipes if recipe.family == experiment.family)
        members = [loss(board.get(id), board) for id in experiment.config.get("members", [])]
        if members:
            return 0.95 * sum(members) / len(members)
        return floor[recipe.family] + sum(
            0.3 * (_place(recipe, name, value) - optimum[recipe.family, name]) ** 2 for name, value in experiment.config.items()
        )

    def truth(experiment: Experiment, fidelity: Fidelity, board: Board) -> float | None:
        if experiment.family in failing:
            return None
        value = loss(experiment, board) * (1.3 if fidelity == "smoke" else 1.0)
        return value if metric.direction == "minimize" else 10 - value

    return truth


def _place(recipe: Recipe, name: str, value: Any) -> float:
    """Return where in its range a value lies, from 0 to 1."""
    param = recipe.spec.params[name]
    if param.type in ("int", "float"):
        low, high = recipe.bounds(param, TASK)
        return (value - low) / (high - low)
    return list(param.choices or (False, True)).index(value) / 2 if param.type in ("categorical", "bool") else 0.0


class Simulation:
    """A campaign whose dispatcher takes shortcuts but keeps to the same rules: budget, family cap, screening, lessons, restarts."""

    def __init__(self, folder: Path, recipes: list[Recipe], truth: Truth, *, budget: int = 20, slots: int = 2, seed: int = 0,
                 metric: Metric | None = None, share: float = 0.5, within: Literal["campaign", "family"] = "campaign",
                 baselines: Mapping[str, float] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.board = Board(Database.create(folder / "board.sqlite3"))
        self.playbook = Playbook(self.board.database, folder / "playbook.md")
        self.recipes, self.truth, self.budget, self.slots, self.seed = recipes, truth, budget, slots, seed
        self.metric = metric or Metric("rmse")
        self.share, self.within = share, within
        self.baselines = baselines or {"naive": 3.0 if self.metric.direction == "minimize" else 7.0}
        self.notes: list[str] = []
        self.plans: list[Plan] = []
        self.refused: list[Proposal] = []

    def view(self) -> BoardView:
        experiments = self.board.list()
        charged = {run.experiment for run in self.board.runs()}
        used = sum(e.state is not State.CANCELLED or e.id in charged for e in experiments)
        return BoardView(
            metric=self.metric, task=TASK, recipes=self.recipes, experiments=[self._seen(e) for e in experiments],
            baselines=self.baselines, compare_within=self.within, playbook=self.playbook.entries(), notes=self.notes,
            remaining=max(0, self.budget - used), budget=self.budget, seed=self.seed, family_share=self.share,
        )

    def run(self, make: Callable[[], Strategy], *, turns: int = 400, restart: bool = True) -> Simulation:
        """Run until nothing moves; with `restart`, a fresh strategy answers each turn, as after a crash."""
        strategy = make()
        for _ in range(turns):
            strategy = make() if restart else strategy
            before = self._mark()
            self._ask(strategy)
            self._work()
            if before == self._mark():
                return self
        raise AssertionError("the campaign did not end")

    def _ask(self, strategy: Strategy) -> Plan:
        waiting = [e for e in self.board.list(State.TO_IMPLEMENT, State.QUEUED)]
        view = self.view()
        plan = strategy.ask(view, max(0, min(view.remaining, self.slots + 2 - len(waiting))))
        self.plans.append(plan)
        for experiment in self.board.list(State.ANALYZED):
            self.board.move(experiment.id, State.DONE, by=strategy.name)
        for id in plan.promote:
            self.board.move(id, State.QUEUED, by=strategy.name, expect=State.CHECKED, fidelity="full")
        for id, reason in plan.drop.items():
            self.board.move(id, State.CANCELLED, by=strategy.name, reason=reason, expect=State.CHECKED, outcome="cancelled")
        for lesson in plan.lessons:
            self._learn(strategy.name, lesson)
        for proposal in plan.proposals:
            self._accept(strategy, proposal)
        return plan

    def _accept(self, strategy: Strategy, proposal: Proposal) -> None:
        families = [e.family for e in self.board.list() if e.state is not State.CANCELLED]
        if family_capped(proposal.family, families, share=self.share, budget=self.budget):
            self.refused.append(proposal)
        else:
            self.board.add(proposal, by=strategy.name)

    def _learn(self, name: str, lesson: Any) -> None:
        author = f"{name}:{lesson.rule}"
        mine = [entry for entry in self.playbook.entries() if entry.author == author]
        if lesson.retire:
            for entry in mine:
                self.playbook.retire(entry.id, author=author)
        elif not mine:
            self.playbook.add(lesson.claim, kind=lesson.kind, evidence=lesson.evidence, author=author)
        elif mine[0].claim != lesson.claim:
            self.playbook.edit(mine[0].id, claim=lesson.claim, evidence=lesson.evidence, author=author)

    def _work(self) -> None:
        """Carry as many experiments on as there are slots: one run each."""
        for experiment in self.board.list(State.QUEUED, State.TO_IMPLEMENT)[: self.slots]:
            if experiment.state is State.QUEUED:
                self._finish(experiment)
                continue
            self.board.add_attempt(experiment.id, commit="c" * 40, ast_hash=str(experiment.id))
            self.board.move(experiment.id, State.IMPLEMENTED, by="worker")
            if not self._score(experiment, "smoke"):
                self._end(experiment, "failed")
                continue
            self.board.move(experiment.id, State.CHECKED, by="evaluator")
            if experiment.fidelity == "full":
                self.board.move(experiment.id, State.QUEUED, by="dispatcher")
                self._finish(self.board.get(experiment.id))

    def _finish(self, experiment: Experiment) -> None:
        self.board.move(experiment.id, State.RUNNING, by="dispatcher")
        self._end(experiment, "ok" if self._score(experiment, "full") else "failed")

    def _end(self, experiment: Experiment, outcome: str) -> None:
        error = "crash: ValueError" if outcome == "failed" else ""
        self.board.move(experiment.id, State.FINISHED, by="evaluator", outcome=outcome, error=error)
        self.board.move(experiment.id, State.ANALYZED, by="worker", verdict="reject" if outcome == "failed" else "keep")

    def _score(self, experiment: Experiment, fidelity: Fidelity) -> bool:
        value = self.truth(experiment, fidelity, self.board)
        attempt = self.board.attempts(experiment.id)[-1]
        run = self.board.plan_run(attempt, kind=fidelity, partition="search", seed=0, fidelity=fidelity)
        ok = value is not None
        score = Score(ok=ok, label="ok" if ok else "crash", metric=self.metric.name, value=value, harness="h")
        self.board.end_run(run.id, score, 1.0)
        return ok

    def _seen(self, experiment: Experiment) -> Seen:
        values: dict[str, float] = {}
        runs = self.board.runs(experiment.id, status="ended")
        for run in runs:
            if run.score and run.score.value is not None:
                values[run.fidelity] = run.score.value
        return Seen(experiment=experiment, smoke=values.get("smoke"), score=values.get("full"), seconds=sum(r.seconds for r in runs))

    def _mark(self) -> tuple[Any, ...]:
        return tuple((e.id, e.state) for e in self.board.list())

    # -- results -----------------------------------------------------------------------------------------

    def best(self, stage: str | None = None) -> float:
        entries = [e for e in ranking(self.board, self.metric) if stage is None or e.experiment.stage == stage]
        return entries[0].value

    def full(self) -> list[Experiment]:
        return [entry.experiment for entry in ranking(self.board, self.metric)]

    def stages(self) -> Counter[str]:
        return Counter(e.stage for e in self.board.list())

    def proposals(self) -> list[Proposal]:
        """Return what was proposed, comparable between campaigns."""
        return [dataclasses.replace(p, name="") for plan in self.plans for p in plan.proposals]
