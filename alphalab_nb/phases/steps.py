"""Steps of a phase: each is done once. Running a phase again returns what a finished step recorded."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

from alphalab_nb.parts import Parts
from alphalab_nb.process import FileLock

P = ParamSpec("P")
Result = dict[str, Any]


def step(phase: str) -> Callable[[Callable[Concatenate[Parts, P], Result]], Callable[Concatenate[Parts, P], Result]]:
    """Make a function of the parts a recorded step; its result must be JSON."""

    def decorate(function: Callable[Concatenate[Parts, P], Result]) -> Callable[Concatenate[Parts, P], Result]:
        name = function.__name__

        @functools.wraps(function)
        def recorded(parts: Parts, *args: P.args, **kwargs: P.kwargs) -> Result:
            known = parts.board.step(phase, name)
            if known is not None and known["status"] == "finished":
                return known["result"]
            with FileLock(parts.workspace.root / ".step.lock"):
                return carry_out(parts, *args, **kwargs)

        def carry_out(parts: Parts, *args: P.args, **kwargs: P.kwargs) -> Result:
            parts.board.set_step(phase, name, "started")
            started = time.monotonic()
            try:
                result = function(parts, *args, **kwargs)
            except BaseException as error:
                parts.board.set_step(phase, name, "failed", result={"error": str(error)}, seconds=time.monotonic() - started)
                raise
            parts.board.set_step(phase, name, "finished", result=result, seconds=time.monotonic() - started)
            parts.board.event("step", f"{phase}.{name} finished", role=phase)
            return result

        return recorded

    return decorate
