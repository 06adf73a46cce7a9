"""A campaign under a provider that fails again and again, in every way that passes: it ends as one without faults does."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path

import pytest

from tests.live.campaigns import lived
from tests.provider import faults
from tests.provider.faults import Schedule

pytestmark = pytest.mark.slow

PASSING = (
    faults.rate_limit(0.2), faults.SERVER_ERROR, faults.OVERLOADED, faults.BAD_GATEWAY, faults.STALL, faults.CUT, faults.CUT_IN_CALL,
    faults.ERROR_EVENT, faults.EARLY_END, faults.EARLY_END_IN_CALL, faults.LENGTH, faults.LENGTH_IN_CALL, faults.MALFORMED,
    faults.WRONG_TYPES, faults.UNKNOWN_TOOL, faults.EMPTY,
)
EVERY = 6
"""Requests from one fault to the next."""


def test_a_campaign_outlives_every_passing_fault(tmp_path: Path):
    schedule = Schedule(dict(zip(range(5, 1000, EVERY), cycle(PASSING), strict=False)))
    with lived("messages", tmp_path, faults=schedule, provider={"silence_s": 1.0}) as ended:
        struck = [schedule.at(request.number) for request in ended.provider.log.requests]
        assert all(fault in struck for fault in PASSING)
        assert ended.provider.log.failures == []
        assert ended.provider.log.refused == []
        assert ended.campaign.status()["stop_reason"] == "max_experiments"
        outcomes = [e.outcome for e in ended.campaign.board.list()]
        assert (outcomes.count("ok"), outcomes.count("vetoed")) == (8, 1)
        told = sum(row["input_tokens"] for row in ended.campaign.parts.ledger.by("model"))
        assert told == sum(usage.input for _, usage in ended.billed), "what was cut off is not billed twice"
