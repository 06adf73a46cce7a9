"""The terms on which a campaign runs: campaign.yaml, and over it what people have changed since; all readers ask here."""

from __future__ import annotations

from typing import Any

from alphalab_nb.config import LimitsConfig, Policy
from alphalab_nb.storage.board import Board

LIMITS, POLICY = "limits", "policy"
"""Facts: what people have changed, by name."""


def limits_of(board: Board, configured: LimitsConfig) -> LimitsConfig:
    """Return the limits in force."""
    return configured.model_copy(update=board.fact(LIMITS) or {})


def policy_of(board: Board, configured: Policy) -> Policy:
    """Return the policy in force."""
    return configured.model_copy(update=board.fact(POLICY) or {})


def difference(old: LimitsConfig | Policy, new: LimitsConfig | Policy) -> str:
    """Return what has changed, for people: `usd 5 (was 2)`."""
    before, after = old.model_dump(), new.model_dump()
    return ", ".join(f"{key} {_said(after[key])} (was {_said(before[key])})" for key in after if after[key] != before[key]) or "no change"


def _said(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
