"""RuleModel: a pydantic-ai Model whose answers come from a policy, an async generator that yields tool calls and receives results.

Stateless: each request replays the policy over the recorded turns, so a conversation resumes after a crash without repeating
a call, and one that differs from its record is refused. Knows nothing of roles, tools or files.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic_ai import messages as m
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.settings import ModelSettings
from pydantic_ai.usage import RequestUsage

from alphalab_nb.errors import AlphaLabError

OFFLINE = "offline"
BANNER = "rule-based, no language model"


@dataclass(frozen=True)
class Call:
    """One tool call of a policy. `args` must survive JSON: no tuples, no paths."""

    name: str
    args: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Result:
    """What a tool answered."""

    name: str
    value: Any
    ok: bool = True
    """False if the tool failed or refused its arguments; `value` then holds the reason."""

    @property
    def text(self) -> str:
        return self.value if isinstance(self.value, str) else str(self.value)


Step = Call | list[Call]
Policy = Callable[[Any, Sequence[str]], AsyncGenerator[Step, Any]]
"""policy(task, notes): `notes` are what a person said while the conversation ran. It yields a Call and gets a Result, or a list
and gets a list. It must be pure in its arguments and the results: no clock, no randomness without a seed."""


class Diverged(AlphaLabError):
    """The policy now asks for something else than the record shows; start the step anew instead of resuming it."""


class RuleModel(Model):
    """Provider `offline`, model `rules:<role>`."""

    def __init__(self, policy: Policy, task: Any, role: str) -> None:
        super().__init__()
        self._policy, self._task, self._role = policy, task, role

    @property
    def model_name(self) -> str:
        return f"rules:{self._role}"

    @property
    def system(self) -> str:
        return OFFLINE

    async def request(
        self,
        messages: list[m.ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> m.ModelResponse:
        turns = _turns(messages)
        wanted = await self._replay(turns, _notes(messages))
        self._check_offered(wanted, model_request_parameters)
        return m.ModelResponse(
            parts=[m.ToolCallPart(call.name, call.args, tool_call_id=f"r{len(turns)}_{n}") for n, call in enumerate(wanted)],
            usage=RequestUsage(),
            model_name=self.model_name,
            provider_name=OFFLINE,
            finish_reason="tool_call",
        )

    async def _replay(self, turns: list[_Turn], notes: list[str]) -> list[Call]:
        """Return the calls that follow the recorded turns."""
        policy = self._policy(self._task, notes)
        try:
            step = await policy.asend(None)
            for turn in turns:
                self._check_same(step, turn)
                step = await policy.asend(turn.results if isinstance(step, list) else turn.results[0])
        except StopAsyncIteration as end:
            raise Diverged(f"{self._role}: the policy ended without calling its terminal tool") from end
        finally:
            await policy.aclose()
        return step if isinstance(step, list) else [step]

    def _check_same(self, step: Step, turn: _Turn) -> None:
        wanted = [(call.name, call.args) for call in (step if isinstance(step, list) else [step])]
        if wanted != turn.calls:
            raise Diverged(f"{self._role}: recorded {_short(turn.calls)} but the policy now asks for {_short(wanted)}")

    def _check_offered(self, wanted: list[Call], parameters: ModelRequestParameters) -> None:
        offered = {tool.name for tool in (*parameters.function_tools, *parameters.output_tools)}
        for call in wanted:
            if call.name not in offered:
                raise Diverged(f"{self._role}: tool '{call.name}' is not offered to this role ({', '.join(sorted(offered))})")


@dataclass(frozen=True)
class _Turn:
    calls: list[tuple[str, dict[str, Any]]]
    results: list[Result]


def _turns(messages: Sequence[m.ModelMessage]) -> list[_Turn]:
    """Return the recorded (calls, results), in order."""
    turns: list[_Turn] = []
    pending: list[m.ToolCallPart] | None = None
    for message in messages:
        if isinstance(message, m.ModelResponse):
            pending = [part for part in message.parts if isinstance(part, m.ToolCallPart)]
        elif pending is not None:
            answers = {p.tool_call_id: p for p in message.parts if isinstance(p, m.ToolReturnPart | m.RetryPromptPart)}
            calls = [(call.tool_name, call.args_as_dict()) for call in pending]
            turns.append(_Turn(calls, [_result(call, answers.get(call.tool_call_id)) for call in pending]))
            pending = None
    return turns


def _result(call: m.ToolCallPart, answer: m.ToolReturnPart | m.RetryPromptPart | None) -> Result:
    if isinstance(answer, m.ToolReturnPart):
        return Result(call.tool_name, answer.content, ok=answer.outcome == "success")
    return Result(call.tool_name, answer.content if answer else "the tool gave no answer", ok=False)


def _notes(messages: Sequence[m.ModelMessage]) -> list[str]:
    """Return what was said after the first message: a person's steering."""
    prompts = [p.content for message in messages if isinstance(message, m.ModelRequest) for p in message.parts
               if isinstance(p, m.UserPromptPart)]
    return [prompt for prompt in prompts[1:] if isinstance(prompt, str)]


def _short(calls: Sequence[tuple[str, dict[str, Any]]]) -> str:
    return "; ".join(f"{name}({str(args)[:200]})" for name, args in calls)
