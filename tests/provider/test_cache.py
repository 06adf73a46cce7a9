"""The simulated prefix cache counts what the providers document that theirs count."""

from __future__ import annotations

import pytest

from tests.provider.cache import Hit, PrefixCache
from tests.provider.protocol import Wire
from tests.provider.wire import Block

K = "x" * 4096
"""1024 tokens."""


def marked(*texts: str) -> list[Block]:
    """Return blocks, with a breakpoint on the last."""
    return [Block(text, breakpoint=n == len(texts)) for n, text in enumerate(texts, start=1)]


def plain(*texts: str) -> list[Block]:
    return [Block(text) for text in texts]


AUTOMATIC: list[Wire] = ["responses", "chat"]


@pytest.mark.parametrize("wire", AUTOMATIC)
def test_openai_reads_the_longest_common_prefix_in_steps_of_128_tokens(wire: Wire):
    cache = PrefixCache()
    assert cache.pass_through(wire, "m", plain(K, "a" * 800)) == Hit(1224)
    assert cache.pass_through(wire, "m", plain(K, "a" * 800, "more")) == Hit(1225, cached=1152)
    assert cache.pass_through(wire, "m", plain(K, "a" * 500, "b" * 500)) == Hit(1274, cached=1024)
    assert cache.pass_through(wire, "m", plain("y" + K)).cached == 0


def test_openai_reads_nothing_below_1024_tokens():
    cache = PrefixCache()
    for _ in range(2):
        assert cache.pass_through("responses", "m", plain("x" * 4090)) == Hit(1022)


def test_another_scope_shares_nothing():
    cache = PrefixCache()
    for scope in ("gpt a", "gpt b", "sol a"):
        assert cache.pass_through("responses", scope, plain(K)).cached == 0
        assert cache.pass_through("messages", scope, marked(K)).cached == 0


def test_anthropic_writes_only_what_stands_before_a_breakpoint():
    cache = PrefixCache()
    assert cache.pass_through("messages", "m", [*marked(K), Block("t" * 400)]) == Hit(1124, written=1024)
    assert cache.pass_through("messages", "m", [*marked(K), Block("t" * 400)]) == Hit(1124, cached=1024)
    assert PrefixCache().pass_through("messages", "m", plain(K, K)) == Hit(2048)


def test_anthropic_reads_up_to_an_earlier_breakpoint_and_writes_the_rest():
    cache = PrefixCache()
    cache.pass_through("messages", "m", marked(K, "a" * 40))
    assert cache.pass_through("messages", "m", marked(K, "a" * 40, "b" * 40, "c" * 40)) == Hit(1054, cached=1034, written=20)
    assert cache.pass_through("messages", "m", marked(K, "a" * 44)) == Hit(1035, written=1035)


def test_anthropic_reads_nothing_where_no_breakpoint_was():
    cache = PrefixCache()
    cache.pass_through("messages", "m", marked(K, "a" * 40))
    assert cache.pass_through("messages", "m", marked(K)) == Hit(1024, written=1024)


def test_anthropic_looks_back_20_blocks():
    cache = PrefixCache()
    cache.pass_through("messages", "m", marked(K))
    assert cache.pass_through("messages", "m", marked(K, *["b" * 4] * 19)).cached == 1024
    cache = PrefixCache()
    cache.pass_through("messages", "m", marked(K))
    assert cache.pass_through("messages", "m", marked(K, *["b" * 4] * 20)).cached == 0


def test_anthropic_keeps_nothing_below_1024_tokens():
    cache = PrefixCache()
    for _ in range(2):
        assert cache.pass_through("messages", "m", marked("x" * 4092)) == Hit(1023)


@pytest.mark.parametrize("wire", ["responses", "messages", "chat"])
def test_a_cache_that_is_off_only_counts(wire: Wire):
    cache = PrefixCache(on=False)
    for _ in range(2):
        assert cache.pass_through(wire, "m", marked(K, K)) == Hit(2048)
