"""From a candidate's file to a verdict: build, check, time, compare with the baselines, doubt what is too good."""

from __future__ import annotations

import hashlib
import resource
import shutil
import tempfile
import time
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from kernels_lab import baselines, correctness, machine, sandbox, timing
from kernels_lab.backends import BACKENDS
from kernels_lab.bench import TIMEOUT_S
from kernels_lab.cores import device_held, leased
from kernels_lab.failure import Failure, Label, Stage
from kernels_lab.problem import Problem
from kernels_lab.process import Setup
from kernels_lab.ratio import Ratio

TOO_GOOD = 2.0
"""Times faster than the best baseline beyond which a result counts once a second timing process with new inputs agrees."""
_AGREES = 0.85

Compared = Literal["eager", "known", "all"]
"""Baselines: eager alone; those kept for this machine; all, measuring what is not yet kept (minutes for a first torch.compile)."""


@dataclass
class Verdict:
    """What an evaluation says: one JSON object."""

    problem: str
    rewrite: bool
    backend: str
    seed: int
    candidate: str
    """SHA-256 of the file, shortened."""
    ok: bool = False
    label: Label | None = None
    stage: Stage = "build"
    """Where it failed, or done."""
    check: str | None = None
    """Name of the check that caught it."""
    message: str = ""
    ranks: bool = False
    """Right, measured well enough to rank, and not in quarantine."""
    correctness: dict[str, Any] | None = None
    timing: dict[str, Any] | None = None
    speedup: dict[str, Any] = field(default_factory=dict[str, Any])
    """Baseline -> value, low, high."""
    headline: dict[str, Any] | None = None
    """Against the fastest baseline, which is named."""
    units: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    quarantine: dict[str, Any] | None = None
    resources: dict[str, float] = field(default_factory=dict[str, float])
    machine: dict[str, Any] = field(default_factory=machine.description)
    sandbox: str = field(default_factory=sandbox.level)
    lab: str = field(default_factory=lambda: version())

    def failed(self, failure: Failure) -> None:
        """Record a failure."""
        self.ok, self.ranks = False, False
        self.label, self.check, self.message = failure.label, failure.check, failure.message


def evaluate(
    problem: Problem, candidate: Path, backend: str = "cpp", *, seed: int, time_it: bool = True, compared: Compared = "known",
    timeout_s: float = TIMEOUT_S, budget_s: float = timing.BUDGET_S,
) -> Verdict:  # fmt: skip
    """Return the verdict on a candidate's file. Its failures are in the verdict; errors of the lab are raised."""
    started = time.monotonic()
    digest = hashlib.sha256(candidate.read_bytes()).hexdigest()[:16]
    verdict = Verdict(problem.name, problem.rewrite, backend, seed, digest)
    with tempfile.TemporaryDirectory(prefix="kernels_lab-") as folder:
        try:
            # A copy: the compiler sees its folder, and the candidate may have interesting neighbours.
            setup = BACKENDS[backend].build(Path(shutil.copy(candidate, folder)), Path(folder))
            with device_held(setup.device):
                _checked(verdict, problem, setup, strided=BACKENDS[backend].strided(candidate), timeout_s=timeout_s)
                if time_it and not BACKENDS[backend].missing():
                    _timed(verdict, problem, setup, BACKENDS[backend].device, compared, _Patience(timeout_s, budget_s))
            verdict.stage = "done"
        except Failure as failure:
            verdict.failed(failure)
    verdict.resources |= {"wall_s": round(time.monotonic() - started, 3), "cpu_s": round(_cpu_s(), 3)}
    return verdict


def _checked(verdict: Verdict, problem: Problem, setup: Setup, *, strided: bool, timeout_s: float) -> None:
    verdict.stage = "correctness"
    checked = correctness.check(problem, setup, seed=verdict.seed, strided=strided, timeout_s=timeout_s)
    cases = [{"id": name, "error": error} for name, error in checked.cases]
    verdict.correctness = asdict(checked) | {"cases": cases, "worst": checked.worst}
    verdict.resources["peak_mib"] = round(checked.peak_mib, 1)
    verdict.stage, verdict.ok = "timing", True


class _Patience(NamedTuple):
    timeout_s: float
    budget_s: float


def _timed(verdict: Verdict, problem: Problem, setup: Setup, device: str, compared: Compared, patience: _Patience) -> None:
    against = _baselines(problem, device, compared)
    floor_us = _floor_us(problem) if device == "cpu" else 0.0
    with leased() as core:
        found = timing.compare(problem, setup, baselines.setup("eager", device), seed=verdict.seed, core=core, **patience._asdict())
    ratios = {name: part and part._asdict() for name, part in _ratios(found).items()}
    verdict.timing = asdict(found) | ratios | {"floor_us": round(floor_us, 2)}
    if found.candidate_us < floor_us:
        raise Failure(Label.GATE_MISSED, "below_floor", f"{found.candidate_us:.1f} us; this machine needs {floor_us:.1f} us for that work")
    _compared(verdict, found.speedup, against)
    verdict.ranks = not found.noisy
    if verdict.headline and verdict.headline["value"] > TOO_GOOD:
        _doubt(verdict, problem, setup, device, patience)


def _ratios(found: timing.Timing) -> dict[str, Ratio | None]:
    return {"speedup": found.speedup, "wall": found.wall, "cpu": found.cpu, "aa": found.aa}


def _baselines(problem: Problem, device: str, compared: Compared) -> dict[str, baselines.Baseline]:
    if compared == "all":
        return baselines.measured(problem, device)
    found = baselines.known(problem, device)
    return found if compared == "known" else {"eager": found["eager"]}


def _floor_us(problem: Problem) -> float:
    model, inputs = problem.model(0), problem.inputs(0)
    return machine.floor_us(problem.traffic(model, inputs, model(*inputs)), problem.flops)


def _compared(verdict: Verdict, speedup: Ratio, against: dict[str, baselines.Baseline]) -> None:
    over = {form: speedup.times(baseline.gain.inverse()).rounded() if form != "eager" else speedup for form, baseline in against.items()}
    best = baselines.fastest(against).form
    verdict.speedup = {form: ratio._asdict() for form, ratio in over.items()}
    verdict.headline = {"baseline": best, **over[best]._asdict()}
    verdict.units = [{"id": f"{verdict.problem}/default/natural", "value": over[best].value}]


def _doubt(verdict: Verdict, problem: Problem, setup: Setup, device: str, patience: _Patience) -> None:
    """Time again: new processes, new inputs, and directly against the fastest baseline."""
    assert verdict.headline is not None
    best, first = verdict.headline["baseline"], verdict.headline["value"]
    with leased() as core:
        second = timing.compare(problem, setup, baselines.setup(best, device), seed=verdict.seed + 1, core=core, **patience._asdict())
    reproduced = second.speedup.value > TOO_GOOD or second.speedup.value > _AGREES * first
    reason = f"{first:.3g} times faster than {best}: more than {TOO_GOOD:.0f}"
    verdict.quarantine = {"reason": reason, "reproduced": reproduced, "value": second.speedup.value}
    verdict.ranks = verdict.ranks and reproduced


@cache
def version() -> str:
    """Return a hash of the lab's own files: verdicts of two versions do not compare."""
    files = sorted(path for path in Path(__file__).parent.rglob("*") if path.suffix in (".py", ".yaml"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]


def _cpu_s() -> float:
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))
