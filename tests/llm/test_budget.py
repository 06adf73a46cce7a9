"""Hard budgets: what a request may cost is reserved before it is sent, also by conversations at the same time."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alphalab_nb.config import LimitsConfig
from alphalab_nb.errors import BudgetEnded
from alphalab_nb.llm.budget import LEAST_OUTPUT, Budget
from alphalab_nb.llm.pricing import PriceList
from alphalab_nb.llm.providers import Mind
from alphalab_nb.storage.database import Database
from alphalab_nb.storage.ledger import Ledger
from tests.provider.cache import count
from tests.provider.handler import CODECS
from tests.provider.protocol import WIRES, Call, Reply, Request, Usage, Wire
from tests.provider.server import Provider
from tests.provider.talk import Desk, adder, keys

GPT = PriceList("gpt-5.2", "openai", {})
"""Dollars per million tokens: 1.75 in, 14 out."""
LENGTH: dict[Wire, str] = {"responses": "max_output_tokens", "messages": "max_tokens", "chat": "max_completion_tokens"}
OWN: dict[str, Any] = {"local-model": {"input": 2, "output": 10}}


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(Database.create(tmp_path / "board.sqlite3"))


def test_without_limits_everything_is_allowed(ledger: Ledger):
    with Budget(ledger, LimitsConfig()).reserve(GPT, input_tokens=10**6, max_tokens=32_000) as allowed:
        assert allowed == 32_000


def test_the_answer_shrinks_to_what_is_left(ledger: Ledger):
    budget = Budget(ledger, LimitsConfig(usd=0.07 + 0.00175))
    with budget.reserve(GPT, input_tokens=1000, max_tokens=32_000) as allowed:
        assert allowed == pytest.approx(5000, abs=1)
    with budget.reserve(GPT, input_tokens=1000, max_tokens=32_000) as allowed:
        assert allowed == pytest.approx(5000, abs=1)


def test_what_others_hold_is_waited_for_and_what_is_spent_is_not(ledger: Ledger):
    """A reservation is much larger than most answers: to end the campaign for it would leave most of the budget unused."""
    budget = Budget(ledger, LimitsConfig(usd=0.1))
    with budget.reserve(GPT, input_tokens=1000, max_tokens=32_000):
        with budget.reserve(GPT, input_tokens=1000, max_tokens=32_000) as allowed:
            assert allowed == 0
        ledger.add(phase="build", role="critic", provider="openai", model="gpt-5.2", input_tokens=1000, output_tokens=500, usd=0.09)
        with pytest.raises(BudgetEnded):
            budget.reserve(GPT, input_tokens=1000, max_tokens=32_000).__enter__()


def test_what_was_spent_counts_and_the_limit_is_named(ledger: Ledger):
    ledger.add(phase="build", role="critic", provider="openai", model="gpt-5.2", input_tokens=9000, output_tokens=500, usd=1.0)
    with pytest.raises(BudgetEnded, match=r"1\.00 of 1\.01 dollars.*raise limits\.usd"):
        Budget(ledger, LimitsConfig(usd=1.01)).reserve(GPT, input_tokens=1000, max_tokens=32_000).__enter__()
    with pytest.raises(BudgetEnded, match=r"10000 tokens.*limits\.tokens"):
        Budget(ledger, LimitsConfig(tokens=10_000)).reserve(GPT, input_tokens=100, max_tokens=32_000).__enter__()


@pytest.mark.parametrize("limits", [{"usd": 0.5}, {"tokens": 40_000}], ids=["dollars", "tokens"])
def test_reservations_of_parallel_threads_never_overdraw(limits: dict[str, Any], ledger: Ledger):
    """Every thread uses all that it may; those that get nothing are refused."""
    budget, start, ended = Budget(ledger, LimitsConfig(**limits)), threading.Barrier(12), []

    def spend(_: int) -> None:
        start.wait(5)
        try:
            while True:
                with budget.reserve(GPT, input_tokens=900, max_tokens=4000) as allowed:
                    if not allowed:
                        continue
                    assert allowed >= LEAST_OUTPUT
                    usd = GPT.estimate(input_tokens=900, output_tokens=allowed)
                    ledger.add(phase="p", role="r", provider="openai", model="m", input_tokens=900, output_tokens=allowed, usd=usd)
        except BudgetEnded:
            ended.append(True)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(spend, range(12)))
    total = ledger.total()
    assert len(ended) == 12
    assert total.usd <= limits.get("usd", 10**9)
    assert total.input_tokens + total.output_tokens <= limits.get("tokens", 10**9)
    assert total.usd > 0.2


# -- on the wire -----------------------------------------------------------------------------------------


def greedy(wire: Wire) -> Callable[[Request], Reply]:
    """Play a model that never reports and uses every token that it was allowed; the worst for a cache, all of the prompt is written."""
    def brain(request: Request) -> Reply:
        body = json.loads(request.body)
        tokens = count(next(codec for codec in CODECS.values() if wire == codec.WIRE).blocks(body))
        usage = Usage(tokens, body[LENGTH[wire]], written=tokens if wire == "messages" else 0)
        return Reply("On and on.", (Call("add", {"a": len(request.turns), "b": 2}),), usage=usage)

    return brain


@pytest.mark.parametrize("cache", ["5m", "1h"])
@pytest.mark.parametrize("limits", [{"usd": 0.3}, {"tokens": 60_000}], ids=["dollars", "tokens"])
@pytest.mark.parametrize("wire", WIRES)
def test_parallel_conversations_end_before_the_limit_is_passed(wire: Wire, limits: dict[str, Any], cache: str, tmp_path: Path):
    def converse(n: int) -> str:
        with pytest.raises(BudgetEnded):
            desk.talk(wire, f"test/{n}").run()
        return "ended"

    with Provider(greedy(wire)) as provider, keys(provider):
        desk = Desk(tmp_path, provider.openai_url, limits=limits, prices=OWN, max_tokens=4000, cache=cache)
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(converse, range(4))) == ["ended"] * 4
    total, lengths = desk.ledger.total(), [json.loads(request.body)[LENGTH[wire]] for request in provider.log.requests]
    assert 0.4 * limits.get("usd", 0) < total.usd <= limits.get("usd", 10**9)
    assert total.input_tokens + total.output_tokens <= limits.get("tokens", 10**9)
    assert sum(row["calls"] for row in desk.ledger.by("role")) == len(provider.log.requests)
    assert min(lengths) >= LEAST_OUTPUT


def test_the_tools_are_part_of_what_is_reserved(tmp_path: Path):
    def long() -> str:
        return "unused"

    long.__doc__ = "Read on. " * 2000
    with Provider(greedy("chat")) as provider, keys(provider):
        desk = Desk(tmp_path, provider.openai_url, limits={"tokens": 8000}, max_tokens=4000)
        with pytest.raises(BudgetEnded):
            desk.talk("chat").with_(tools=[long]).run()
    total = desk.ledger.total()
    assert total.input_tokens + total.output_tokens <= 8000


@pytest.mark.parametrize("wire", WIRES)
def test_a_budget_that_is_spent_sends_nothing(wire: Wire, tmp_path: Path):
    with Provider(adder) as provider, keys(provider):
        desk = Desk(tmp_path, provider.openai_url, limits={"usd": 0.001}, prices=OWN)
        with pytest.raises(BudgetEnded) as caught:
            desk.talk(wire).run()
        assert provider.log.requests == []
        assert caught.value.exit_code == 4
        desk.budget = replace(desk.budget, limits=LimitsConfig(usd=1.0))
        assert desk.talk(wire).run() == "The sum is 7."


def test_a_shrunken_answer_leaves_out_thinking_that_would_not_fit(tmp_path: Path):
    """Models without adaptive thinking have a share for it, which has to be smaller than the answer."""
    model = Mind("anthropic", "claude-haiku-4-5")
    with Provider(greedy("messages"), models=[model.model]) as provider, keys(provider):
        desk = Desk(tmp_path, limits={"tokens": 15_000}, max_tokens=6000, effort="low")
        with pytest.raises(BudgetEnded):
            desk.talk("messages", mind=model).run()
    bodies = [json.loads(request.body) for request in provider.log.requests]
    assert bodies[0]["thinking"] == {"type": "enabled", "budget_tokens": 2048}
    assert "thinking" not in bodies[-1]
    assert provider.log.refused == []
