"""Hard budgets of a campaign: what a request may cost is reserved before it is sent, so that parallel requests cannot overdraw."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from alphalab_nb.config import LimitsConfig
from alphalab_nb.errors import BudgetEnded
from alphalab_nb.llm.pricing import PriceList
from alphalab_nb.storage.ledger import Ledger

LEAST_OUTPUT = 1024
"""A request that could not be answered at this length is not worth sending."""


@dataclass(frozen=True)
class _Reserved:
    usd: float = 0.0
    tokens: int = 0


@dataclass
class Budget:
    """Dollars and tokens of one campaign. One per ledger file and process: reservations are in memory."""

    ledger: Ledger
    limits: LimitsConfig
    in_force: Callable[[LimitsConfig], LimitsConfig] = lambda limits: limits
    """Returns what the limits are now: a person may change them in the middle of a conversation."""
    _reserved: _Reserved = field(default_factory=_Reserved)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def reserve(self, prices: PriceList, *, input_tokens: int, max_tokens: int) -> Iterator[int]:
        """Reserve what a request may use, and give back the number of output tokens that it may ask for.

        0 means: nothing is reserved, for others hold what is left; some of it may be free in a moment.

        Raises:
            BudgetEnded: not even a short answer is affordable.
        """
        with self._lock:
            held = self._hold(prices, input_tokens, max_tokens)
        try:
            yield held.tokens - input_tokens if held.tokens else 0
        finally:
            with self._lock:
                self._reserved = _Reserved(self._reserved.usd - held.usd, self._reserved.tokens - held.tokens)

    def _hold(self, prices: PriceList, input_tokens: int, max_tokens: int) -> _Reserved:
        least = min(LEAST_OUTPUT, max_tokens)
        allowed = self._affordable(prices, input_tokens, max_tokens, self._reserved)
        if allowed < least:
            if self._affordable(prices, input_tokens, max_tokens, _Reserved()) < least:
                raise BudgetEnded(self._why())
            return _Reserved()
        usd = prices.estimate(input_tokens=input_tokens, output_tokens=allowed) or 0.0
        self._reserved = _Reserved(self._reserved.usd + usd, self._reserved.tokens + input_tokens + allowed)
        return _Reserved(usd, input_tokens + allowed)

    def _affordable(self, prices: PriceList, input_tokens: int, max_tokens: int, reserved: _Reserved) -> int:
        """Return how long an answer may be, given what others have reserved; below 0 if not even the input can be paid."""
        limits = self.in_force(self.limits)
        if not limits.usd and not limits.tokens:
            return max_tokens
        spent, allowed = self.ledger.total(), max_tokens
        if limits.tokens:
            left = limits.tokens - spent.input_tokens - spent.output_tokens - reserved.tokens
            allowed = min(allowed, left - input_tokens)
        if limits.usd:
            allowed = min(allowed, self._tokens_for(prices, limits.usd - spent.usd - reserved.usd, input_tokens))
        return allowed

    def _why(self) -> str:
        spent, limits = self.ledger.total(), self.in_force(self.limits)
        what = f"{spent.usd:.2f} of {limits.usd:g} dollars" if limits.usd else f"{limits.tokens} tokens"
        return f"the budget for language models is spent ({what}); raise limits.usd or limits.tokens to go on"

    def _tokens_for(self, prices: PriceList, usd: float, input_tokens: int) -> int:
        """Return how many output tokens fit into the dollars that are left after the input."""
        base = prices.estimate(input_tokens=input_tokens, output_tokens=0)
        dearer = prices.estimate(input_tokens=input_tokens, output_tokens=1000)
        if base is None or dearer is None or dearer <= base:
            return 10**9 if base is None or base <= usd else 0
        return int((usd - base) / (dearer - base) * 1000)
