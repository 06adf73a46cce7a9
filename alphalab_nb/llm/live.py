"""LiveModel: the one class between an agent and a provider. It streams inside `request`, so that whole attempts can be made again.

One owner of retries, of patience, of the budget, of pause and stop, of the record: nothing else in the package talks to a
provider. Measured reason: without it runs are lost to faults in mid-stream, and some truncated answers are taken as final.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pydantic_ai import messages as m
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings

from alphalab_nb.llm.budget import Budget
from alphalab_nb.llm.conversation import Conversation, merged
from alphalab_nb.llm.faults import Refused, Silent, Truncated
from alphalab_nb.llm.metered import Tags
from alphalab_nb.llm.patience import Emit, Patience, Pulse, Trouble
from alphalab_nb.llm.pricing import Cache, PriceList
from alphalab_nb.llm.providers import fitted
from alphalab_nb.llm.tokens import tokens_of
from alphalab_nb.storage.ledger import Charge

_CROWDED_S = 0.25
"""How often a request looks whether others still hold what is left of the budget."""


@dataclass(frozen=True)
class Talk:
    """What a conversation gives its model."""

    conversation: Conversation
    tags: Tags
    budget: Budget
    prices: PriceList
    patience: Patience = field(default_factory=Patience)
    pulse: Pulse = field(default_factory=Pulse)
    emit: Emit = lambda kind, text: None


class LiveModel(WrapperModel):
    """A provider's model that waits, tries again, pays, and remembers."""

    def __init__(self, wrapped: Model, talk: Talk) -> None:
        super().__init__(wrapped)
        self._talk = talk
        self._context = 0
        """Tokens of the conversation after its last response."""

    async def request(
        self, messages: list[m.ModelMessage], model_settings: ModelSettings | None, model_request_parameters: ModelRequestParameters
    ) -> m.ModelResponse:
        self._talk.conversation.sync(messages)
        return await self._obtain(messages, model_settings, model_request_parameters, "response")

    async def ask_for_note(
        self, messages: list[m.ModelMessage], model_settings: ModelSettings | None, model_request_parameters: ModelRequestParameters
    ) -> m.ModelResponse:
        """Ask inside the conversation for something that does not become part of it; what was sent before keeps its form for the cache."""
        return await self._obtain(merged(messages), model_settings, model_request_parameters, "note")

    async def _obtain(
        self, messages: list[m.ModelMessage], settings: ModelSettings | None, parameters: ModelRequestParameters,
        kind: Literal["response", "note"],
    ) -> m.ModelResponse:
        talk, trouble, started = self._talk, Trouble(self._talk.patience, self._talk.pulse, self._talk.emit), time.monotonic()
        tokens, wanted = self._input_tokens(messages, parameters), int((settings or {}).get("max_tokens") or 0) or 4096
        prices = replace(talk.prices, cache=_cache_of(settings))
        while True:
            await self._clear_to_send()
            with talk.budget.reserve(prices, input_tokens=tokens, max_tokens=wanted) as allowed:
                delay = _CROWDED_S
                try:
                    short = fitted(settings or {}, self.wrapped, allowed)
                    response = await self._attempt(messages, short, parameters) if allowed else None
                except Exception as error:  # noqa: BLE001 - every failure of an attempt is classified, and raised if it is final
                    delay = trouble.delay(error)
                else:
                    if response is not None:
                        trouble.over()
                        return self._keep(response, kind, tries=trouble.failures + 1, seconds=time.monotonic() - started)
            await self._sleep(delay)

    async def _attempt(self, messages: list[m.ModelMessage], settings: Any, parameters: ModelRequestParameters) -> m.ModelResponse:
        patience = self._talk.patience
        stream_of = self.wrapped.request_stream(messages, settings, parameters)
        try:
            async with asyncio.timeout(patience.first_event_s):
                stream = await stream_of.__aenter__()
        except TimeoutError as error:
            raise Silent(f"no response within {patience.first_event_s:g} s") from error
        try:
            events, limit = stream.__aiter__(), patience.first_event_s
            while True:
                try:
                    async with asyncio.timeout(limit):
                        await events.__anext__()
                except StopAsyncIteration:
                    break
                except TimeoutError as error:
                    raise Silent(f"the stream was silent for {limit:g} s") from error
                limit = patience.silence_s
            response = stream.get()
        finally:
            await stream_of.__aexit__(None, None, None)
        return _whole(response)

    def _keep(self, response: m.ModelResponse, kind: Literal["response", "note"], *, tries: int, seconds: float) -> m.ModelResponse:
        """Store the response and what it cost, in one transaction, before anything acts on it."""
        usage, talk = response.usage, self._talk
        self._context = usage.input_tokens + usage.output_tokens or self._context
        charge = Charge(
            conversation=talk.conversation.head.id, phase=talk.tags.phase, role=talk.tags.role, experiment=talk.tags.experiment,
            attempt=talk.tags.attempt, provider=response.provider_name or self.system, model=response.model_name or self.model_name,
            base_url=self.wrapped.base_url or "", input_tokens=usage.input_tokens, cached_tokens=usage.cache_read_tokens,
            cache_write_tokens=usage.cache_write_tokens, output_tokens=usage.output_tokens, usd=talk.prices.of(response),
            usage_missing=not (usage.input_tokens or usage.output_tokens), tries=tries, seconds=round(seconds, 3),
        )
        (talk.conversation.respond if kind == "response" else talk.conversation.note)(response, charge)
        return response

    def _input_tokens(self, messages: list[m.ModelMessage], parameters: ModelRequestParameters) -> int:
        """Estimate the input of the next request: what the provider counted last, and what is new since."""
        return self._context + tokens_of(messages[-1:]) if self._context else tokens_of(messages, parameters)

    async def _clear_to_send(self) -> None:
        self._talk.pulse.check()
        while self._talk.pulse.paused():
            await asyncio.sleep(0.25)
            self._talk.pulse.check()

    async def _sleep(self, seconds: float) -> None:
        """Wait, and notice a stop in between."""
        ends_at = time.monotonic() + seconds
        while (left := ends_at - time.monotonic()) > 0:
            self._talk.pulse.check()
            await asyncio.sleep(min(left, 0.25))


def _cache_of(settings: ModelSettings | None) -> Cache:
    """Return how long the prompts of these settings are cached."""
    told = (settings or {}).get("cache")
    return "1h" if told == "1h" else "5m" if told else "off"


def _whole(response: m.ModelResponse) -> m.ModelResponse:
    """Refuse what only looks like an answer."""
    if response.finish_reason is None:
        raise Truncated("the stream ended before its terminal event")
    if response.finish_reason == "content_filter":
        said = response.text or (response.provider_details or {}).get("refusal") or "it gives no reason"
        raise Refused(f"the provider's filter refused: {said[:300]}")
    return response
