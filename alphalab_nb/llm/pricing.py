"""Dollars of a response: what campaign.yaml says, else the offline price list of genai-prices, else not known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import genai_prices
from pydantic_ai.messages import ModelResponse
from pydantic_ai.usage import RequestUsage

from alphalab_nb.config import Price

_MILLION = 1_000_000
_FREE: dict[str, float | None] = {"replay": 0.0, "local": None}
"""Providers without list prices: a replay costs nothing, and what a server of one's own costs only campaign.yaml can say."""
Cache = Literal["off", "5m", "1h"]


@dataclass(frozen=True)
class PriceList:
    """Prices of one model."""

    model: str
    provider: str
    own: Mapping[str, Price]
    """From campaign.yaml, by model name."""
    cache: Cache = "5m"
    """How long prompts are cached; to write them may cost more than to send them."""

    def of(self, response: ModelResponse) -> float | None:
        """Return the dollars of a response; None if no price is known."""
        if self.model in self.own:
            return _own(self.own[self.model], response.usage)
        if self.provider in _FREE:
            return _FREE[self.provider]
        try:
            return float(response.cost().total_price)
        except (LookupError, ValueError, AssertionError):
            return None

    def estimate(self, *, input_tokens: int, output_tokens: int) -> float | None:
        """Return the most that a response of this size may cost: nothing read from a cache, all of it written to one."""
        usages = self._worst(input_tokens, output_tokens)
        if self.model in self.own:
            return max(_own(self.own[self.model], usage) for usage in usages)
        if self.provider in _FREE:
            return _FREE[self.provider]
        try:
            return max(float(genai_prices.calc_price(usage, self.model, provider_id=self._listed).total_price) for usage in usages)
        except (LookupError, ValueError):
            return None

    def _worst(self, tokens: int, output: int) -> list[RequestUsage]:
        """Return what may be written to the cache: nothing, or all."""
        nothing = RequestUsage(input_tokens=tokens, output_tokens=output)
        for_an_hour = tokens if self.cache == "1h" else 0
        everything = replace(nothing, cache_write_tokens=tokens, cache_write_1h_tokens=for_an_hour)
        return [nothing] if self.cache == "off" else [nothing, everything]

    def context_tokens(self) -> int | None:
        """Return the size of the model's context window as far as the price list knows it."""
        try:
            known = genai_prices.calc_price(RequestUsage(input_tokens=1), self.model, provider_id=self._listed)
        except (LookupError, ValueError):
            return None
        return known.model.context_window

    @property
    def _listed(self) -> str | None:
        return {"bedrock": "aws"}.get(self.provider, self.provider) if self.provider != "local" else None


def _own(price: Price, usage: RequestUsage) -> float:
    cached, written = usage.cache_read_tokens, usage.cache_write_tokens
    fresh = usage.input_tokens - cached - written
    per_cached = price.input if price.cached is None else price.cached
    per_written = price.input if price.written is None else price.written
    return (fresh * price.input + cached * per_cached + written * per_written + usage.output_tokens * price.output) / _MILLION
