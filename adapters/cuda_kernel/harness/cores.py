"""One core for one measurement, and for all the work around it.

The processor time of a process on another core may lag behind by a tick of the system, which brings it up to date when the process stops: a
call of a millisecond has read as nothing. On a core that it shares with its candidate, the lab reads it right.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


def mine() -> list[int]:
    """Return the cores that this thread may use."""
    return sorted(os.sched_getaffinity(0))


def keep_to(core: int) -> None:
    """Keep this thread, and every process that it starts from now on, to one core."""
    os.sched_setaffinity(0, {core})


@contextmanager
def one_core() -> Iterator[None]:
    """Keep to one of the cores that this thread may use, which depends on the process: two at a time seldom take the same."""
    before = mine()
    keep_to(before[os.getpid() % len(before)])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
