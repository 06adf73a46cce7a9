"""The rules of the loop as pure functions of numbers; the dispatcher only asks them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from alphalab_nb.config import LimitsConfig
from alphalab_nb.metric import Metric


class StopReason(StrEnum):
    """Why a campaign's experiments ended."""

    EXPERIMENTS = "max_experiments"
    """Every experiment of the budget has ended."""
    RUNS = "max_runs"
    WALL = "wall_s"
    USD = "usd"
    TOKENS = "tokens"
    CONVERGED = "converged"
    EXHAUSTED = "strategy_exhausted"
    PERSON = "stopped_by_person"


BUDGETS = frozenset({StopReason.RUNS, StopReason.WALL, StopReason.USD, StopReason.TOKENS})
"""Reasons that a person can take back, as long as the campaign has not ended."""


@dataclass(frozen=True)
class Usage:
    """What the campaign has used so far."""

    runs: int
    wall_s: float
    usd: float
    tokens: int = 0


def strategy_due(*, waiting: int, slots: int, analyzed_since: int, every: int, remaining: int, screened: int) -> bool:
    """Ask when fewer than slots + 2 experiments wait, `every` were analyzed since the last turn, or screens wait for a word."""
    wants_more = remaining > 0 and waiting < slots + 2
    return wants_more or analyzed_since >= every or (screened > 0 and waiting < slots)


def milestone_due(*, analyzed: int, reported: int, every: int) -> bool:
    """A milestone report after every `every` analyzed experiments (paper, section 2)."""
    return analyzed // every > reported


def converged(metric: Metric, scores: Sequence[float], window: int) -> bool:
    """Whether the last `window` full scores, in order of completion, brought no improvement; 0 never converges."""
    if window == 0 or len(scores) <= window:
        return False
    best: float | None = None
    since = 0
    for score in scores:
        if metric.better(score, best):
            best, since = score, 0
        else:
            since += 1
    return since >= window


def budget_spent(limits: LimitsConfig, usage: Usage) -> StopReason | None:
    """Return the first budget that is used up."""
    if limits.max_runs and usage.runs >= limits.max_runs:
        return StopReason.RUNS
    if limits.wall_s and usage.wall_s >= limits.wall_s:
        return StopReason.WALL
    if limits.usd and usage.usd >= limits.usd:
        return StopReason.USD
    if limits.tokens and usage.tokens >= limits.tokens:
        return StopReason.TOKENS
    return None


def supervisor_due(failed: Sequence[bool], *, window: int, rate: float, armed: bool) -> bool:
    """Whether more than `rate` of the newest `window` attempts failed, and nobody was called for this excess yet (paper, section 2)."""
    return armed and len(failed) >= window and sum(failed[-window:]) > rate * window


def supervisor_rearmed(failed: Sequence[bool], *, window: int, rate: float) -> bool:
    """Whether an excess is over, so that the next one calls the Supervisor again."""
    return sum(failed[-window:]) <= rate * window


FIXABLE = frozenset({"crash", "timeout", "oom", "invalid_output"})
"""Failures of the program. A missed gate is a result, and an infrastructure failure is nobody's fault."""


def fix_due(*, label: str, fixes: int, max_fixes: int) -> bool:
    return label in FIXABLE and fixes < max_fixes


def family_capped(family: str, families: Sequence[str], *, share: float, budget: int) -> bool:
    """Whether one more experiment of this family would exceed its share of the whole budget (never below two)."""
    return families.count(family) + 1 > max(2, round(share * budget))
