"""What a candidate is compared with: the reference as it is, through torch.compile, and the best single call of the library.

Measured once per problem and machine against the reference as it is (eager), and kept: the ratio of two forms of the same program holds
where their times do not, as the machine's speed drifts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import Any, NamedTuple

from kernels_lab import machine
from kernels_lab.cores import leased
from kernels_lab.failure import Failure
from kernels_lab.problem import Problem
from kernels_lab.process import Setup
from kernels_lab.ratio import ONE, Ratio
from kernels_lab.timing import BUDGET_S, compare

FORMS = ("eager", "compile", "compile_max_autotune", "library")
"""Model as it is; torch.compile; torch.compile(mode="max-autotune"); the class Library of the problem's file, if it has one."""
NO_GRAPHS = "compile_max_autotune_no_graphs"
"""On a GPU only, where max-autotune replays CUDA graphs and copies what goes into them: now one is faster, now the other."""
_VERSION = 5
"""Of the protocol of timing: raised when older ratios no longer compare."""


class Baseline(NamedTuple):
    """One form of the reference on this machine."""

    form: str
    gain: Ratio
    """Time of eager / time of this form."""
    us: float
    graph_breaks: int


def setup(form: str, device: str = "cpu") -> Setup:
    """Return how a process that runs this form of the reference is started."""
    variables = {"TORCHINDUCTOR_CACHE_DIR": str(machine.cache_folder() / "inductor")}
    return Setup("module", {"path": "", "form": form, "device": device}, variables=variables, trusted=True)


def forms(problem: Problem, device: str = "cpu") -> tuple[str, ...]:
    """Return the forms that this problem has."""
    own = FORMS if problem.library(0) is not None else FORMS[:-1]
    return own if device == "cpu" else (*own, NO_GRAPHS)


def known(problem: Problem, device: str = "cpu") -> dict[str, Baseline]:
    """Return the baselines of this problem that are kept for this machine; eager always is."""
    found = machine.kept(_name(problem, device)) or {}
    return {"eager": Baseline("eager", ONE, 0.0, 0)} | {form: _read(form, row) for form, row in found.items() if "gain" in row}


def measured(
    problem: Problem, device: str = "cpu", *, only: Collection[str] = (*FORMS, NO_GRAPHS), seed: int = 1, again: bool = False,
    budget_s: float = BUDGET_S,
) -> dict[str, Baseline]:  # fmt: skip
    """Measure the baselines that are not yet kept (with `again`: all), and return all. A form that fails is kept with its reason."""
    found = {} if again else machine.kept(_name(problem, device)) or {}
    for form in forms(problem, device)[1:]:
        if form in only and form not in found:
            found[form] = _measured(problem, form, device, seed, budget_s)
            machine.keep(_name(problem, device), found)
    return known(problem, device)


def refused(problem: Problem, device: str = "cpu") -> dict[str, str]:
    """Return the forms that failed here, with the reason."""
    found = machine.kept(_name(problem, device)) or {}
    return {form: row["failed"] for form, row in found.items() if "failed" in row}


def fastest(baselines: dict[str, Baseline]) -> Baseline:
    """Return the baseline that a headline is against."""
    return max(baselines.values(), key=lambda baseline: baseline.gain.value)


def _measured(problem: Problem, form: str, device: str, seed: int, budget_s: float) -> dict[str, Any]:
    try:
        with leased() as core:
            # Roles are swapped so that graph breaks of the form are seen: the second of a duel is the trusted one in either case.
            timing = compare(problem, setup("eager", device), setup(form, device), seed=seed, core=core, budget_s=budget_s)
    except Failure as failure:
        return {"failed": f"{failure.check}: {failure.message}"}
    return {"gain": list(timing.speedup.inverse().rounded()), "us": timing.baseline_us, "graph_breaks": timing.graph_breaks}


def _read(form: str, row: dict[str, Any]) -> Baseline:
    return Baseline(form, Ratio(*row["gain"]), row["us"], row["graph_breaks"])


def _name(problem: Problem, device: str) -> str:
    key = f"{_VERSION}/{device}/{problem.source}"
    return f"baselines-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
