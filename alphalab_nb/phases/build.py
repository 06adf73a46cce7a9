"""Phase 2: build the evaluation, attack it, freeze it, certify the baselines with it."""

from __future__ import annotations

import hashlib

from alphalab_nb.agents import run_agent
from alphalab_nb.agents.tasks import BuildTask, CriticTask, Findings, TesterTask
from alphalab_nb.errors import PhaseFailed
from alphalab_nb.partitions import with_season
from alphalab_nb.parts import Parts, deps_of
from alphalab_nb.phases.baselines import score_baselines
from alphalab_nb.phases.review import review
from alphalab_nb.phases.steps import Result, step

TRIES = "attacks_failed"
MAX_ROUNDS = 5
"""Paper, section 2: later findings are stylistic."""


@step("build")
def build_harness(parts: Parts) -> Result:
    """Let the Builder write the harness from the adapter's reference."""
    report = run_agent(
        "builder", deps_of(parts, "build", "2_builder.ipynb", cwd=parts.workspace.build),
        BuildTask(adapter=parts.workspace.adapter, harness=parts.workspace.harness,
                  task=with_season(parts.task, parts.workspace.explore_data)),
    )
    return {"summary": report.summary, "files": sorted(path.name for path in parts.workspace.harness.rglob("*.py"))}


@step("build")
def attack_harness(parts: Parts) -> Result:
    """Critic and Tester attack the harness until nothing blocking is open.

    Raises:
        PhaseFailed: blocking findings are still open after the last round; they are named.
    """
    return attack(parts)


@step("build")
def review_harness(parts: Parts) -> Result:
    """Let the Supervisor review the evaluation before it is frozen; it may be mended and attacked once more."""
    known = parts.board.step("build", "attack_harness") or {"result": {"rounds": []}}
    last = (known["result"]["rounds"] or [{"critic": "", "tester": ""}])[-1]
    files = sorted(str(path.relative_to(parts.workspace.root)) for path in parts.workspace.harness.rglob("*.py"))
    return review(parts, "build", f"Critic: {last['critic']}\nTester: {last['tester']}", files, lambda findings: _again(parts, findings))


def _again(parts: Parts, findings: Findings) -> Result:
    _repair(parts, 0, findings, "review")
    return attack(parts, "review_")


def attack(parts: Parts, name: str = "") -> Result:
    """Hold rounds of Critic, Tester and Builder; `name` tells their notebooks from those of an earlier attack."""
    rounds: list[Result] = []
    tries = int(parts.board.fact(TRIES, 0))
    name = f"{name}again{tries}_" if tries else name  # after a failure everything is looked at anew
    for number in range(1, MAX_ROUNDS + 1):
        critic = run_agent("critic", deps_of(parts, "build", f"2_critic_{name}{number}.ipynb", cwd=parts.workspace.build),
                           CriticTask(adapter=parts.workspace.adapter, harness=parts.workspace.harness))
        tester = run_agent("tester", deps_of(parts, "build", f"2_tester_{name}{number}.ipynb", cwd=parts.workspace.build),
                           TesterTask(harness=parts.workspace.harness))
        findings = [*critic.findings, *tester.findings]
        rounds.append({"round": number, "critic": critic.summary, "tester": tester.summary, "findings": findings})
        blocking = [finding for finding in findings if finding["severity"] == "blocking"]
        if not blocking:
            parts.board.set_fact("findings", rounds)
            return {"rounds": rounds, "passed": True}
        if not _repair(parts, number, blocking, name):
            break
    parts.board.set_fact("findings", rounds)
    parts.board.set_fact(TRIES, tries + 1)
    raise PhaseFailed("the evaluation did not survive its attack: " + "; ".join(_line(f) for f in rounds[-1]["findings"]))


def _repair(parts: Parts, number: int, blocking: Findings, name: str) -> bool:
    """Let the Builder mend; say whether it changed anything, for the same harness would only be attacked in vain."""
    key = f"harness_before_{name}{number}"
    before = parts.board.fact(key)
    if before is None:  # on record, for a process that is killed after the Builder's report must not take the mended for the unmended
        before = _written(parts)
        parts.board.set_fact(key, before)
    deps = deps_of(parts, "build", f"2_builder_{name}{number + 1}.ipynb", cwd=parts.workspace.build)
    task = with_season(parts.task, parts.workspace.explore_data)
    run_agent(
        "builder", deps, BuildTask(adapter=parts.workspace.adapter, harness=parts.workspace.harness, task=task, findings=tuple(blocking))
    )
    return _written(parts) != before


def _written(parts: Parts) -> str:
    """Return a hash of the harness's programs and settings."""
    digest = hashlib.sha256()
    for path in sorted(parts.workspace.harness.rglob("*")):
        if path.suffix in (".py", ".json"):
            digest.update(str(path.relative_to(parts.workspace.harness)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _line(finding: Result) -> str:
    return f"{finding.get('file', '')}:{finding.get('line', '')} {finding['message']}"


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
