"""Where commands run: `inline` (one at a time), `local` (slots on this machine)."""

from __future__ import annotations

from typing import Literal

from alphalab_nb.executors.base import Command, Executor, Exit, ExitLabel, Job, Limits
from alphalab_nb.executors.inline import InlineExecutor
from alphalab_nb.executors.local import LocalExecutor

__all__ = ["Command", "Executor", "Exit", "ExitLabel", "InlineExecutor", "Job", "Limits", "LocalExecutor", "make_executor"]


def make_executor(kind: Literal["inline", "local"], *, slots: int = 0, cores_per_slot: int = 1) -> InlineExecutor | LocalExecutor:
    """Return an executor by its name in campaign.yaml."""
    if kind == "inline":
        return InlineExecutor()
    return LocalExecutor(slots=slots, cores_per_slot=cores_per_slot)
