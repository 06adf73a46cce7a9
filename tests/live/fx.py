"""A whole campaign of a new domain: the scripted model writes the adapter of exchange rates over HTTP, and trades the real ones."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from alphalab_nb.campaign import Campaign
from tests.datasets import shared_data
from tests.fx.content import DATA, DATA_BLOCK
from tests.live.campaigns import KEY
from tests.provider.brain.fx import SETTINGS, Trader
from tests.provider.server import Provider

DOMAIN, MODEL = "fx_trading", "openai:gpt-5.2"
PARTITIONS = {"explore": [0, 6070], "search": 605, "confirm": 305, "sealed": 607}
"""Rows; explore is the train part that GluonTS takes of these rates, and 20, 10 and 20 origins of 30 rows lie behind it."""
EXPERIMENTS = 3


def fx_campaign(folder: Path) -> Campaign:
    """Create the campaign; OPENAI_BASE_URL and OPENAI_API_KEY must lead to a provider when it runs."""
    return Campaign.create(
        folder, name="fx", domain=DOMAIN, new_domain=True, llm=MODEL, task=SETTINGS, partitions=PARTITIONS,
        objective="trade eight currencies against the dollar by forecasts 30 business days ahead",
        data={"path": str(shared_data() / DATA), **DATA_BLOCK}, executor={"kind": "local", "slots": 2, "budget_s": 10, "wall_s": 60},
        limits={"max_experiments": EXPERIMENTS, "strategy_every": 2, "milestone_every": 2, "family_share": 1.0, "usd": 20.0},
    )


@dataclass(frozen=True)
class Traded:
    """A campaign that has ended, and what its provider saw of it."""

    campaign: Campaign
    provider: Provider
    seconds: float


@contextmanager
def traded(folder: Path) -> Iterator[Traded]:
    """Create the campaign, run all of its phases against a provider on loopback, and hand out what is left."""
    with Provider(Trader()) as provider, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_BASE_URL", provider.openai_url)
        patch.setenv("OPENAI_API_KEY", KEY)
        started = time.monotonic()
        campaign = fx_campaign(folder)
        campaign.run()
        yield Traded(Campaign.open(campaign.workspace.root), provider, time.monotonic() - started)
