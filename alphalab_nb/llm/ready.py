"""An OpenAI client that sends what it is given, and reads an event of a stream as what it says it is.

pydantic-ai has made every item already in the form of the wire. The SDK's own `create` walks through every item of the conversation,
through every variant of its type, before each request: measured 13 / 50 / 101 / 197 ms for 16 / 61 / 121 / 241 items (openai 3.52),
more than all the rest of a turn. It tries an event of the Responses API on all 59 kinds: 0.3 ms each, a fifth of a turn. And it writes
JSON in Python's own encoder, which takes longer with every turn.
"""

from __future__ import annotations

from functools import cache, cached_property
from typing import Any, get_args

import pydantic
from openai import AsyncOpenAI, AsyncStream, NotGiven, Omit, not_given
from openai._base_client import make_request_options
from openai._models import BaseModel, construct_type
from openai.resources.chat import AsyncChat
from openai.resources.chat.completions import AsyncCompletions
from openai.resources.responses import AsyncResponses
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_core import to_json


class _Event:
    """Builds the event of a stream from its JSON, as the SDK would: validated, else as it is."""

    @classmethod
    def build(cls, *, response: Any, data: Any) -> Any:
        kind = _kinds().get(data.get("type", "")) if isinstance(data, dict) else None
        if kind is None:
            return construct_type(type_=ResponseStreamEvent, value=data)
        try:
            return kind.model_validate(data)
        except pydantic.ValidationError:
            return kind.construct(**data)


@cache
def _kinds() -> dict[str, type[BaseModel]]:
    """Return the kinds of events by the `type` that they carry."""
    union, *_ = get_args(ResponseStreamEvent)
    return {name: kind for kind in get_args(union) for name in get_args(kind.model_fields["type"].annotation)}


class _ReadyResponses(AsyncResponses):
    async def create(self, **options: Any) -> Any:  # type: ignore[override]
        return await self._post("/responses", cast_to=Response, stream_cls=AsyncStream[_Event], **_request(options))


class _ReadyCompletions(AsyncCompletions):
    async def create(self, **options: Any) -> Any:  # type: ignore[override]
        stream = AsyncStream[ChatCompletionChunk]
        return await self._post("/chat/completions", cast_to=ChatCompletion, stream_cls=stream, **_request(options))


class _ReadyChat(AsyncChat):
    @cached_property
    def completions(self) -> AsyncCompletions:  # type: ignore[override]
        return _ReadyCompletions(self._client)


class ReadyOpenAI(AsyncOpenAI):
    """AsyncOpenAI whose `responses.create` and `chat.completions.create` do not transform the body."""

    @cached_property
    def responses(self) -> AsyncResponses:  # type: ignore[override]
        return _ReadyResponses(self)

    @cached_property
    def chat(self) -> AsyncChat:  # type: ignore[override]
        return _ReadyChat(self)


def make_ready(provider: OpenAIProvider) -> OpenAIProvider:
    """Let the client that a provider has made, and whose connections it owns, send bodies as they are."""
    provider.client.__class__ = ReadyOpenAI
    return provider


def _request(options: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a post from those of a create."""
    own = {name: options.pop(name, None) for name in ("extra_headers", "extra_query")}
    timeout = options.pop("timeout", not_given)
    options |= options.pop("extra_body", None) or {}
    body = {name: value for name, value in options.items() if not isinstance(value, Omit | NotGiven)}
    return {
        "content": to_json(body, by_alias=True), "stream": bool(body.get("stream")),
        "options": make_request_options(**own, timeout=timeout, security={"bearer_auth": True}),
    }
