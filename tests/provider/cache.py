"""A simulated prefix cache, as the providers document theirs. Entries never expire: time to live is not simulated.

Tokens are bytes / 4 of the canonical prompt text.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from tests.provider.protocol import Wire
from tests.provider.wire import Block

MINIMUM = 1024
"""Tokens of the shortest prefix that is cached."""
STEP = 128
"""Tokens; OpenAI counts cached tokens in these steps."""
LOOKBACK = 20
"""Blocks that Anthropic looks back from a breakpoint for what was written earlier."""
_BYTES_PER_TOKEN = 4


class Hit(NamedTuple):
    """Tokens of one prompt; `cached` and `written` are parts of `input`."""

    input: int
    cached: int = 0
    written: int = 0


class PrefixCache:
    """Remembers prefixes of prompts, apart for each scope (model and, at OpenAI, prompt_cache_key)."""

    def __init__(self, *, on: bool = True) -> None:
        self._on = on
        self._known: set[tuple[str, bytes]] = set()
        self._lock = threading.Lock()

    def pass_through(self, wire: Wire, scope: str, blocks: Sequence[Block]) -> Hit:
        """Count a prompt, and keep what a provider would keep of it."""
        if not self._on:
            return Hit(count(blocks))
        scope = f"{wire} {scope}"
        with self._lock:
            return self._marked(scope, blocks) if wire == "messages" else self._automatic(scope, blocks)

    def _automatic(self, scope: str, blocks: Sequence[Block]) -> Hit:
        """OpenAI: the longest common prefix with any earlier prompt, in steps."""
        text = "".join(block.text for block in blocks).encode()
        size, digest, cached, reading = STEP * _BYTES_PER_TOKEN, hashlib.sha256(), 0, True
        for end in range(size, len(text) + 1, size):
            digest.update(text[end - size : end])
            entry = (scope, digest.digest())
            reading = reading and entry in self._known
            cached = end // _BYTES_PER_TOKEN if reading else cached
            self._known.add(entry)
        return Hit(len(text) // _BYTES_PER_TOKEN, cached if cached >= MINIMUM else 0)

    def _marked(self, scope: str, blocks: Sequence[Block]) -> Hit:
        """Anthropic: what stands before a breakpoint is written; a later prompt reads it at the same place."""
        prefixes, sizes = _digests(scope, blocks), _sizes(blocks)
        marks = [n for n, block in enumerate(blocks) if block.breakpoint and sizes[n] >= MINIMUM]
        seen = [n for mark in marks for n in range(max(0, mark - LOOKBACK + 1), mark + 1) if prefixes[n] in self._known]
        cached = sizes[max(seen)] if seen else 0
        written = max(0, sizes[marks[-1]] - cached) if marks else 0
        self._known.update(prefixes[n] for n in marks)
        return Hit(sizes[-1] if sizes else 0, cached, written)


def count(blocks: Sequence[Block]) -> int:
    return sum(len(block.text.encode()) for block in blocks) // _BYTES_PER_TOKEN


def _sizes(blocks: Sequence[Block]) -> list[int]:
    """Return the tokens up to the end of each block."""
    return [total // _BYTES_PER_TOKEN for total in accumulate(len(block.text.encode()) for block in blocks)]


def _digests(scope: str, blocks: Sequence[Block]) -> list[tuple[str, bytes]]:
    """Return what names the prefix up to the end of each block."""
    digest, names = hashlib.sha256(), []
    for block in blocks:
        digest.update(block.text.encode())
        names.append((scope, digest.digest()))
    return names
