"""A campaign led by language models survives kills in the middle of turns, and a provider that goes away."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import outage, turns

pytestmark = pytest.mark.slow


def test_a_campaign_killed_in_its_turns_asks_for_no_response_again(tmp_path: Path):
    told = turns.killed(tmp_path, kills=3, seed=7)
    assert len(told.phases) == 3
    assert told.ok, told


def test_an_outage_pauses_visibly_burns_nothing_and_ends_with_exit_code_3_when_it_lasts(tmp_path: Path):
    told = outage.outage(tmp_path, max_outage_s=20)
    assert told.ok, told
    assert told.said_s < 60
    assert told.ended_s < 20 + 60
