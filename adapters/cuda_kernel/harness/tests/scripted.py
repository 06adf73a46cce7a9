"""A lab that says what a test tells it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import takewhile
from pathlib import Path
from typing import Any

from harness.artefact import Refused

Scored = Callable[..., dict[str, Any]]
KERNEL = {"kernel.json": '{"problem": "swish", "backend": "cpp"}', "kernel.cpp": "// a kernel\n"}
PROBLEMS = ("swish", "rms_norm", "softmax")


def verdict(speedup: float = 2.0, **changes: Any) -> dict[str, Any]:
    """Return what the lab says of a right kernel that is calm, believed and twice as fast over eager as over the fastest baseline."""
    ratio = {"value": speedup, "low": speedup / 1.05, "high": speedup * 1.05}
    return {
        "rewrite": False, "ok": True, "label": None, "check": None, "message": "", "ranks": True, "lab": "0", "sandbox": "bwrap",
        "machine": {},
        "correctness": {"cases": [{"id": "default/public", "error": 0.25}], "deterministic": True, "worst": 0.25},
        "timing": {"candidate_us": 100.0, "baseline_us": 400.0, "floor_us": 40.0, "noisy": False, "cold": 3.0, "clock": "wall", "load": 0.1,
                   "peak_mib": 30.0},
        "speedup": {"eager": {**ratio, "value": 2 * speedup}, "library": ratio}, "headline": {"baseline": "library", **ratio},
        "quarantine": None, **changes,
    }


def noisy(speedup: float = 2.0) -> dict[str, Any]:
    """Return the verdict on a kernel that could not be measured."""
    said = verdict(speedup, ranks=False)
    return {**said, "timing": {**said["timing"], "noisy": True}}


class Script:
    """A lab that answers from lists, in turn, and keeps what it was asked."""

    def __init__(self) -> None:
        self.verdicts: list[dict[str, Any]] = [verdict()]
        self.trials: list[dict[str, Any]] = [{"value": 1.02, "low": 0.97, "high": 1.07, "noisy": False}]
        self.asked: list[tuple[str, ...]] = []
        self.sources: list[str] = []

    def seeds(self) -> list[str]:
        """Return the seeds of all questions so far."""
        return [question[question.index("--seed") + 1] for question in self.asked if "--seed" in question]

    def answer(self, *question: str) -> dict[str, Any]:
        self.asked.append(question)
        return getattr(self, f"_{question[0]}")(*question[1:])

    def _list(self) -> dict[str, Any]:
        return {"problems": [{"name": name} for name in PROBLEMS]}

    def _evaluate(self, problem: str, source: str, *options: str) -> dict[str, Any]:
        self.sources.append(Path(source).read_text(encoding="utf-8"))
        if problem not in PROBLEMS and not problem.endswith(".py"):
            raise Refused("invalid_output", f"no problem {problem!r}")
        return self.verdicts.pop(0) if len(self.verdicts) > 1 else self.verdicts[0]

    def _baselines(self, *asked: str) -> dict[str, Any]:
        forms = {"eager": {"gain": {"value": 1.0}, "graph_breaks": 0}, "compile": {"gain": {"value": 1.5}, "graph_breaks": 2}}
        row = {"forms": forms, "fastest": "compile", "failed": {"library": "it does not run"}}
        return {"problems": dict.fromkeys(_problems(asked), row)}

    def _aa(self, *asked: str) -> dict[str, Any]:
        return {"trials": [self.trials.pop(0) if len(self.trials) > 1 else self.trials[0] for _ in _problems(asked)]}


def _problems(asked: tuple[str, ...]) -> list[str]:
    """Return the problems of a question: what stands before its options."""
    return list(takewhile(lambda word: not word.startswith("--"), asked))
