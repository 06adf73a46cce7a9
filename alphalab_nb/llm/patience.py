"""How long to go on trying: rate limits, failures in a row, outages; and what the campaign wants meanwhile. Knows nothing of messages."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from alphalab_nb.errors import AlphaLabError, ProviderOutage, ProviderRefused, RequestRefused
from alphalab_nb.llm.faults import Fault, fault_of, retry_after_s
from alphalab_nb.llm.redact import redact

Emit = Callable[[str, str], None]
"""Told (kind, text) of what happens: retry, rate_limit, outage, back."""


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


class Trouble:
    """Failed attempts of one request: how long to wait for the next, and when to give up."""

    def __init__(self, patience: Patience, pulse: Pulse, emit: Emit) -> None:
        self._patience, self._pulse, self._emit = patience, pulse, emit
        self.failures = 0
        self._hurdles = 0
        """Failures that were no rate limit."""
        self._limited_s = 0.0
        self._since: float | None = None
        """When the outage began."""
        self._first = 0.0
        """When the first attempt failed; a pause before it is no outage."""

    def delay(self, error: Exception) -> float:
        """Return the seconds to wait after a failure.

        Raises:
            ProviderRefused, RequestRefused, ContextOverflow, ProviderOutage: asking again would not help, or not soon enough. They
                come without their cause: what a provider or its library says may quote our key.
        """
        fault, why = fault_of(error), redact(f"{type(error).__name__}: {error}")[:500]
        self.failures += 1
        self._first = self._first or time.monotonic()
        if isinstance(error, AlphaLabError):
            raise error
        if fault is Fault.OVERFLOW:
            raise ContextOverflow(why) from None
        if fault is Fault.KEY:
            raise ProviderRefused(f"the provider refuses the key: {why}") from None
        if fault is Fault.MODEL:
            raise ProviderRefused(f"the provider does not know the model: {why}") from None
        if fault is Fault.FATAL:
            raise RequestRefused(f"the provider refuses the request: {why}") from None
        return self._after_limit(error, why) if fault is Fault.RATE else self._after_failure(error, why)

    def _after_limit(self, error: Exception, why: str) -> float:
        told = retry_after_s(error)
        wait = told if told else self._backoff(self.failures)
        self._limited_s += wait
        if self._limited_s > self._patience.rate_limit_s:
            return self._outage(error, why)
        self._emit("rate_limit", f"rate limited; waiting {wait:.1f} s (attempt {self.failures})")
        return wait

    def _after_failure(self, error: Exception, why: str) -> float:
        self._hurdles += 1
        if self._hurdles >= self._patience.tries:
            return self._outage(error, why)
        wait = self._backoff(self._hurdles)
        self._emit("retry", f"{why}; trying again in {wait:.1f} s (attempt {self._hurdles + 1})")
        return wait

    def _outage(self, error: Exception, why: str) -> float:
        lasted = time.monotonic() - self._first
        if lasted >= self._patience.outage_s:
            text = f"the provider has been out of order for {lasted:.0f} s ({why}); run again when it is back"
            raise ProviderOutage(text) from None
        if self._since is None:
            self._since = self._first
            self._emit("outage", f"the provider is out of order: {why}; the campaign waits")
        self._pulse.outage(lasted, why)
        return min(self._backoff(self.failures), max(0.05, self._patience.outage_s - lasted))

    def over(self) -> None:
        """Learn that an attempt succeeded; an outage may also have been that of another conversation, or of an earlier process."""
        if self._since is not None:
            self._emit("back", f"the provider is back after {time.monotonic() - self._since:.0f} s")
        self._pulse.outage(None, "")

    def _backoff(self, n: int) -> float:
        """Doubling with jitter, so that conversations do not come back all at once."""
        return min(self._patience.longest_s, self._patience.first_s * 2.0 ** min(n - 1, 16)) * (0.75 + random.random() / 2)
