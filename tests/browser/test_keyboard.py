"""The panel without a mouse: every control is reached by Tab, says what it does, and shows that it has the focus; words, not colours, tell."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from alphalab_nb.campaign import Campaign
from alphalab_nb.storage.experiment import State
from tests.boards import proposal
from tests.browser import campaigns, steps
from tests.browser.servers import Lab
from tests.report.campaigns import Told, searched
from tests.support import small_campaign

TABS = ("Board", "Leaderboard", "Phases", "Progress", "Playbook", "Stream", "Spending", "People")
CONTROLS = "button, input, select, textarea, a[href], summary, [tabindex='0']"
NUMBERED = """selector => { let n = 0; const found = [];
    for (const node of document.querySelector('.alnb-root').querySelectorAll(selector)) {
        if (node.disabled || node.tabIndex < 0 || !node.checkVisibility({visibilityProperty: true})) continue;
        node.dataset.control = ++n;
        found.push({n, tag: node.tagName, name: node.getAttribute('aria-label') || node.labels?.[0]?.textContent || node.textContent
            || node.getAttribute('title') || '', html: node.outerHTML.slice(0, 200)});
    } return found; }"""
FOCUSED = """() => { const node = document.activeElement, style = getComputedStyle(node);
    return {n: Number(node.dataset?.control || 0), seen: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0,
            inside: !!node.closest('.alnb-root')}; }"""


@pytest.fixture
def panel(page: Page, lab: Lab) -> Iterator[Page]:
    campaign = filled(small_campaign(lab.root / "keys", approval="ask"))
    campaigns.show_panel(page, lab, campaign, "keys.ipynb")
    yield page


def filled(campaign: Campaign) -> Campaign:
    parts = campaign.parts
    searched(Told(workspace=parts.workspace, board=parts.board, playbook=parts.playbook, ledger=parts.ledger, metric=parts.metric,
                  config=parts.config))
    campaign.board.add(proposal("asked"), by="strategist", state=State.PROPOSED)
    campaign.questions.ask("go on?", default="yes", wait_s=600, role="strategist", options=["yes", "no"])
    return campaign


@pytest.mark.parametrize("tab", TABS)
def test_every_control_is_reached_by_tab_is_named_and_shows_the_focus(panel: Page, tab: str):
    panel.get_by_role("tab", name=tab).click()
    panel.wait_for_timeout(300)
    controls = panel.evaluate(NUMBERED, CONTROLS)
    assert len(controls) >= 3
    assert [control["html"] for control in controls if not control["name"].strip()] == []
    reached, unseen = walk(panel, len(controls))
    missed = [control["html"] for control in controls if control["n"] not in reached]
    assert missed == []
    assert [control["html"] for control in controls if control["n"] in unseen] == []


def walk(panel: Page, count: int) -> tuple[set[int], set[int]]:
    """Press Tab from the first control on; return those that were reached, and those of them without a visible focus."""
    panel.evaluate("() => document.querySelector('[data-control=\"1\"]').focus()")
    reached, unseen = {1}, set[int]()
    for _ in range(count + 5):
        panel.keyboard.press("Tab")
        at = panel.evaluate(FOCUSED)
        if not at["inside"]:
            break
        reached.add(at["n"])
        unseen |= set() if at["seen"] else {at["n"]}
    return reached, unseen


def test_tabs_are_walked_with_arrows(panel: Page):
    panel.get_by_role("tab", name="Board").focus()
    for name in TABS[1:]:
        panel.keyboard.press("ArrowRight")
        assert panel.evaluate("() => document.activeElement.textContent").startswith(name)
        assert panel.get_by_role("tab", name=name).get_attribute("aria-selected") == "true"


def test_an_experiment_is_opened_and_closed_and_vetoed_by_keys(panel: Page, lab: Lab):
    campaign = Campaign.open(lab.root / "keys" / "workspace")
    made = next(seen for seen in campaign.board.list(State.PROPOSED))
    before = steps.newest(campaign.board)
    veto = panel.get_by_role("button", name=f"Veto experiment {made.id} {made.name}")
    veto.focus()
    panel.keyboard.press("Enter")
    panel.get_by_label(f"Reason to veto #{made.id}").fill("not now")
    panel.keyboard.press("Escape")
    assert steps.newest(campaign.board) == before, "Escape sends nothing"
    assert veto.evaluate("node => node === document.activeElement"), "the focus is back where it was"
    panel.keyboard.press("Enter")
    panel.get_by_label(f"Reason to veto #{made.id}").fill("not now")
    panel.keyboard.press("Enter")
    assert steps.wait_command(panel, campaign.board, "veto", after=before).args == {"id": made.id, "reason": "not now"}


def test_states_and_marks_are_words(panel: Page):
    text = panel.locator(".alnb-root").inner_text().lower()
    for word in ("quarantined", "failed", "vetoed", "to implement", "cancelled"):
        assert word in text
