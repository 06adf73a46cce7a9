"""The paper's Strategist: a language model that reads the board, the debriefs and the playbook, and proposes, cancels and learns.

Its turn is a conversation under the number of the turn, so a turn that was cut off goes on where it was (paper, section 2).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from alphalab_nb.agents import Deps, run_agent
from alphalab_nb.agents.tasks import StrategyTask
from alphalab_nb.metric import Metric
from alphalab_nb.storage.experiment import Experiment, State
from alphalab_nb.strategies.base import BoardView, Plan, Seen
from alphalab_nb.tools.files import told

NAME = "strategist"
BATCH = 3
"""Experiments that a turn may propose at least: reading everything for one would cost more than the experiment."""
_LEADERS = 15
_DEBRIEF_CHARS = 2500
"""Of one debrief; the file holds the rest."""
_LEARNINGS_CHARS = 6000
_OPEN = (State.PROPOSED, State.TO_IMPLEMENT, State.IMPLEMENTED, State.CHECKED, State.QUEUED, State.RUNNING, State.FINISHED)

OpenDeps = Callable[[str], Deps]
"""From the name of a notebook to what an agent of phase 3 works with."""


class StrategistStrategy:
    """Asks the role `strategist`."""

    name = NAME

    def __init__(self, open_deps: OpenDeps) -> None:
        self._open_deps = open_deps

    def ask(self, view: BoardView, n: int) -> Plan:
        """Hold one turn."""
        turn = 1 + self._turns()
        deps = self._open_deps(f"strategist_{turn:03d}.ipynb")
        deps.decisions.most = min(max(n, BATCH), view.remaining) if n else 0
        deps.cwd.mkdir(parents=True, exist_ok=True)
        done = run_agent(NAME, deps, self._task(view, deps))
        return Plan(proposals=tuple(done.decisions.proposals), drop=dict(done.decisions.cancelled))

    def tell(self, experiment: Experiment, verdict: str, score: float | None) -> None:
        """Learn nothing here: the next turn reads the board."""

    def _turns(self) -> int:
        """Return how many turns were carried out."""
        return sum(event["role"] == NAME for event in self._open_deps("unused.ipynb").board.events(kind="strategy"))

    def _task(self, view: BoardView, deps: Deps) -> StrategyTask:
        return StrategyTask(
            wanted=deps.decisions.most, remaining=view.remaining, budget=view.budget, band=band(view.remaining), metric=view.metric,
            leaderboard=leaders(view.experiments, view.metric), baselines=view.baselines, debriefs=_debriefs(view, deps),
            open=_listed([seen for seen in view.experiments if seen.experiment.state in _OPEN]), families=families(view),
            recipes=_recipes(view), playbook=deps.playbook.markdown(), learnings=learnings(deps), notes=list(view.notes),
        )


def band(remaining: int) -> str:
    """Return what the remaining budget asks for (paper, section 2)."""
    if remaining > 20:
        return "explore freely, across families."
    if remaining > 10:
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
    tried = tried_families(seen.experiment for seen in view.experiments)
    known = sorted({recipe.family for recipe in view.recipes} | set(tried))
    lines = [f"- {family}: {tried[family]} of {view.budget}" for family in sorted(known, key=lambda name: (-tried[name], name))]
    quota = (f"No family may take more than {view.family_share:.0%} of the budget, and at least one of every four proposals is from a"
             " family tried least, or from a new one.")
    return "\n".join([*lines, "", quota])


def tried_families(experiments: Sequence[Experiment] | object) -> Counter[str]:
    """Return the experiments of each family; cancelled ones do not count."""
    return Counter(e.family for e in experiments if e.state is not State.CANCELLED)  # type: ignore[attr-defined]


def learnings(deps: Deps) -> str:
    """Return what the Explorer learnt, shortened."""
    text = told(deps.workspace.root, deps.workspace.explore / "learnings.md") or "None on record."
    return text if len(text) <= _LEARNINGS_CHARS else f"{text[:_LEARNINGS_CHARS]}\n[more in ../explore/learnings.md]"


def _debriefs(view: BoardView, deps: Deps) -> str:
    fresh = [seen.experiment for seen in view.experiments if seen.experiment.state is State.ANALYZED]
    texts = [_debrief(experiment, deps) for experiment in fresh]
    return "\n\n".join(texts) or "None."


def _debrief(experiment: Experiment, deps: Deps) -> str:
    path = deps.workspace.experiment(experiment.id, experiment.name) / "debrief.md"
    text = (told(deps.workspace.root, path) or f"#{experiment.id} {experiment.name}: {experiment.error[:300]}").strip()
    return text if len(text) <= _DEBRIEF_CHARS else f"{text[:_DEBRIEF_CHARS]}\n[more in ../experiments/{path.parent.name}/debrief.md]"


def _listed(seen: Sequence[Seen]) -> str:
    return "\n".join(f"- #{s.experiment.id} {s.experiment.name} ({s.experiment.family}): {s.experiment.state}" for s in seen) or "Nothing."


def _recipes(view: BoardView) -> str:
    lines = [f"- {recipe.family}: {', '.join(recipe.spec.params) or 'no parameters'}" for recipe in view.recipes]
    return "\n".join(lines) or "None: every experiment is written from its brief."
