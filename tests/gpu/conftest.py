"""The table of the GPU checks, printed at the end as the bench of the CPU prints its own."""

from __future__ import annotations

from typing import Any

import pytest

from kernels_lab import machine
from kernels_lab.evaluate import Verdict
from kernels_lab.summary import Row, Summary, summary

COMPILED = ("compile", "compile_max_autotune", "compile_max_autotune_no_graphs")
_VERDICTS = pytest.StashKey[dict[str, Verdict]]()


@pytest.fixture(scope="session")
def verdicts(request: pytest.FixtureRequest) -> dict[str, Verdict]:
    """Verdicts by the name of the candidate's file; a test adds its own, and the table is made of them."""
    return request.config.stash.setdefault(_VERDICTS, {})


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    said = terminalreporter.write_line
    if found := config.stash.get(_VERDICTS, {}):
        for line in lines(found):
            said(line)
    elif any("tests/gpu" in report.nodeid for report in terminalreporter.stats.get("skipped", ())):
        said("tests/gpu: nothing was run, PyTorch finds no GPU here; of GPU kernels this run shows nothing")


def lines(found: dict[str, Verdict]) -> list[str]:
    """The table: a line per candidate, and the sums against torch.compile and against the fastest of all baselines."""
    told = [f"on {machine.description()['gpu']}, PyTorch {machine.description()['torch']}"]
    told += [f"{name:26} {_said(verdict)}" for name, verdict in found.items()]
    for baseline, forms in (("torch.compile, the fastest of its modes", COMPILED), ("the fastest of all baselines", ())):
        told += _told(summary([_row(verdict, forms) for verdict in found.values()], baseline))
    return told


def _row(verdict: Verdict, forms: tuple[str, ...]) -> Row:
    over = [ratio["value"] for form, ratio in verdict.speedup.items() if form in forms or not forms]
    return Row(verdict.problem, verdict.rewrite, min(over, default=None) if verdict.ok else None)


def _said(verdict: Verdict) -> str:
    if not verdict.ok or verdict.headline is None or verdict.timing is None:
        return f"{verdict.check}: {verdict.message.partition(chr(10))[0]}"
    over, time_us = verdict.headline, verdict.timing["candidate_us"]
    return (f"{time_us:9.1f} us  {over['value']:6.3g}x ({over['low']:.3g} to {over['high']:.3g}) of {over['baseline']}"
            f"{'' if verdict.ranks else ', too noisy to rank'}{', a rewrite' if verdict.rewrite else ''}")  # fmt: skip


def _told(found: Summary) -> list[str]:
    shares = {p: round(share, 3) for p, share in found.fast.items()}
    right = {p: round(share, 3) for p, share in found.fast_of_correct.items()}
    return [
        f"against {found.baseline}: {found.attempted} attempted, {found.correct} right",
        f"  fast_p of attempted {shares}",
        f"  fast_p of right ones, as in the paper {right}",
        f"  geometric mean {_short(found.geometric_mean)}, without rewrites {_short(found.geometric_mean_without_rewrites)}",
    ]


def _short(value: float | None) -> str:
    return "none" if value is None else f"{value:.3g}x"
