"""A campaign that language models lead from phase 0 to the sealed test, on each wire: what it leaves, and what it cost."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import genai_prices
import pytest
from pydantic_ai.usage import RequestUsage

from alphalab_nb.storage.experiment import State
from alphalab_nb.workspace import PHASES
from tests.live.campaigns import INJECTED, KEY, LOCAL_PRICE, MODELS, NOTES, REASON, SPARE, VETOED, Lived, lived
from tests.provider.brain.audit import role_of, section
from tests.provider.brain.staff import INSTRUCTION
from tests.provider.protocol import WIRES, Request, Usage

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=WIRES)
def ended(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    with lived(request.param, tmp_path_factory.mktemp(request.param)) as campaign:
        yield campaign


def test_it_ends_normally(ended: Lived):
    status = ended.campaign.status()
    assert (status["phase"], status["stop_reason"], status["outage"]) == ("done", "experiments", None)
    assert status["sealed"]["reads"] == 1
    assert ended.provider.log.failures == []
    assert ended.provider.log.refused == []
