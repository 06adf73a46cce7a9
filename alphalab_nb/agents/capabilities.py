"""What every conversation with a language model has: a record of each tool call, news appended, a history that fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from typing import Any

from pydantic_ai import RunContext, ToolReturn
from pydantic_ai import messages as m
from pydantic_ai.capabilities import AbstractCapability
from pydantic_ai.exceptions import ToolFailed
from pydantic_ai.models import ModelRequestContext

from alphalab_nb.llm.conversation import Conversation
from alphalab_nb.llm.live import LiveModel
from alphalab_nb.llm.patience import ContextOverflow
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.database import now
from alphalab_nb.storage.playbook import Playbook
from alphalab_nb.tools import Deps

KEPT_TURNS = 3
"""Newest turns that a compaction keeps whole."""


@dataclass
class Checkpoints(AbstractCapability[Deps]):
    """Stores the answer of each tool call when it is known, so that a crash loses at most the call that was running."""

    conversation: Conversation

    async def wrap_tool_execute(self, ctx: RunContext[Deps], *, call: Any, tool_def: Any, args: Any, handler: Any) -> Any:
        try:
            value = await handler(args)
        except ToolFailed as error:
            self.conversation.result(m.ToolReturnPart(call.tool_name, str(error), tool_call_id=call.tool_call_id, outcome="failed"))
            raise
        content = value.return_value if isinstance(value, ToolReturn) else value
        self.conversation.result(m.ToolReturnPart(call.tool_name, content, tool_call_id=call.tool_call_id))
        return value


@dataclass
class News(AbstractCapability[Deps]):
    """Appends what has changed since the conversation began: notes of people, lessons, changes of the domain knowledge.

    Appended, never rendered again into what was sent: the cached prefix stays.
    """

    board: Board
    playbook: Playbook
    since: str
    """UTC ISO time of the last request on record."""

    async def before_model_request(self, ctx: RunContext[Deps], request_context: ModelRequestContext) -> ModelRequestContext:
        asked_at, texts = now(), [*self._notes(), *self._lessons(ctx.deps.role), *self._patches()]
        self.since = asked_at
        if texts and len(request_context.messages) > 1:
            ctx.enqueue("\n".join(texts))
        return request_context

    def _notes(self) -> list[str]:
        return [f"A person ({note.author}) says{note.about}: {note.text}" for note in self.board.notes() if note.at > self.since]

    def _lessons(self, role: str) -> list[str]:
        fresh = [entry for entry in self.playbook.entries() if entry.at > self.since and entry.author != role]
        return [f"Playbook, added since you started: {entry.claim} ({' '.join(f'#{id}' for id in entry.evidence)})" for entry in fresh]

    def _patches(self) -> list[str]:
        fresh = [event for event in self.board.events(kind="patch") if event["at"] > self.since]
        return [f"The domain knowledge was changed since you started: {event['text']}" for event in fresh]


@dataclass
class Compactor(AbstractCapability[Deps]):
    """At `limit` tokens of context asks the model, inside the same cached conversation, for a hand-over note, then keeps the first
    message, the note and the newest turns."""

    live: LiveModel
    conversation: Conversation
    limit: int
    overflowed: bool = field(default=False, init=False)

    async def before_model_request(self, ctx: RunContext[Deps], request_context: ModelRequestContext) -> ModelRequestContext:
        if _size(request_context.messages) < self.limit or len(_starts(request_context.messages)) <= KEPT_TURNS:
            return request_context
        return await self._compacted(ctx, request_context, request_context.messages)

    async def on_model_request_error(
        self, ctx: RunContext[Deps], *, request_context: ModelRequestContext, error: Exception
    ) -> m.ModelResponse:
        """Condense once, with the newer half as the source of the note: the whole does not fit any more."""
        starts = _starts(request_context.messages)
        if not isinstance(error, ContextOverflow) or self.overflowed or len(starts) < 2:
            raise error
        self.overflowed = True
        fitting = [request_context.messages[0], *request_context.messages[starts[len(starts) // 2] :]]
        smaller = await self._compacted(ctx, request_context, fitting)
        return await self.live.request(smaller.messages, smaller.model_settings, smaller.model_request_parameters)

    async def _compacted(
        self, ctx: RunContext[Deps], request_context: ModelRequestContext, source: Sequence[m.ModelMessage]
    ) -> ModelRequestContext:
        messages = request_context.messages
        self.conversation.sync(messages)
        note = self.conversation.unused_note() or await self._note(source, request_context)
        first = messages[0]
        assert isinstance(first, m.ModelRequest)
        prompt = [part for part in first.parts if isinstance(part, m.UserPromptPart)][:1]
        head = replace(first, parts=[*prompt, m.UserPromptPart(f"Hand-over note of the earlier conversation:\n\n{note}")])
        kept = messages[_starts(messages)[-KEPT_TURNS:][0] :]
        self.conversation.compact(head, kept)
        ctx.messages[:] = [head, *kept]
        return replace(request_context, messages=[head, *kept])

    async def _note(self, source: Sequence[m.ModelMessage], request_context: ModelRequestContext) -> str:
        last = source[-1]
        assert isinstance(last, m.ModelRequest)
        asking = [*source[:-1], replace(last, parts=[*last.parts, m.UserPromptPart(_handover())])]
        response = await self.live.ask_for_note(asking, request_context.model_settings, request_context.model_request_parameters)
        return response.text or "(the model gave no note)"


def _starts(messages: Sequence[m.ModelMessage]) -> list[int]:
    """Return where turns begin: a tail that starts with a response keeps calls and answers together."""
    return [index for index, message in enumerate(messages) if isinstance(message, m.ModelResponse)]


def _size(messages: Sequence[m.ModelMessage]) -> int:
    """Return the tokens of context after the newest response, with the reasoning that is sent again: OpenAI does not count it."""
    last = next((message for message in reversed(messages) if isinstance(message, m.ModelResponse)), None)
    carried = sum(len(part.signature or "") // 6 for message in messages if isinstance(message, m.ModelResponse)
                  for part in message.parts if isinstance(part, m.ThinkingPart))
    return 0 if last is None else last.usage.input_tokens + last.usage.output_tokens + carried


def _handover() -> str:
    return files("alphalab_nb.agents.contracts").joinpath("handover.md").read_text(encoding="utf-8")
