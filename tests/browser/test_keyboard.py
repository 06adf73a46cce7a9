"""The panel without a mouse: every control is reached by Tab, named, and shows its focus; words, not colours, tell."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page

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
        if (node.type === 'radio' && !node.checked) continue;  // arrows walk within a group
        node.dataset.control = ++n;
        found.push({n, tag: node.tagName, name: node.getAttribute('aria-label') || node.labels?.[0]?.textContent || node.textContent
            || node.getAttribute('title') || '', html: node.outerHTML.slice(0, 200)});
    } return found; }"""
FOCUSED = """() => { const node = document.activeElement, style = getComputedStyle(node);
    return {n: Number(node.dataset?.control || 0), seen: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0,
            inside: !!node.closest('.alnb-root')}; }"""


@pytest.fixture(scope="module")
def campaign(lab: Lab) -> Campaign:
    return filled(small_campaign(lab.root / "keys", approval="ask"))


@pytest.fixture
def panel(page: Page, lab: Lab, campaign: Campaign) -> Page:
    campaigns.show_panel(page, lab, campaign, "keys.ipynb")
    return page


def tab_of(panel: Page, name: str) -> Locator:
    return panel.locator(f'.alnb-tab[data-tab="{name.lower()}"]')


def filled(campaign: Campaign) -> Campaign:
    parts = campaign.parts
    searched(Told(workspace=parts.workspace, board=parts.board, playbook=parts.playbook, ledger=parts.ledger, metric=parts.metric,
                  config=parts.config))
    campaign.board.add(proposal("asked"), by="strategist", state=State.PROPOSED)
    campaign.questions.ask("go on?", default="yes", wait_s=600, role="strategist", options=["yes", "no"])
    return campaign


def test_every_control_is_reached_by_tab_is_named_and_shows_the_focus(panel: Page):
    assert {tab: found for tab in TABS if (found := problems(panel, tab))} == {}


def problems(panel: Page, tab: str) -> list[str]:
    """Return the controls of a tab that a person without a mouse or without eyes would miss."""
    tab_of(panel, tab).click()
    panel.wait_for_timeout(300)
    controls = panel.evaluate(NUMBERED, CONTROLS)
    reached, unseen = walk(panel, len(controls))
    return [f"only {len(controls)} controls"] * (len(controls) < 3) + [
        f"{'unnamed' if not c['name'].strip() else 'not reached' if c['n'] not in reached else 'no focus'}: {c['html']}"
        for c in controls if not c["name"].strip() or c["n"] not in reached or c["n"] in unseen
    ]


def walk(panel: Page, count: int) -> tuple[set[int], set[int]]:
    """Press Tab from the first control on; return those that were reached, and those of them without a visible focus."""
    steps.focus(panel, panel.locator('[data-control="1"]'))
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
    steps.focus(panel, tab_of(panel, "Board"))
    for name in TABS[1:]:
        panel.keyboard.press("ArrowRight")
        assert panel.evaluate("() => document.activeElement.textContent").startswith(name)
        assert tab_of(panel, name).get_attribute("aria-selected") == "true"


def test_a_veto_is_given_and_taken_back_by_keys(panel: Page, campaign: Campaign):
    made = next(seen for seen in campaign.board.list(State.PROPOSED))
    before = steps.newest(campaign.board)
    veto = panel.get_by_role("button", name=f"Veto experiment {made.id} {made.name}")
    steps.focus(panel, veto)
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
    text = str(panel.locator(".alnb-root").text_content()).lower()  # also of cards that are out of sight
    for word in ("quarantined", "failed", "vetoed", "to implement", "cancelled"):
        assert word in text
