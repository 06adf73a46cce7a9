"""Executor `local`: slots on this machine, each a set of cores (and GPUs) of its own.

Two jobs never share a core: two 2-thread jobs on the same 2 cores make a seventh of the progress of two 1-thread jobs.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from alphalab_nb.executors.slots import Slot, SlotExecutor
from alphalab_nb.resources import cores, gpus

log = logging.getLogger(__name__)


class LocalExecutor(SlotExecutor):
    """As many slots as asked for and as fit on the cores."""

    def __init__(self, *, slots: int = 0, cores_per_slot: int = 1) -> None:
        """Divide the cores and GPUs that this process may use.

        Args:
            slots: 0 means as many as fit.
        """
        divided = divide(cores(), gpus(), slots=slots, cores_per_slot=cores_per_slot)
        if len(divided) < slots:
            log.warning("%d slots of %d cores do not fit on %d cores; %d are used", slots, cores_per_slot, len(cores()), len(divided))
        super().__init__(divided)


def divide(cores: Sequence[int], gpus: Sequence[str], *, slots: int, cores_per_slot: int) -> list[Slot]:
    """Return disjoint slots; more slots than GPUs share them in turn, more GPUs than slots are dealt out."""
    size = min(cores_per_slot, len(cores))
    number = min(slots or len(cores), len(cores) // size)
    devices = [tuple(gpus[i::number]) or tuple(gpus[i % len(gpus) :][:1] if gpus else ()) for i in range(number)]
    return [Slot(i, tuple(cores[i * size : (i + 1) * size]), devices[i]) for i in range(number)]
