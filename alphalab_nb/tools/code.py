"""Run code in the conversation's kernel; every cell is kept in its notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alphalab_nb.errors import ToolError
from alphalab_nb.tools.base import Deps, clip, tool

if TYPE_CHECKING:
    from alphalab_nb.session import CellResult

_LONGEST_S = 240
"""A tool call returns within four minutes; longer work goes to the queue (llm.md, layout rule 5)."""


@tool(slow=True)
def run_cell(deps: Deps, reason: str, code: str, timeout_s: float = 120) -> str:
    """Run Python in your notebook. Variables live on from cell to cell until the kernel restarts.

    Args:
        reason: What you want to find out; it becomes the text before the cell.
        code: The cell.
        timeout_s: Seconds after which the cell is stopped, 240 at most.
    """
    return observation(deps.session.run(code, timeout_s=_deadline(timeout_s), reason=reason))


@tool(slow=True)
def shell_exec(deps: Deps, reason: str, command: str, timeout_s: float = 120) -> str:
    """Run a shell command in your working folder, inside your kernel's sandbox; it is kept as a cell.

    Args:
        reason: What it is for; it becomes the text before the cell.
        command: Passed to bash.
        timeout_s: Seconds after which it is stopped, 240 at most.
    """
    limit = _deadline(timeout_s)
    return observation(deps.session.run(_SHELL.format(command=command, limit=max(1.0, limit - 2)), timeout_s=limit, reason=reason))


@tool()
def note(deps: Deps, text: str) -> str:
    """Put a comment into your notebook: what the last cell or figure shows, with numbers from its output.

    Args:
        text: Markdown.
    """
    deps.session.note(text)
    return "noted"


_SHELL = """\
import subprocess
_done = subprocess.run(["bash", "-c", {command!r}], capture_output=True, text=True, timeout={limit!r}, stdin=subprocess.DEVNULL)
print(_done.stdout + _done.stderr, end="")
print(f"[exit {{_done.returncode}}]")"""


def observation(result: CellResult) -> str:
    """Return what the agent sees of a cell: its number and status, the clipped text, and what happened to the kernel."""
    lines = [f"[cell {result.cell_id}] {result.status} {result.seconds:.2f} s", clip(result.text)]
    if result.images:
        lines.append(f"[{len(result.images)} image(s) shown; save figures to plots/ and look with view_image]")
    if result.note:
        lines.append(result.note)
    if result.status != "ok":
        raise ToolError("\n".join(lines))
    return "\n".join(lines)


def _deadline(seconds: float) -> float:
    return min(max(seconds, 1.0), _LONGEST_S)
