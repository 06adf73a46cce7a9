"""Phase 2: build the evaluation, attack it, freeze it, certify the baselines with it."""

from __future__ import annotations

import hashlib

from alphalab_nb.agents import run_agent
from alphalab_nb.agents.tasks import BuildTask, CriticTask, Findings, TesterTask
from alphalab_nb.dispatch.court import SEED_STEP, rules_of
from alphalab_nb.errors import PhaseFailed
from alphalab_nb.judge.certificate import REPEATS, BaselineScores, Certificate, certify, in_metric, repeats_enough
from alphalab_nb.judge.pooling import geometric, pooling_of
from alphalab_nb.judge.power import detectable
from alphalab_nb.partitions import with_season
from alphalab_nb.parts import Parts, deps_of
from alphalab_nb.phases.baselines import measure_baselines, score_baselines
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
    """Measure the required baselines again and again with the frozen harness on the search partition, and certify what they show.

    Raises:
        PhaseFailed: a baseline is missing or misses its own gate, repeats differ where the harness claims to be deterministic, or the
            harness gives nothing that can be compared in pairs. Every reason is named.
    """
    stochastic, first = parts.adapter.manifest.stochastic, parts.config.seed
    repeats = [_repeat(parts, 0)]
    enough = repeats_enough(len(repeats[0].units)) if parts.adapter.manifest.compare_within == "family" else REPEATS
    repeats += [_repeat(parts, number) for number in range(1, enough)]
    parts.partitions.open("confirm", by="phase build", reason="measure the baselines: the first incumbent of every test")
    seeds = [first + SEED_STEP * place for place in range(1 + parts.config.judge.replicates if stochastic else 1)]
    confirm = [score_baselines(parts, "confirm", seed) for seed in seeds]
    certificate = certify(repeats, parts.adapter.manifest.baselines, metric=parts.metric, stochastic=stochastic,
                          block=parts.rule.block(parts.task), seed=first, confirm=confirm, measured=not parts.adapter.manifest.repeatable)
    record = {**certificate.record(), **_shown(parts, certificate, repeats[0])}
    parts.board.set_fact("certificate", record)
    if certificate.faults:
        raise PhaseFailed("the baselines cannot be certified: " + "; ".join(certificate.faults))
    return {"search": dict(repeats[0].values), "certificate": record}


def _repeat(parts: Parts, number: int) -> BaselineScores:
    """Measure the baselines on search once more: with another seed if seeds matter, else into a folder of its own."""
    if number == 0 or parts.adapter.manifest.stochastic:
        return score_baselines(parts, "search", parts.config.seed + SEED_STEP * number)
    return measure_baselines(parts, "search", parts.workspace.build / "baselines_search" / f"again_{number}", seed=parts.config.seed)


def _shown(parts: Parts, certificate: Certificate, scores: BaselineScores) -> Result:
    """Return what people read of a certificate, in the metric: the smallest gain that the campaign can prove, what one comparison on search
    cannot tell from noise, and the slack of time.

    No gain can be proven (None) where confirm has so few independent units that not even a perfect score would do.
    """
    shown: Result = {"metric": parts.metric.name, "harness": parts.evaluator.version, "wall_s": round(scores.wall_s, 3),
                     "wall_limit_s": parts.config.executor.wall_s, "within": parts.adapter.manifest.compare_within}
    units = scores.units.get(certificate.baseline)
    if not units or not certificate.noise.known:
        return {**shown, "mde_loss": None, "mde": None, "band_loss": None, "band": None}
    value, mean = scores.values[certificate.baseline] or 0.0, sum(value for _, value in units) / len(units)
    loss, band = detectable(rules_of(parts, certificate.noise, certificate.confirm_noise)), certificate.noise.band()
    # A loss that cannot fall below zero leaves no room for more; the logarithm of a ratio has no end.
    provable = loss < mean or any(loss < 0 for _, loss in units) or pooling_of(value, mean) is geometric
    return {**shown, "mde_loss": loss, "mde": in_metric(value, mean, loss) if provable else None, "band_loss": band,
            "band": in_metric(value, mean, band)}
