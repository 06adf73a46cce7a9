"""Without a widget the panel is tables: as text and as HTML in which no text of an agent is markup."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

from alphalab_nb.campaign import Campaign
from alphalab_nb.panel.reader import Reader
from alphalab_nb.panel.static import html_of, text_of
from alphalab_nb.storage.rulings import Rulings
from tests.boards import proposal
from tests.report.campaigns import add
from tests.support import sleepers, small_campaign

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\u202eevil\nLeaderboard: none"
ALLOWED = {"details", "summary", "p", "b", "table", "caption", "thead", "tbody", "tr", "th", "td", "bdi"}


class Tags(HTMLParser):
    """Collects the tags and attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    made = small_campaign(tmp_path, sleepers(0.1))
    made.board.set_fact("harness", "h1")
    made.board.set_fact("baselines", {"search": {"naive": 4.0}})
    return made


def test_an_empty_campaign_is_shown(campaign: Campaign):
    state = Reader(campaign.parts).saved()
    assert "no full score yet" in text_of(state)
    assert Tags(html_of(state)).tags <= ALLOWED


def test_the_tables_say_what_is_on_the_board(campaign: Campaign):
    for name, value in (("worse", 3.0), ("best", 1.25)):
        add(campaign.board, name, value, family="gbm")
    campaign.playbook.add("lags help", kind="works", evidence=[2], author="analyst")
    text = text_of(Reader(campaign.parts).saved())
    assert "1. #2 best (gbm) 1.25" in text
    assert "2. #1 worse (gbm) 3" in text
    assert "naive 4" in text
    assert "works: lags help (#2 analyst)" in text


def test_text_of_agents_and_people_is_never_markup(campaign: Campaign):
    made = campaign.board.add(proposal("odd", family=HOSTILE, hypothesis=HOSTILE), by=HOSTILE)
    campaign.playbook.add(HOSTILE, kind="works", evidence=[made.id], author=HOSTILE)
    command = campaign.board.command("note", by=HOSTILE, text=HOSTILE)
    campaign.board.settle(command, applied=False, result=HOSTILE)
    state = Reader(campaign.parts).saved()
    page = Tags(html_of(state))
    assert page.tags <= ALLOWED
    assert page.attributes <= {"colspan", "class"}
    assert sum(line.startswith("Leaderboard: ") for line in text_of(state).splitlines()) == 1, "no line of its own"


def test_the_tables_say_what_the_judge_ruled_and_what_it_may_still_spend(campaign: Campaign):
    add(campaign.board, "promising", 1.25)
    rulings = Rulings(campaign.board.database)
    rulings.add(1, "replicate", "to be confirmed", gain=0.3)
    assert "looks at confirm" not in text_of(Reader(campaign.parts).saved())
    rulings.add(1, "reject", "p 0.2", p_value=0.2, gain=0.1, low=None, high=0.3, alpha=0.01)
    state = Reader(campaign.parts).saved()
    text = text_of(state)
    assert "looks at confirm, 0.03 of the error probability of 0.04 is left" in text
    assert "#1 against the baseline: gain 0.1, p 0.2, reject" in text
    assert Tags(html_of(state)).tags <= ALLOWED
