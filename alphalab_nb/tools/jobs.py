"""Work in the background: a job runs beside the cells, inside the same kernel's sandbox, and ends with that kernel."""

from __future__ import annotations

import re

from alphalab_nb.errors import ToolError
from alphalab_nb.tools.base import Deps, tool
from alphalab_nb.tools.code import observation
from alphalab_nb.tools.templates import cell, shown

_FOLDER = "jobs"
_LONGEST_WAIT_S = 200.0
"""A tool call returns within four minutes (llm.md, layout rule 5)."""
_TAIL_BYTES = 4000
_CELL_S = 30.0
"""Limit of a cell that only looks after a job."""


@tool(slow=True)
def start_job(deps: Deps, reason: str, command: str, name: str = "") -> str:
    """Start a shell command that takes longer than a cell may, and go on at once. It ends when your kernel does.

    Args:
        reason: What it is for; it becomes the text before the cell.
        command: Passed to bash, in your working folder; what it prints goes to jobs/N.log.
        name: A word to recognise it by.
    """
    number = 1 + max(_numbers(deps), default=0)
    label = f" ({name})" if name else ""
    code = cell("start_job", number=number, command=command, keeper=shown("keeper.sh"), label=label)
    return observation(deps.session.run(code, timeout_s=_CELL_S, reason=reason))


@tool(slow=True)
def read_job(deps: Deps, job: str, wait_s: float = 0) -> str:
    """Show how a job stands: running or its exit code, its seconds, and the end of what it printed.

    Args:
        job: As `start_job` named it, for example job 1.
        wait_s: Wait so many seconds for its end, 200 at most; returns as soon as it ends.
    """
    wait = min(max(wait_s, 0.0), _LONGEST_WAIT_S)
    code = cell("read_job", number=_number(deps, job), wait_s=wait, tail=_TAIL_BYTES)
    return observation(deps.session.run(code, timeout_s=wait + _CELL_S, reason=f"How does {job} stand?"))


@tool(slow=True)
def stop_job(deps: Deps, job: str) -> str:
    """Stop a job and everything that it started.

    Args:
        job: As `start_job` named it.
    """
    return observation(deps.session.run(cell("stop_job", number=_number(deps, job)), timeout_s=_CELL_S, reason=f"Stop {job}."))


def _number(deps: Deps, job: str) -> int:
    known = sorted(_numbers(deps))
    found = re.fullmatch(r"\s*(?:job)?\s*(\d+)\s*", job)
    if found is None or int(found[1]) not in known:
        raise ToolError(f"there is no '{job}'; known: {', '.join(f'job {number}' for number in known) or 'none was started'}")
    return int(found[1])


def _numbers(deps: Deps) -> list[int]:
    """Return the numbers of the jobs that were ever started in this folder."""
    return [int(path.stem) for path in (deps.cwd / _FOLDER).glob("*.log") if path.stem.isdigit()]
