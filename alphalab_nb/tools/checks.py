"""The reality check: run an experiment's program as the campaign will, before it is handed in. It never gives a score."""

from __future__ import annotations

import json

from alphalab_nb.errors import ToolError
from alphalab_nb.tools.base import DRIVERS, Deps, tool
from alphalab_nb.tools.code import observation
from alphalab_nb.tools.templates import cell

_LONGEST_S = 230.0
"""A tool call returns within four minutes (llm.md, layout rule 5)."""
_READY = "an evaluation would take it"
"""How the last line of drivers/reality.py begins when nothing is wrong."""


@tool(slow=True)
def reality_check(deps: Deps) -> str:
    """Run run.py in smoke fidelity on explore and let the artefact answer on the tail of explore, as an evaluation would.

    Tells seconds, errors, shapes, values that are not finite, and the range of the forecasts beside that of the data. No score: the
    artefact has seen these rows.
    """
    if not deps.adapter.manifest.run:
        raise ToolError("experiments of this domain have no program to run")
    code = cell("reality_check", driver=str(DRIVERS / "reality.py"), asked=json.dumps(_asked(deps)))
    result = deps.session.run(code, timeout_s=_LONGEST_S, reason="Reality check")
    said, last = observation(result), result.text.strip().splitlines()[-1:]
    if not last or not last[0].startswith(_READY):
        raise ToolError(said)
    return said


def _asked(deps: Deps) -> dict[str, object]:
    return {
        "code": str(deps.cwd), "data": str(deps.workspace.explore_data), "harness": str(deps.workspace.harness),
        "task": deps.task, "budget_s": deps.adapter.manifest.fidelities["smoke"].budget_s,
        "wall_s": min(deps.config.executor.wall_s, (_LONGEST_S - 10) / 2),
    }
