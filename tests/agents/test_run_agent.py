"""A role plays a task through its tools until it reports."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from alphalab_nb.agents import ROLES, run_agent
from alphalab_nb.agents.agent import instructions, remember
from alphalab_nb.agents.offline import POLICIES
from alphalab_nb.agents.pulse import BoardPulse
from alphalab_nb.agents.tasks import AnalyzeTask, CriticTask, FixTask, ImplementTask
from alphalab_nb.errors import BudgetEnded, ConfigError
from alphalab_nb.llm import Call, Result
from alphalab_nb.llm.conversation import Done
from alphalab_nb.storage.experiment import Experiment, Proposal, Score, State
from tests.desk import Desk, desk

FACTS = {"n_items": 1, "length": 600, "season": 52, "horizon": 26, "stride": 4}


@pytest.fixture
def at(tmp_path: Path) -> Desk:
    return desk(tmp_path / "ws")


def experiment(at: Desk, name: str = "waves") -> tuple[Experiment, Path]:
    made = at.board.add(Proposal(name=name, family="harmonic", hypothesis="waves", config={}), by="strategy")
    return made, at.workspace.experiment(made.id, made.name)


def implement(at: Desk, name: str = "waves", **settings: Any) -> tuple[Any, Path]:
    made, folder = experiment(at, name)
    recipe = next(recipe for recipe in at.adapter.recipes() if recipe.family == "harmonic")
    task = ImplementTask(experiment=made, folder=folder, files=recipe.render(recipe.default(FACTS), FACTS), playbook="# Playbook")
    return run_agent("worker_implement", at.deps(folder, experiment=made.id, notebook=f"{name}.ipynb"), task, **settings), folder


def scripted(monkeypatch: pytest.MonkeyPatch, role: str, *steps: Call | Callable[[list[Result]], Call]) -> None:
    """Let a role play these steps; a step may be made from the results so far."""

    async def policy(task: Any, notes: Sequence[str]) -> AsyncGenerator[Call | list[Call], Any]:
        results: list[Result] = []
        for step in steps:
            results.append((yield step if isinstance(step, Call) else step(results)))

    monkeypatch.setitem(POLICIES, role, policy)


def test_an_implementing_worker_leaves_its_files_and_no_kernel_is_started(at: Desk):
    finished, folder = implement(at)
    assert (folder / "run.py").is_file()
    assert "implemented waves" in finished.summary
    notebook = json.loads(finished.notebook.read_text(encoding="utf-8"))
    assert not [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    text = "".join("".join(cell["source"]) for cell in notebook["cells"])
    assert "rule-based, no language model" in text
    assert notebook["metadata"]["alphalab"]["model"] == "rules:worker_implement"


def test_every_request_is_in_the_ledger_and_costs_nothing(at: Desk):
    finished, _ = implement(at)
    (row,) = at.ledger.by("role", "experiment", "provider")
    assert (row["role"], row["experiment"], row["provider"], row["calls"]) == ("worker_implement", 1, "offline", finished.requests)
    assert at.ledger.total().usd == 0


def test_it_runs_inside_of_a_running_event_loop(at: Desk):
    async def notebook_cell() -> Any:
        return implement(at)[0]

    assert asyncio.run(notebook_cell()).requests == 2


def test_a_report_before_the_verdict_is_refused(at: Desk, monkeypatch: pytest.MonkeyPatch):
    scripted(
        monkeypatch, "critic", Call("report_to_user", {"summary": "fine"}), Call("verdict", {"passed": True, "findings": []}),
        lambda results: Call("report_to_user", {"summary": f"refused: {results[0].text}"}),
    )
    finished = run_agent("critic", at.deps(at.workspace.root / "build"), CriticTask(adapter=at.adapter.root, harness=at.workspace.harness))
    assert "give your verdict before you report" in finished.summary


def test_a_role_that_never_reports_ends_with_its_limit(at: Desk, monkeypatch: pytest.MonkeyPatch):
    made, folder = experiment(at)
    looks = [Call("read_playbook")] * (ROLES["worker_analyze"].requests + 1)
    scripted(monkeypatch, "worker_analyze", *looks)
    with pytest.raises(BudgetEnded, match="did not report within 60 requests"):
        run_agent("worker_analyze", at.deps(folder, experiment=made.id), analysis(at, made, folder))


def test_a_model_without_its_key_is_refused_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    at = desk(tmp_path / "ws", llm="openai:gpt-5.2")
    with pytest.raises(ConfigError, match=r"openai:gpt-5\.2 needs OPENAI_API_KEY"):
        implement(at)
    assert not list(at.workspace.agents.iterdir())


def test_a_supervisor_needs_a_language_model(at: Desk):
    with pytest.raises(ConfigError, match="no rules for the role 'supervisor'"):
        run_agent("supervisor", at.deps(at.workspace.root / "build"), CriticTask(adapter=at.adapter.root, harness=at.workspace.harness))


@pytest.mark.parametrize("role", sorted(ROLES))
def test_the_instructions_of_a_role_hold_nothing_that_moves(at: Desk, role: str):
    deps = at.as_role(role, at.workspace.root / "build")
    text = instructions(ROLES[role], deps)
    assert text == instructions(ROLES[role], deps)
    assert "report_to_user" in text or "verdict" in text
    assert str(at.workspace.root) not in text
    assert ("Only the explore partition" in text) is ROLES[role].informed


@pytest.mark.parametrize(("label", "error", "rule"), [
    ("timeout", "no answer in time", "divided by 2"),
    ("oom", "MemoryError", "divided by 2"),
    ("crash", "ModuleNotFoundError: No module named 'torch'", "sibling recipe seasonal_naive"),
    ("invalid_output", "NaN", "default configuration of harmonic"),
])
def test_a_fixing_worker_follows_the_rule_of_the_label(at: Desk, label: str, error: str, rule: str):
    made, folder = experiment(at)
    recipes = {recipe.family: recipe for recipe in at.adapter.recipes()}
    task = FixTask(experiment=made, folder=folder, files={}, playbook="", label=label, error=error, recipe=recipes["harmonic"], facts=FACTS,
                   siblings=[recipes["seasonal_naive"]])
    finished = run_agent("worker_fix", at.deps(folder, experiment=made.id), task)
    assert rule in finished.summary
    assert rule in (folder / "fix.md").read_text(encoding="utf-8")
    assert (folder / "run.py").is_file()


def analysis(at: Desk, made: Experiment, folder: Path, score: Score | None = None) -> AnalyzeTask:
    return AnalyzeTask(experiment=made, folder=folder, score=score, seconds=3.0, best_other=0.5, best_other_id=7,
                       baselines={"seasonal_naive": 0.8}, metric=at.adapter.metric(at.task), verdict="keep")


def test_a_debrief_holds_measured_numbers_only(at: Desk):
    made, folder = experiment(at)
    score = Score(ok=True, label="ok", metric="rmse", value=0.4, secondary={"by_step": [0.3, 0.4, 0.5]})
    run_agent("worker_analyze", at.deps(folder, experiment=made.id), analysis(at, made, folder, score))
    text = (folder / "debrief.md").read_text(encoding="utf-8")
    for said in ("rmse: 0.4", "#7 (0.5): 20.00% better", "seasonal_naive (0.8): 50.00% better", "step 3: 0.5", "reasons are not known"):
        assert said in text


def test_a_debrief_of_a_failure_says_so(at: Desk):
    made, folder = experiment(at)
    score = Score(ok=False, label="crash", metric="rmse", value=None, error="Traceback\nValueError: no")
    run_agent("worker_analyze", at.deps(folder, experiment=made.id), analysis(at, made, folder, score))
    assert "No score: crash (ValueError: no)" in (folder / "debrief.md").read_text(encoding="utf-8")


def test_the_time_of_a_workers_conversation_is_measured(at: Desk, record_property: Callable[[str, object], None]):
    implement(at, "warm")
    seconds: list[float] = []
    for n in range(5):
        started = time.perf_counter()
        implement(at, f"waves{n}")
        seconds.append(time.perf_counter() - started)
    record_property("implement_ms", round(1000 * statistics.median(seconds)))


def test_a_resumed_turn_leaves_out_what_cannot_be_decided_any_more(at: Desk):
    made, _ = experiment(at)
    for state in (State.IMPLEMENTED, State.CHECKED, State.QUEUED, State.RUNNING):
        at.board.move(made.id, state, by="test")
    deps = at.as_role("strategist", at.workspace.root / "scratch")
    proposal = {"name": "next_one", "family": "harmonic", "hypothesis": "waves", "config": {}}
    remember(deps, [Done("cancel_experiment", {"id": made.id, "reason": "hopeless"}, True, ""),
                    Done("propose_experiment", proposal, True, "")])
    assert deps.decisions.cancelled == {}
    assert [p.name for p in deps.decisions.proposals] == ["next_one"]
    assert deps.decisions.most == 0


def test_an_outage_of_an_earlier_process_is_over_with_the_first_answer(at: Desk):
    at.board.set_fact("outage", {"since": "before", "role": "explorer", "why": "dead"})
    BoardPulse(at.board, "experiment", "critic").outage(None, "")
    assert at.board.fact("outage") is None
