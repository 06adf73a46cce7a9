"""Other agents: a child that works on one side question."""

from __future__ import annotations

from alphalab_nb.errors import ToolError
from alphalab_nb.tools.base import Deps, clip, tool


@tool(slow=True)
def spawn_agent(deps: Deps, task: str) -> str:
    """Let a helper work on one independent question, in a notebook of its own, and get its report. It shares your limits.

    Args:
        task: The question, with everything needed to answer it: files, columns, what counts as an answer.
    """
    if deps.spawn is None:
        raise ToolError("a helper cannot have helpers of its own; answer the question yourself")
    return clip(deps.spawn(task))
