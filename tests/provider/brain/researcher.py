"""A scripted language model that plays every role of a campaign over any wire, and fails where a real one would lack something."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tests.provider.brain import early, evaluation, staff, strategist, worker
from tests.provider.brain.audit import audit
from tests.provider.brain.replay import Script, replay
from tests.provider.protocol import Reply, Request

SCRIPTS: Mapping[str, Script] = {
    "preflight": early.preflight, "customizer": early.customize, "explorer": early.explore, "child": early.answer,
    "builder": evaluation.build, "critic": evaluation.criticize, "tester": evaluation.examine, "strategist": strategist.strategize,
    "worker_implement": worker.implement, "worker_fix": worker.fix, "worker_analyze": worker.analyze, "reporter": staff.tell,
    "supervisor": staff.supervise, "guide": staff.guide,
}


@dataclass(frozen=True)
class Researcher:
    """A Brain: acts on the last results it has received.

    Raises:
        Missing: see `audit` and `replay`; the provider answers 400, and its log keeps the error.
    """

    metric: str = "rmse"
    """Name that every prompt must give the metric."""

    def __call__(self, request: Request) -> Reply:
        role = audit(request, self.metric)
        calls = replay(request, SCRIPTS[role])
        names = ", ".join(call.name for call in calls)
        return Reply(text=f"Next: {names}.", calls=tuple(calls), reasoning=f"Turn {len(request.turns) + 1} of the {role}: {names}.")
