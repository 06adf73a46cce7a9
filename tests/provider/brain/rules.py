"""The offline researcher's policies as scripts of a language model: the same calls, over a provider's wire."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Generator
from typing import Any

from alphalab_nb import llm
from tests.provider.brain.replay import FINAL, Missing, Seen, Step
from tests.provider.protocol import Call, Request

_TASK = re.compile(r"(?:task block(?: of this campaign)?|config\.json): (\{.*\})$", re.MULTILINE)


def by_rules(policy: llm.Policy, task: Any) -> Generator[Step, Any, str]:
    """Play a policy up to its report, and return what it would have reported."""
    steps, results = policy(task, ()), None
    while True:
        step = _advanced(steps, results)
        calls = [Call(call.name, call.args) for call in (step if isinstance(step, list) else [step])]
        if calls[0].name == FINAL:
            return str(calls[0].args["summary"])
        seen: list[Seen] = yield calls
        given = [llm.Result(one.call.name, one.text, ok=one.ok) for one in seen]
        results = given if isinstance(step, list) else given[0]


def _advanced(steps: AsyncGenerator[Any, Any], value: Any) -> Any:
    """Send a value into an asynchronous generator that never waits, and return what it yields."""
    try:
        steps.asend(value).send(None)
    except StopIteration as sent:
        return sent.value
    raise TypeError("a policy must not wait")


def task_block(request: Request) -> dict[str, Any]:
    """Return the task block that the first message shows as JSON."""
    found = _TASK.search(request.first)
    if found is None:
        raise Missing(f"no task block in {request.first[:300]!r}")
    return json.loads(found[1])


def report(summary: str) -> Call:
    return Call(FINAL, {"summary": summary})
