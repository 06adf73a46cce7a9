"""A whole campaign and its report, made once: tests only read them."""

from __future__ import annotations

import pytest

from tests.report import campaigns
from tests.report.campaigns import Told
from tests.report.pages import Page


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return campaigns.sealed(campaigns.searched(campaigns.empty(tmp_path_factory.mktemp("told"))))


@pytest.fixture(scope="session")
def page(told: Told) -> Page:
    return Page(told.report())
