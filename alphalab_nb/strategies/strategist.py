"""The paper's Strategist: a language model that reads the board, the debriefs and the playbook, and proposes, cancels and learns.

Its turn is a conversation under the number of the turn, so a turn that was cut off goes on where it was (paper, section 2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from alphalab_nb.agents import Deps, run_agent
from alphalab_nb.agents.excerpts import debrief, learnings
from alphalab_nb.agents.tasks import StrategyTask
from alphalab_nb.metric import Metric
from alphalab_nb.storage.experiment import OPEN, Experiment, State
from alphalab_nb.strategies.base import STRATEGIST, BoardView, Plan, Seen
from alphalab_nb.tools.diversity import WINDOW, least_tried, tried

BATCH = 3
"""Experiments that a turn may propose at least: reading everything for one would cost more than the experiment."""
_LEADERS = 15
_DEBRIEF_CHARS = 2500
"""Of one debrief; the file holds the rest."""
_FOCUSED = 10
"""Experiments that are left when the search narrows and the diversity quota ends."""

OpenDeps = Callable[[str], Deps]
"""From the name of a notebook to what an agent of phase 3 works with."""


class StrategistStrategy:
    """Asks the role `strategist`."""

    name = STRATEGIST

    def __init__(self, open_deps: OpenDeps) -> None:
        self._open_deps = open_deps

    def ask(self, view: BoardView, n: int) -> Plan:
        """Hold one turn."""
        deps = self._open_deps(f"strategist_{view.turn:03d}.ipynb")
        deps.decisions.most, deps.decisions.diverse = min(max(n, BATCH), view.remaining) if n else 0, diverse(view)
        done = run_agent(STRATEGIST, deps, self._task(view, deps))
        return Plan(proposals=tuple(done.decisions.proposals), drop=dict(done.decisions.cancelled))

    def tell(self, experiment: Experiment, verdict: str, score: float | None) -> None:
        """Learn nothing here: the next turn reads the board."""

    def _task(self, view: BoardView, deps: Deps) -> StrategyTask:
        return StrategyTask(
            wanted=deps.decisions.most, remaining=view.remaining, budget=view.budget, band=band(view.remaining), metric=view.metric,
            leaderboard=leaders(view.experiments, view.metric), baselines=view.baselines, debriefs=_debriefs(view, deps),
            open=_listed([seen for seen in view.experiments if seen.experiment.state in OPEN]), families=families(view),
            recipes=_recipes(view), playbook=deps.playbook.prompt(), learnings=learnings(deps.workspace), notes=list(view.notes),
        )


def band(remaining: int) -> str:
    """Return what the remaining budget asks for (paper, section 2)."""
    if remaining > 20:
        return "explore freely, across families."
    if remaining > _FOCUSED:
        return "follow the promising directions."
    if remaining > 5:
        return "only refinements you are confident in."
    if remaining > 0:
        return "only what the evidence strongly supports."
    return "nothing more can be proposed; stop and summarise."


def leaders(experiments: Sequence[Seen], metric: Metric) -> str:
    """Return the best full scores, a line each."""
    scored = [(seen.score, seen) for seen in experiments if seen.score is not None]
    ordered = sorted(scored, key=lambda pair: pair[0], reverse=metric.direction == "maximize")
    lines = [
        f"{place}. #{e.id} {e.name} ({e.family}) {score:.6g}, {e.verdict or 'no verdict'}"
        for place, (score, e) in enumerate(((score, seen.experiment) for score, seen in ordered[:_LEADERS]), start=1)
    ]
    return "\n".join(lines) or "No full score yet."


def families(view: BoardView) -> str:
    """Return how often each family was tried, and the quota in force."""
    counts = tried(seen.experiment for seen in view.experiments)
    known = {recipe.family for recipe in view.recipes}
    lines = [f"- {name}: {counts[name]} of {view.budget}" for name in sorted({*known, *counts}, key=lambda name: (-counts[name], name))]
    lines += ["", f"No family may take more than {view.family_share:.0%} of the budget."]
    if diverse(view):
        least = ", ".join(sorted(least_tried(known, counts))) or "none yet"
        lines.append(f"Of {WINDOW} proposals in a row at least one is from a family tried least ({least}), or from a new one.")
    return "\n".join(lines)


def diverse(view: BoardView) -> bool:
    """Whether the diversity quota is in force: as long as the budget asks for breadth."""
    return view.remaining > _FOCUSED


def _debriefs(view: BoardView, deps: Deps) -> str:
    fresh = [seen.experiment for seen in view.experiments if seen.experiment.state is State.ANALYZED]
    texts = [debrief(deps.workspace, e, _DEBRIEF_CHARS) or f"#{e.id} {e.name}: {e.error[:300]}" for e in fresh]
    return "\n\n".join(texts) or "None."


def _listed(seen: Sequence[Seen]) -> str:
    return "\n".join(f"- #{s.experiment.id} {s.experiment.name} ({s.experiment.family}): {s.experiment.state}" for s in seen) or "Nothing."


def _recipes(view: BoardView) -> str:
    lines = [f"- {recipe.family}: {', '.join(recipe.spec.params) or 'no parameters'}" for recipe in view.recipes]
    return "\n".join(lines) or "None: every experiment is written from its brief."
