"""LiveModel: the one class between an agent and a provider. It streams inside `request`, so that whole attempts can be made again.

One owner of retries, of patience, of the budget, of pause and stop, of the record: nothing else in the package talks to a
provider. Measured reason: without it runs are lost to faults in mid-stream, and some truncated answers are taken as final.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pydantic_ai import messages as m
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings

from alphalab_nb.errors import AlphaLabError, ProviderOutage, ProviderRefused
from alphalab_nb.llm.budget import Budget
from alphalab_nb.llm.conversation import Conversation, merged
from alphalab_nb.llm.faults import Fault, Refused, Silent, Truncated, fault_of, retry_after_s
from alphalab_nb.llm.pricing import Cache, PriceList
from alphalab_nb.llm.providers import fitted
from alphalab_nb.llm.redact import redact
from alphalab_nb.llm.tokens import tokens_of
from alphalab_nb.storage.ledger import Charge

Emit = Callable[[str, str], None]
"""Told (kind, text) of what happens: retry, rate_limit, outage, back."""



_CROWDED_S = 0.25
"""How often a request looks whether others still hold what is left of the budget."""


class ContextOverflow(AlphaLabError):
    """The conversation is longer than the model's context window."""


@dataclass(frozen=True)
class Patience:
    """How long to go on trying. Seconds."""

    tries: int = 6
    """Attempts after which failures in a row are an outage; 0.5 + 1 + 2 + 4 + 8 s in between."""
    first_s: float = 0.5
    longest_s: float = 60.0
    rate_limit_s: float = 1800.0
    """Waiting on rate limits in all, before it is an outage."""
    outage_s: float = 86_400.0
    """Length of an outage that is borne."""
    first_event_s: float = 600.0
    silence_s: float = 120.0


class Pulse:
    """What the campaign wants of its conversations. This one wants nothing; campaigns pass one that reads the board."""

    def paused(self) -> bool:
        return False

    def check(self) -> None:
        """Raise Stopped if the conversation shall end, BudgetEnded if the time is over."""

    def outage(self, since: float | None, text: str) -> None:
        """Learn that the provider is out of order (seconds since it began), or, with None, that it is back."""


@dataclass(frozen=True)
class Tags:
    """What a response is charged to."""

    phase: str
    role: str
    experiment: int | None = None
    attempt: int | None = None


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
        talk, trouble, started = self._talk, _Trouble(self._talk), time.monotonic()
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


class _Trouble:
    """Failed attempts of one request: how long to wait for the next, and when to give up."""

    def __init__(self, talk: Talk) -> None:
        self._talk, self._patience = talk, talk.patience
        self.failures = 0
        self._hurdles = 0
        """Failures that were no rate limit."""
        self._limited_s = 0.0
        self._since: float | None = None
        """When the outage began."""
        self._first = time.monotonic()

    def delay(self, error: Exception) -> float:
        """Return the seconds to wait after a failure.

        Raises:
            ProviderRefused, ContextOverflow, ProviderOutage: asking again would not help, or not soon enough.
        """
        fault, why = fault_of(error), redact(f"{type(error).__name__}: {error}")[:500]
        self.failures += 1
        if isinstance(error, AlphaLabError):
            raise error
        if fault is Fault.OVERFLOW:
            raise ContextOverflow(why) from _shown(error)
        if fault is Fault.KEY:
            raise ProviderRefused(f"the provider refuses the key: {why}") from _shown(error)
        if fault is Fault.FATAL:
            raise ProviderRefused(f"the provider refuses the request: {why}") from _shown(error)
        return self._after_limit(error, why) if fault is Fault.RATE else self._after_failure(error, why)

    def _after_limit(self, error: Exception, why: str) -> float:
        told = retry_after_s(error)
        wait = told if told else self._backoff(self.failures)
        self._limited_s += wait
        if self._limited_s > self._patience.rate_limit_s:
            return self._outage(error, why)
        self._talk.emit("rate_limit", f"rate limited; waiting {wait:.1f} s (attempt {self.failures})")
        return wait

    def _after_failure(self, error: Exception, why: str) -> float:
        self._hurdles += 1
        if self._hurdles >= self._patience.tries:
            return self._outage(error, why)
        wait = self._backoff(self._hurdles)
        self._talk.emit("retry", f"{why}; trying again in {wait:.1f} s (attempt {self._hurdles + 1})")
        return wait

    def _outage(self, error: Exception, why: str) -> float:
        lasted = time.monotonic() - self._first
        if lasted >= self._patience.outage_s:
            text = f"the provider has been out of order for {lasted:.0f} s ({why}); run again when it is back"
            raise ProviderOutage(text) from _shown(error)
        if self._since is None:
            self._since = self._first
            self._talk.emit("outage", f"the provider is out of order: {why}; the campaign waits")
        self._talk.pulse.outage(lasted, why)
        return min(self._backoff(self.failures), max(0.05, self._patience.outage_s - lasted))

    def over(self) -> None:
        """Learn that an attempt succeeded."""
        if self._since is not None:
            self._talk.emit("back", f"the provider is back after {time.monotonic() - self._since:.0f} s")
            self._talk.pulse.outage(None, "")

    def _backoff(self, n: int) -> float:
        """Doubling with jitter, so that conversations do not come back all at once."""
        return min(self._patience.longest_s, self._patience.first_s * 2.0 ** (n - 1)) * (0.75 + random.random() / 2)


def _cache_of(settings: ModelSettings | None) -> Cache:
    """Return how long the prompts of these settings are cached."""
    told = (settings or {}).get("cache")
    return "1h" if told == "1h" else "5m" if told else "off"


def _shown(error: Exception) -> Exception | None:
    """Return what may stand in a traceback as the cause: an answer of the provider may quote our key."""
    return None if isinstance(getattr(error, "status_code", None), int) else error


def _whole(response: m.ModelResponse) -> m.ModelResponse:
    """Refuse what only looks like an answer."""
    if response.finish_reason is None:
        raise Truncated("the stream ended before its terminal event")
    if response.finish_reason == "content_filter":
        said = response.text or (response.provider_details or {}).get("refusal") or "it gives no reason"
        raise Refused(f"the provider's filter refused: {said[:300]}")
    return response
