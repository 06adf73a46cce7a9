"""The table of faults: what a provider does wrong, and what a conversation makes of it, on three wires through the real SDKs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from alphalab_nb.errors import AlphaLabError, ProviderOutage, ProviderRefused
from alphalab_nb.llm.patience import ContextOverflow, Patience
from tests.provider import faults
from tests.provider.faults import Fault, Schedule, first, rate_limit
from tests.provider.protocol import WIRES, Wire
from tests.provider.server import Provider
from tests.provider.talk import SWIFT, Desk, adder, keys


@dataclass(frozen=True)
class Row:
    """One row of the table."""

    name: str
    faults: Schedule
    sent: int = 4
    """Requests that the server sees; without a fault they are three."""
    kept: int = 3
    """Responses that the conversation keeps and pays for."""
    events: tuple[str, ...] = ()
    """What people are told."""
    error: type[AlphaLabError] | None = None
    says: str = ""
    """Pattern of the error's text."""
    patience: Patience = SWIFT
    unknown_usage: int = 0


ALWAYS_500 = Schedule(otherwise=faults.SERVER_ERROR)
RETRIED: dict[str, Any] = {"events": ("retry",)}
ASKED_AGAIN: dict[str, Any] = {"kept": 4}
TABLE = [
    Row("429 twice", first(2, rate_limit(0.1)), sent=5, events=("rate_limit",) * 2),
    Row("429 six times", first(6, rate_limit(0.1)), sent=9, events=("rate_limit",) * 6),
    Row("429 without retry-after", first(2, rate_limit(None)), sent=5, events=("rate_limit",) * 2),
    Row("429 that asks for no wait", first(2, rate_limit(0)), sent=5, events=("rate_limit",) * 2),
    Row("429 with the date of its end", first(1, Fault("http", status=429, headers={"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"})),
        events=("rate_limit",)),
    Row("429 for longer than is borne", first(99, rate_limit(0.2)), sent=3, kept=0, events=("rate_limit",) * 2, error=ProviderOutage,
        says="429", patience=replace(SWIFT, rate_limit_s=0.5)),
    Row("429 with a retry-after that is not borne", first(1, rate_limit(90)), sent=1, kept=0, error=ProviderOutage, says="429",
        patience=replace(SWIFT, rate_limit_s=60)),
    Row("500 twice", first(2, faults.SERVER_ERROR), sent=5, events=("retry",) * 2),
    Row("529 twice", first(2, faults.OVERLOADED), sent=5, events=("retry",) * 2),
    Row("502 as HTML twice", first(2, faults.BAD_GATEWAY), sent=5, events=("retry",) * 2),
    Row("500 always", ALWAYS_500, sent=6, kept=0, events=("retry",) * 5, error=ProviderOutage, says="500.*run again when it is back"),
    Row("headers late, in time", first(1, Fault("late", seconds=0.6)), sent=3),
    Row("headers too late", first(1, faults.LATE), patience=replace(SWIFT, first_event_s=0.4), **RETRIED),
    Row("stall", first(1, faults.STALL), patience=replace(SWIFT, silence_s=0.4), **RETRIED),
    Row("cut in text", first(1, faults.CUT), **RETRIED),
    Row("cut in a call", first(1, faults.CUT_IN_CALL), **RETRIED),
    Row("error event", first(1, faults.ERROR_EVENT), **RETRIED),
    Row("clean early end in text", first(1, faults.EARLY_END), **RETRIED),
    Row("clean early end in a call", first(1, faults.EARLY_END_IN_CALL), **RETRIED),
    Row("refusal", first(1, faults.REFUSAL), sent=1, kept=0, error=ProviderRefused, says="can't help with that"),
    Row("length, text only", first(1, faults.LENGTH), **ASKED_AGAIN),
    Row("length in a call", first(1, faults.LENGTH_IN_CALL), **ASKED_AGAIN),
    Row("malformed arguments", first(1, faults.MALFORMED), **ASKED_AGAIN),
    Row("malformed arguments twice", first(2, faults.MALFORMED), sent=5, kept=5),
    Row("wrong types", first(1, faults.WRONG_TYPES), **ASKED_AGAIN),
    Row("wrong types twice", first(2, faults.WRONG_TYPES), sent=5, kept=5),
    Row("unknown tool", first(1, faults.UNKNOWN_TOOL), **ASKED_AGAIN),
    Row("unknown tool twice", first(2, faults.UNKNOWN_TOOL), sent=5, kept=5),
    Row("empty answer", first(1, faults.EMPTY), **ASKED_AGAIN),
    Row("usage missing", first(1, faults.NO_USAGE), sent=3, unknown_usage=1),
    Row("context overflow", first(1, faults.OVERFLOW), sent=1, kept=0, error=ContextOverflow, says="context|too long"),
    Row("bad key", first(1, faults.BAD_KEY), sent=1, kept=0, error=ProviderRefused, says="refuses the key"),
]


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("row", TABLE, ids=[row.name for row in TABLE])
def test_a_fault_ends_as_the_table_says(row: Row, wire: Wire, tmp_path: Path):
    with Provider(adder, faults=row.faults) as provider, keys(provider):
        desk = Desk(tmp_path, provider.openai_url)
        seat = desk.talk(wire, patience=row.patience)
        if row.error is None:
            assert seat.run() == "The sum is 7."
        else:
            with pytest.raises(row.error, match=row.says):
                seat.run()
    assert provider.log.refused == []
    assert len(provider.log.requests) == row.sent
    assert desk.kinds == list(row.events)
    assert seat.added == ([] if row.error else [(1, 2), (3, 4)])
    assert responses_and_charges(desk) == (row.kept, row.kept)
    assert sum(line["usage_missing"] for line in desk.ledger.by("role")) == row.unknown_usage


def responses_and_charges(desk: Desk) -> tuple[int, int]:
    """Return how many responses are on record and how many the ledger counts."""
    return desk.conversation().requests, sum(line["calls"] for line in desk.ledger.by("role"))
