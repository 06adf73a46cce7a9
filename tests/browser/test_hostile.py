"""Texts of agents and people are shown as texts, whatever is in them: no markup, no script, no way out of their place."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from alphalab_nb.campaign import Campaign
from alphalab_nb.storage.experiment import State
from tests.boards import finished, proposal, scored
from tests.browser import campaigns, steps
from tests.browser.servers import Lab
from tests.support import small_campaign

ATTACK = '<img src=x onerror="window.hacked=1"><script>window.hacked=2</script><svg onload="window.hacked=3"></svg>'
ESCAPE = "\"><b class='planted'>bold</b></textarea></title></style><iframe src='javascript:parent.hacked=4'></iframe>"
BACKWARDS = "\u202eevil\u202d \u2067\u05e9\u05dc\u05d5\u05dd"
HUGE = "m" * 1_000_000
MARKDOWN = "[click](javascript:window.hacked=5) ![x](x) `</code>` $\\href{javascript:window.hacked=6}{x}$"
VIEWS = ("leaderboard", "phases", "progress", "playbook", "stream", "spending", "people", "board")
PLANTED = """() => document.querySelectorAll(
    ['img', 'script', 'iframe', 'object', 'embed', 'b.planted', '[onerror]', '[onload]', '[onclick]', 'a[href^="javascript:"]']
        .map(each => `.alnb-root ${each}`).join(', ')).length"""
"""How many elements of the panel were made by a text."""
OVERFLOW = """() => [...document.querySelectorAll('.alnb-root')].map(root => root.scrollWidth - root.clientWidth)
    .concat([...document.querySelectorAll('.alnb-root .alnb-card')].filter(card => card.clientWidth)
        .map(card => Math.ceil(card.getBoundingClientRect().right - card.parentElement.getBoundingClientRect().right)))"""
"""By how many pixels the panel, and each card, is wider than its place."""


@pytest.fixture(scope="module")
def hostile(lab: Lab) -> Campaign:
    """A campaign in which every text that an agent or a person can leave is hostile."""
    campaign = small_campaign(lab.root / "hostile", objective=f"forecast {ATTACK}")
    board = campaign.board
    for text in (ATTACK, ESCAPE, BACKWARDS, MARKDOWN, HUGE):
        seen = finished(board, 0.5, name="x", hypothesis=text, brief=text)
        board.change(seen.id, verdict=text[:2000])
        board.note(text, by=text[:100], experiment=seen.id)
        board.event("thought", text, role=text[:100], experiment=seen.id)
        campaign.questions.ask(text, default=text, wait_s=3600, role=text[:60], experiment=seen.id, options=[text[:80], "yes"])
        campaign.playbook.add(text, kind="insight", evidence=[seen.id], author=text[:60])
        board.command("note", by=text[:60], text=text)
    failing(campaign)
    nameless(campaign)
    plan = campaign.workspace.root / "explore" / "plan.md"
    plan.parent.mkdir(exist_ok=True)
    plan.write_text(f"- [ ] {ATTACK}\n- [x] {ESCAPE}\n", encoding="utf-8")
    board.set_fact("findings", [{"findings": [{"severity": ATTACK, "file": ESCAPE, "line": 3, "message": ATTACK}]}])
    board.set_fact("outage", {"since": "2026-01-01T00:00:00+00:00", "role": ATTACK, "why": ESCAPE})
    return campaign


def failing(campaign: Campaign) -> None:
    """Add an experiment whose run ended with a hostile error, log and debrief."""
    board, workspace = campaign.board, campaign.workspace
    seen = board.add(proposal("failing", hypothesis=ATTACK), by="test")
    attempt = board.add_attempt(seen.id, commit="c" * 40, ast_hash="failing")
    run = board.plan_run(attempt, kind="full", partition="search", seed=0, fidelity="full")
    board.start_run(run.id)
    board.end_run(run.id, scored(0.0, ok=False, error=ATTACK), 1.0)
    for file in (workspace.run(run.id) / "run.log", workspace.experiment(seen.id, seen.name) / "debrief.md",
                 workspace.attempt(seen.id, attempt.number) / "model.py"):
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        Path(file).write_text(f"{ATTACK}\n{BACKWARDS}\n{ESCAPE}\n", encoding="utf-8")
    board.move(seen.id, State.CANCELLED, by=ATTACK, reason=ATTACK, outcome="failed")


def nameless(campaign: Campaign) -> None:
    """Give names that no verb would accept: a board may have been written by another program."""
    with campaign.board.database.transaction() as sql:
        sql.execute("update experiments set name = ?, family = ? where id = 1", (ATTACK, ATTACK))
        sql.execute("update experiments set name = ?, family = ? where id = 3", (BACKWARDS, BACKWARDS))
        sql.execute("update experiments set name = ? where id = 5", (HUGE,))


def test_no_text_becomes_markup_in_any_view(page: Page, lab: Lab, hostile: Campaign):
    campaigns.show_panel(page, lab, hostile)
    for view in VIEWS:
        steps.view(page, view)
        page.wait_for_timeout(400)
        assert_harmless(page, view)
    assert ATTACK[:60] in steps.card(page, 1).inner_text()


def test_an_opened_card_shows_everything_as_text(page: Page, lab: Lab, hostile: Campaign):
    campaigns.show_panel(page, lab, hostile)
    for id in (1, 3, 5, 6):
        steps.card(page, id).locator(".alnb-card-title").click()
        drawer = page.get_by_label("Experiment", exact=True)
        drawer.get_by_role("tab").first.wait_for()
        for tab in drawer.get_by_role("tab").all():
            tab.click()
            page.wait_for_timeout(200)
            assert_harmless(page, f"#{id} {tab.inner_text()}")
        page.keyboard.press("Escape")


def assert_harmless(page: Page, where: str) -> None:
    assert page.evaluate("() => window.hacked ?? null") is None, where
    assert page.evaluate(PLANTED) == 0, where
    assert max(page.evaluate(OVERFLOW)) <= 1, where
