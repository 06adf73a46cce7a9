"""The Supervisor looks at what a phase has left before the next one builds on it, and may send it back once (paper, section 2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from alphalab_nb.agents import run_agent
from alphalab_nb.agents.minds import is_live
from alphalab_nb.agents.tasks import Findings, ReviewTask
from alphalab_nb.parts import Parts, deps_of
from alphalab_nb.phases.steps import Result

Redo = Callable[[Findings], Result]


def review(parts: Parts, phase: str, summary: str, artefacts: Sequence[str], redo: Redo) -> Result:
    """Let the Supervisor give a verdict on a phase, and the phase be done again with its findings if it did not pass.

    Rules cannot judge prose: without a language model in that role the phase passes unreviewed, and the result says so.
    """
    if not is_live("supervisor", parts.config):
        return {"reviewed": False, "why": "no language model plays the Supervisor"}
    deps = deps_of(parts, phase, f"supervisor_{phase}.ipynb", cwd=parts.workspace.adapter)
    verdict = run_agent("supervisor", deps, ReviewTask(phase=phase, summary=summary, artefacts=artefacts))
    result: Result = {"reviewed": True, "passed": verdict.passed, "findings": list(verdict.findings), "summary": verdict.summary}
    parts.board.event("review", f"{phase}: {'passed' if verdict.passed else 'sent back'}: {verdict.summary}", role="supervisor")
    return result if verdict.passed else {**result, "again": redo(verdict.findings)}
