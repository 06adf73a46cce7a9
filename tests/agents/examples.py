"""A task for every brief, always the same: what a conversation's first message looks like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alphalab_nb.agents import tasks as t
from alphalab_nb.metric import Metric
from alphalab_nb.storage.experiment import Experiment, Score, State

GOLDEN = Path(__file__).parents[1] / "golden" / "briefs"
_BLOCK = {"horizon": 24, "season": 168}
_FINDINGS = [{"severity": "blocking", "file": "rules.py", "line": 12, "message": "the second origin is scored twice"}]
_METRIC = Metric("rmse", "minimize", "ppm")
_PLAYBOOK = "# Playbook\n\n## What works\n\n- [1] lags help (#3; strategist)\n"
_EXPERIMENT = Experiment(
    id=7, name="long_lags", family="lags", hypothesis="a year of lags helps", config={"lags": 52}, brief="A linear model on 52 lags.",
    parent=3, state=State.TO_IMPLEMENT, author="strategist",
)
_SCORE = Score(ok=True, label="ok", metric="rmse", value=0.61, secondary={"mae": 0.5}, resources={"gib": 1.5},
               gates=({"name": "finite", "ok": True},))
_STRATEGY: dict[str, Any] = {
    "budget": 20, "band": "follow the promising directions.", "metric": _METRIC, "leaderboard": "1. #3 lags (lags) 0.63", "open": "- none",
    "baselines": {"seasonal_naive": 0.9}, "debriefs": "#3: lags carry the season.", "families": "lags: 1 of 1", "recipes": "lags (lags=8)",
    "playbook": _PLAYBOOK, "learnings": "- a season of 52 [cell 3]", "notes": ["vetoed #4 (naive): tried by hand"],
}
_FOLDER = Path("experiments", "7_long_lags")

TASKS: dict[str, t.Briefed] = {
    "generate": t.GenerateTask(domain="rivers", objective="forecast the level", reference="time_series", task=_BLOCK, findings=_FINDINGS),
    "customize": t.CustomizeTask(adapter=Path("adapter"), task=_BLOCK, findings=_FINDINGS),
    "explore": t.ExploreTask(folder=Path("explore"), data=Path("data"), task=_BLOCK, findings=_FINDINGS),
    "build": t.BuildTask(adapter=Path("adapter"), harness=Path("harness"), task=_BLOCK, findings=_FINDINGS),
    "criticize": t.CriticTask(adapter=Path("adapter"), harness=Path("harness")),
    "test": t.TesterTask(harness=Path("harness")),
    "strategy": t.StrategyTask(wanted=3, remaining=12, **_STRATEGY),
    "strategy_waits": t.StrategyTask(wanted=0, remaining=12, **_STRATEGY),
    "strategy_ends": t.StrategyTask(wanted=0, remaining=0, **{**_STRATEGY, "notes": []}),
    "implement": t.ImplementTask(experiment=_EXPERIMENT, folder=_FOLDER, files={"run.py": "x = 1\n"}, playbook=_PLAYBOOK,
                                 learnings="- a season of 52 [cell 3]"),
    "fix": t.FixTask(experiment=_EXPERIMENT, folder=_FOLDER, files={}, playbook=_PLAYBOOK, label="crash", error="ValueError: no rows",
                     recipe=None, facts=_BLOCK),
    "analyze": t.AnalyzeTask(experiment=_EXPERIMENT, folder=_FOLDER, score=_SCORE, seconds=12.34, best_other=0.63, best_other_id=3,
                             baselines={"seasonal_naive": 0.9}, metric=_METRIC, verdict="keep", parent_score=0.63),
    "milestone": t.MilestoneTask(number=2, draft="| # | rmse |", debriefs="#7: better than its parent."),
    "review": t.ReviewTask(phase="explore", summary="a season of 52", artefacts=["explore/learnings.md"]),
    "diagnose": t.DiagnoseTask(failed=2, window=3, failures="#5 crash: no rows\n#6 crash: no rows"),
    "guide": t.GuideTask(question="best so far?", by="ada", facts="#3 with 0.63", earlier=[("is it alive?", "Yes.")]),
    "child": t.ChildTask(task="Which files mention the season?", parent="explorer"),
    "preflight": t.PreflightTask(image=True),
}
"""Every template, and those that branch again for their branches."""


def golden_brief(name: str) -> str:
    """Return what the golden file of an example should hold."""
    return TASKS[name].brief()
