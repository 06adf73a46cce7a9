"""Phase 2: build the evaluation, attack it, freeze it, certify the baselines with it."""

from __future__ import annotations

import json
import sys

from alphalab_nb.agents import run_agent
from alphalab_nb.agents.tasks import BuildTask, CriticTask, TesterTask
from alphalab_nb.errors import PhaseFailed
from alphalab_nb.executors import Command, Limits
from alphalab_nb.executors.inline import InlineExecutor
from alphalab_nb.parts import Parts
from alphalab_nb.phases.adapt import phase_deps
from alphalab_nb.phases.steps import Result, step

MAX_ROUNDS = 5
"""Paper, section 2: later findings are stylistic."""


@step("build")
def build_harness(parts: Parts) -> Result:
    """Let the Builder write the harness from the adapter's reference."""
    report = run_agent(
        "builder", phase_deps(parts, "build", "2_builder.ipynb", cwd=parts.workspace.root / "build"),
        BuildTask(adapter=parts.workspace.adapter, harness=parts.workspace.harness, task=_harness_task(parts)),
    )
    return {"summary": report.summary, "files": sorted(path.name for path in parts.workspace.harness.rglob("*.py"))}


@step("build")
def attack_harness(parts: Parts) -> Result:
    """Critic and Tester attack the harness until nothing blocking is open.

    Raises:
        PhaseFailed: blocking findings are still open after the last round; they are named.
    """
    rounds: list[Result] = []
    for number in range(1, MAX_ROUNDS + 1):
        critic = run_agent("critic", phase_deps(parts, "build", f"2_critic_{number}.ipynb", cwd=parts.workspace.root / "build"),
                           CriticTask(adapter=parts.workspace.adapter, harness=parts.workspace.harness))
        tester = run_agent("tester", phase_deps(parts, "build", f"2_tester_{number}.ipynb", cwd=parts.workspace.root / "build"),
                           TesterTask(harness=parts.workspace.harness))
        findings = [*critic.findings, *tester.findings]
        rounds.append({"round": number, "critic": critic.summary, "tester": tester.summary, "findings": findings})
        blocking = [finding for finding in findings if finding["severity"] == "blocking"]
        if not blocking:
            parts.board.set_fact("findings", rounds)
            return {"rounds": rounds, "passed": True}
        if not _repair(parts, number, blocking):
            break
    parts.board.set_fact("findings", rounds)
    raise PhaseFailed("the evaluation did not survive its attack: " + "; ".join(_line(f) for f in rounds[-1]["findings"]))


def _repair(parts: Parts, number: int, blocking: list[Result]) -> bool:
    """Let the Builder mend; say whether it changed anything, for the same harness would only be attacked in vain."""
    before = _written(parts)
    run_agent(
        "builder", phase_deps(parts, "build", f"2_builder_{number + 1}.ipynb", cwd=parts.workspace.root / "build"),
        BuildTask(adapter=parts.workspace.adapter, harness=parts.workspace.harness, task=_harness_task(parts), findings=tuple(blocking)),
    )
    return _written(parts) != before


def _written(parts: Parts) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in parts.workspace.harness.rglob("*") if path.suffix in (".py", ".json")}


def _line(finding: Result) -> str:
    return f"{finding.get('file', '')}:{finding.get('line', '')} {finding['message']}"


def _harness_task(parts: Parts) -> Result:
    """The task block with the season settled from the data, so that the frozen harness has no choice left."""
    meta = json.loads((parts.workspace.explore_data / "meta.json").read_text(encoding="utf-8"))
    return {**parts.task, "season": parts.task.get("season") or meta["season"], "seasons": meta.get("seasons", [])}


@step("build")
def freeze_harness(parts: Parts) -> Result:
    """Freeze the harness by hash; from here on every run checks it."""
    parts.partitions.verify()
    version = parts.evaluator.freeze()
    parts.board.set_fact("harness", version)
    return {"version": version}


@step("build")
def certify_baselines(parts: Parts) -> Result:
    """Score the required baselines with the frozen harness on the search partition.

    Raises:
        PhaseFailed: a required baseline is missing or not finite.
    """
    found = score_baselines(parts, "search")
    missing = [name for name in parts.adapter.manifest.baselines if found.get(name) is None]
    if missing:
        raise PhaseFailed(f"the harness gave no score for the required baselines {', '.join(missing)}; see build/baselines/stderr.log")
    return {"search": found}


def score_baselines(parts: Parts, partition: str) -> dict[str, float]:
    """Return the baselines' scores on a partition and keep them on the board."""
    folder = parts.workspace.root / "build" / f"baselines_{partition}"
    out = folder / "baselines.json"
    limits = Limits(wall_s=parts.config.executor.wall_s * 5)
    command: Command = parts.evaluator.baselines_command(partition=partition, folder=folder, out=out, limits=limits, python=sys.executable)
    with InlineExecutor() as executor:
        end = executor.submit(command).result(None)
    if end.label != "ok":
        log = (folder / "stderr.log").read_text(encoding="utf-8")[-2000:]
        raise PhaseFailed(f"the baselines could not be scored on {partition} ({end.label}): {log}")
    scores: dict[str, float] = json.loads(out.read_text(encoding="utf-8"))["baselines"]
    parts.board.set_fact("baselines", {**(parts.board.fact("baselines") or {}), partition: scores})
    return scores
