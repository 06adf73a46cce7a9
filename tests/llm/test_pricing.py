"""What a response costs: the campaign's own price, else the list's, else not known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic_ai.messages import ModelResponse, TextPart
from pydantic_ai.usage import RequestUsage

from alphalab_nb.config import Price
from alphalab_nb.llm.pricing import Cache, PriceList
from tests.provider.protocol import WIRES, Usage, Wire
from tests.provider.server import Provider
from tests.provider.talk import MINDS, Desk, adder, keys

USAGE = RequestUsage(input_tokens=1_000_000, cache_read_tokens=600_000, cache_write_tokens=100_000, output_tokens=10_000)


def response(provider: str, model: str, usage: RequestUsage = USAGE) -> ModelResponse:
    return ModelResponse(parts=[TextPart("x")], usage=usage, model_name=model, provider_name=provider)


@pytest.mark.parametrize(("provider", "model", "usage", "expected"), [
    # list prices in dollars per million: gpt-5.2 1.75 / 0.175 cached / 14 out; opus 4.6 5 / 0.50 read / 6.25 written / 25 out
    ("openai", "gpt-5.2", RequestUsage(input_tokens=1_000_000, cache_read_tokens=600_000, output_tokens=10_000), 0.7 + 0.105 + 0.14),
    ("anthropic", "claude-opus-4-6", RequestUsage(input_tokens=100_000, cache_read_tokens=60_000, cache_write_tokens=10_000,
                                                  output_tokens=1_000), 0.15 + 0.03 + 0.0625 + 0.025),
])
def test_a_known_price_is_that_of_the_list(provider: str, model: str, usage: RequestUsage, expected: float):
    assert PriceList(model, provider, {}).of(response(provider, model, usage)) == pytest.approx(expected)


@pytest.mark.parametrize(("price", "expected"), [
    (Price(input=2, output=10), 2 + 0.1),
    (Price(input=2, cached=0.2, output=10), 0.8 + 0.12 + 0.1),
    (Price(input=2, cached=0.2, written=2.5, output=10), 0.6 + 0.12 + 0.25 + 0.1),
    (Price(input=0, output=0), 0.0),
])
def test_the_campaigns_own_price_wins(price: Price, expected: float):
    assert PriceList("gpt-5.2", "openai", {"gpt-5.2": price}).of(response("openai", "gpt-5.2")) == pytest.approx(expected)


def test_an_unknown_price_is_none_and_not_nothing():
    prices = PriceList("local-model", "local", {})
    assert prices.of(response("openai", "local-model")) is None
    assert prices.estimate(input_tokens=1, output_tokens=1) is None
    assert prices.context_tokens() is None


def test_the_context_window_is_that_of_the_list():
    assert PriceList("gpt-5.2", "openai", {}).context_tokens() == 400_000


def used(**cache: int) -> RequestUsage:
    return RequestUsage(input_tokens=100_000, output_tokens=1_000, **cache)


@pytest.mark.parametrize(("cache", "usage"), [
    ("off", used()), ("5m", used(cache_read_tokens=100_000)), ("5m", used(cache_write_tokens=100_000)),
    ("1h", used(cache_write_tokens=100_000, cache_write_1h_tokens=100_000)),
], ids=["fresh", "read", "written", "written for an hour"])
@pytest.mark.parametrize(("provider", "model"), [("openai", "gpt-5.2"), ("anthropic", "claude-opus-4-6"), ("local", "mine")])
def test_no_response_costs_more_than_its_estimate(provider: str, model: str, cache: Cache, usage: RequestUsage):
    """A reservation that were too small would let the budget be overdrawn."""
    prices = PriceList(model, provider, {"mine": Price(input=2, cached=0.2, written=4, output=10)}, cache)
    cost, most = prices.of(response(provider, model, usage)), prices.estimate(input_tokens=100_000, output_tokens=1_000)
    assert cost is not None
    assert most is not None
    assert cost <= most + 1e-9


PRICES: dict[Wire, dict[str, Any]] = {"responses": {}, "messages": {}, "chat": {"local-model": {"input": 1, "cached": 0.5, "output": 2}}}
EXPECTED: dict[Wire, float] = {
    "responses": (400 * 1.75 + 600 * 0.175 + 100 * 14) / 1e6, "messages": (300 * 5 + 600 * 0.5 + 100 * 6.25 + 100 * 25) / 1e6,
    "chat": (400 * 1 + 600 * 0.5 + 100 * 2) / 1e6,
}


@pytest.mark.parametrize("wire", WIRES)
def test_the_ledger_holds_what_the_wire_said(wire: Wire, tmp_path: Path):
    written = 100 if wire == "messages" else 0

    def brain(request: Any) -> Any:
        reply = adder(request)
        return type(reply)(reply.text, reply.calls, reply.reasoning, usage=Usage(1000, 100, cached=600, written=written))

    with Provider(brain) as provider, keys(provider):
        desk = Desk(tmp_path, provider.openai_url, prices=PRICES[wire])
        desk.talk(wire).run()
    (row,) = desk.ledger.by("model", "base_url")
    assert row["model"] == MINDS[wire].model
    assert row["base_url"].startswith(provider.url)
    assert (row["fresh_tokens"], row["cached_tokens"], row["cache_write_tokens"], row["output_tokens"]) == (
        3 * (400 - written), 1800, 3 * written, 300)
    assert row["usd"] == pytest.approx(3 * EXPECTED[wire])
    assert row["unpriced"] == 0


def test_a_response_without_a_price_is_counted_as_such(tmp_path: Path):
    with Provider(adder) as provider, keys(provider):
        desk = Desk(tmp_path, provider.openai_url)
        desk.talk("chat").run()
    (row,) = desk.ledger.by("model")
    assert (row["calls"], row["unpriced"], row["usd"]) == (3, 3, 0)
