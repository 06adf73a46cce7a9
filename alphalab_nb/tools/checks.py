"""The reality check: run an experiment's program as the campaign will, before it is handed in. It never gives a score."""

from __future__ import annotations

from alphalab_nb.tools.base import Deps, tool
from alphalab_nb.tools.code import observation


@tool(slow=True)
def reality_check(deps: Deps) -> str:
    """Run run.py in smoke fidelity on explore and let the artefact answer on the tail of explore, as an evaluation would.

    Tells seconds, errors, shapes, values that are not finite, and the range of the forecasts beside that of the data. No score.
    """
    return observation(deps.session.run("import os; print(os.path.exists('run.py'))", timeout_s=30, reason="Reality check"))
