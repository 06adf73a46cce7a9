"""Executor `inline`: one command at a time, on all cores. For phases, examples and tests."""

from __future__ import annotations

from alphalab_nb.executors.slots import Slot, SlotExecutor
from alphalab_nb.resources import cores, gpus


class InlineExecutor(SlotExecutor):
    """One slot that is the whole machine, as far as this process may use it."""

    def __init__(self) -> None:
        super().__init__([Slot(0, tuple(cores()), tuple(gpus()))])
