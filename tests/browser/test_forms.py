"""The forms of the panel lose nothing that was typed, say what becomes of it, and ask or refuse before harm is done."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page

from alphalab_nb.campaign import Campaign
from tests.boards import finished
from tests.browser import campaigns, steps
from tests.browser.servers import Lab
from tests.support import small_campaign

WHY = "a bias of <i>1</i> helps"


@pytest.fixture(scope="module")
def theme() -> str:
    """One theme: what forms do does not depend on colours."""
    return "light"


def test_forms_keep_what_was_typed_and_say_what_becomes_of_it(page: Page, lab: Lab):
    campaign = small_campaign(lab.root / "forms")
    for number in (1, 2):
        finished(campaign.board, 0.5, name=f"tried_{number}")
    campaign.playbook.add("short contexts work", kind="works", evidence=[1], author="agent")
    campaigns.show_panel(page, lab, campaign, "forms.ipynb")
    edit(page, campaign)
    steps.view(page, "people")
    refused_at_once(page, campaign)
    refused_later(page, campaign)
    question(page, campaign)
    budget(page, campaign)
    waiting_pause(page, campaign)
    ended(page, campaign)


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def box(page: Page, name: str) -> Locator:
    return page.get_by_label(name, exact=True).locator("visible=true")


def alert(page: Page, text: str) -> None:
    """Wait until a form says something; it is not enough that the head does."""
    page.get_by_role("alert").filter(has_text=text).wait_for(timeout=15_000)


def refused_at_once(page: Page, campaign: Campaign) -> None:
    """Without a recipe and a brief there is nothing to build an experiment from."""
    for label, text in {"Name": "odd", "Hypothesis": WHY, "Family": "unheard"}.items():
        box(page, label).fill(text)
    button(page, "Inject experiment").click()
    alert(page, "unheard")
    assert (box(page, "Name").input_value(), box(page, "Hypothesis").input_value()) == ("odd", WHY)
    assert "inject" not in [row.verb for row in campaign.board.commands()]


def refused_later(page: Page, campaign: Campaign) -> None:
    """A note that waits leaves its form; what the campaign refuses comes back to it."""
    box(page, "Note").fill(WHY)
    button(page, "Add note").click()
    note = steps.wait_command(page, campaign.board, "note")
    page.locator(".alnb-live").filter(has_text="waits until the campaign runs").wait_for()
    steps.until(page, lambda: box(page, "Note").input_value() == "", "the form to be empty")
    campaign.board.settle(note.id, applied=False, result="no notes today")
    alert(page, "no notes today")
    assert box(page, "Note").input_value() == WHY


def edit(page: Page, campaign: Campaign) -> None:
    """The form of an entry closes when its wish waits, and opens again with what was typed if that is refused."""
    steps.view(page, "playbook")
    button(page, "Edit entry 1").click()
    claim = page.locator('.alnb-entry [name="claim"]')
    claim.fill(WHY)
    button(page, "Save").click()
    wish = steps.wait_command(page, campaign.board, "playbook_edit")
    claim.wait_for(state="detached")
    campaign.board.settle(wish.id, applied=False, result="another version came first")
    alert(page, "another version came first")
    assert claim.input_value() == WHY


def question(page: Page, campaign: Campaign) -> None:
    box(page, "Question").fill("Any errors?")
    button(page, "Ask").click()
    steps.wait_command(page, campaign.board, "ask", state="applied")
    page.locator('.alnb-live[data-state="applied"]').filter(has_text="question: answered").wait_for(timeout=15_000)
    assert box(page, "Question").input_value() == ""


def budget(page: Page, campaign: Campaign) -> None:
    """A limit at what is used already is only set after a second look, and one that is none is not sent."""
    before = steps.newest(campaign.board)
    box(page, "Limit: experiments").fill("0")
    button(page, "Set the budget").click()
    alert(page, "Experiments: write a whole number, 1 or more.")
    assert "question" not in page.locator(".alnb-live").inner_text(), "the head no longer tells of the wish before"
    box(page, "Limit: experiments").fill("2")
    button(page, "Set the budget").click()
    page.get_by_text("2 experiments used already: this ends the experiments.").wait_for()
    button(page, "Back: do not set it and end them").click()
    assert steps.newest(campaign.board) == before
    button(page, "Set the budget").click()
    button(page, "Set it and end them").click()
    assert steps.wait_command(page, campaign.board, "budget", after=before).args == {"max_experiments": 2}
    box(page, "Limit: experiments").fill("3")
    button(page, "Set the budget").click()
    steps.until(page, lambda: [row.args for row in campaign.board.commands() if row.verb == "budget"][1:] == [{"max_experiments": 3}],
                "a limit beyond what is used to be set without a question")


def waiting_pause(page: Page, campaign: Campaign) -> None:
    button(page, "Pause the campaign").click()
    steps.wait_command(page, campaign.board, "pause")
    waits = button(page, "Pause the campaign: waits")
    waits.wait_for()
    waits.click(force=True)
    page.wait_for_timeout(1500)
    assert [row.verb for row in campaign.board.commands()].count("pause") == 1


def ended(page: Page, campaign: Campaign) -> None:
    """Once the experiments have ended nothing can be ordered; questions are answered."""
    for phase in ("adapt", "explore", "build", "experiment"):
        campaign.board.set_step(phase, "phase", "finished")
    page.get_by_role("status").filter(has_text="the experiments have ended").wait_for(timeout=15_000)
    for name in ("Pause the campaign", "Stop the campaign", "Inject experiment", "Set the approval", "Set the budget", "Add note"):
        assert button(page, name).first.is_disabled(), name
        assert button(page, name).first.get_attribute("aria-description") == "the experiments have ended", name
    assert button(page, "Ask").is_enabled()
