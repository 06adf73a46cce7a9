"""One campaign for all tests; whoever damages it takes a copy."""

from __future__ import annotations

from pathlib import Path

import pytest

from alphalab_nb.campaign import Campaign
from tests.verify.campaigns import copied, made


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    return made(tmp_path_factory.mktemp("sound"))


@pytest.fixture
def campaign(sound: Campaign, tmp_path: Path) -> Campaign:
    return copied(sound, tmp_path)
