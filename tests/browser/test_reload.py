"""The panel is a window: it may be reloaded, opened twice and lose its kernel; the campaign that runs elsewhere is not harmed."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page

from alphalab_nb.campaign import Campaign
from alphalab_nb.storage.experiment import State
from tests.browser import campaigns, steps
from tests.browser.servers import Lab

EXPERIMENTS = 40
Record = Callable[[str, object], None]
"""Keeps a figure with the test's result; the bench reads it."""


@dataclass
class Elsewhere:
    """A campaign in a process of its own."""

    campaign: Campaign
    process: subprocess.Popen[bytes]

    def unharmed(self) -> bool:
        """Whether its process lives, and none of its experiments has failed."""
        failed = [seen.name for seen in self.campaign.board.list() if seen.outcome == "failed"]
        return self.process.poll() is None and not failed


@pytest.fixture(scope="module")
def elsewhere(lab: Lab) -> Iterator[Elsewhere]:
    campaign = campaigns.waiting_campaign(lab, "elsewhere", *[3.0] * EXPERIMENTS, executor={"slots": 1})
    process = campaign.start("experiment")
    yield Elsewhere(campaign, process)
    campaign.stop()
    process.wait(60)
    assert process.returncode == 0, (campaign.workspace.root / "experiment.log").read_text()[-2000:]


def whole(page: Page, campaign: Campaign) -> bool:
    """Whether the panel lives and shows every experiment of the board."""
    return bool(page.locator(f'{steps.PANEL}[data-live="live"]').count()) and cards(page) == sum(campaign.board.counts().values()) > 0


def cards(page: Page) -> int:
    """Return how many experiments the columns say they hold."""
    return sum(int(text) for text in page.locator(".alnb-col .alnb-n").all_inner_texts() if text.isdigit())


def seconds_until_whole(page: Page, campaign: Campaign) -> float:
    begun = time.monotonic()
    steps.until(page, lambda: whole(page, campaign), "the whole state")
    return round(time.monotonic() - begun, 2)


def test_the_whole_state_is_back_after_a_reload(page: Page, lab: Lab, elsewhere: Elsewhere, record_property: Record):
    campaigns.show_panel(page, lab, elsewhere.campaign)
    steps.save(page)
    page.reload(wait_until="domcontentloaded")
    page.wait_for_selector(".jp-Notebook .jp-Cell")  # JupyterLab itself is there
    record_property("seconds", seconds_until_whole(page, elsewhere.campaign))
    assert elsewhere.unharmed()


def test_a_second_tab_shows_and_steers_the_same(page: Page, lab: Lab, elsewhere: Elsewhere, record_property: Record):
    campaigns.show_panel(page, lab, elsewhere.campaign)
    steps.save(page)
    second = page.context.new_page()
    steps.open_notebook(second, lab, "panel.ipynb", workspace="second")
    record_property("seconds", seconds_until_whole(second, elsewhere.campaign))
    before = steps.newest(elsewhere.campaign.board)
    second.get_by_role("button", name="Pause the campaign").click()
    steps.wait_command(second, elsewhere.campaign.board, "pause", after=before, state="applied")
    page.get_by_role("button", name="Resume the campaign").click(timeout=10_000)  # the first tab has seen it, too
    steps.wait_command(page, elsewhere.campaign.board, "resume", after=before, state="applied")
    assert elsewhere.unharmed()


def test_a_restarted_kernel_shows_the_whole_state_again(page: Page, lab: Lab, elsewhere: Elsewhere, record_property: Record):
    campaigns.show_panel(page, lab, elsewhere.campaign)
    finished = len(ended(elsewhere.campaign))
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    steps.wait_kernel(page)
    steps.run_all(page)
    record_property("seconds", seconds_until_whole(page, elsewhere.campaign))
    steps.until(page, lambda: len(ended(elsewhere.campaign)) > finished, "the campaign to go on")
    assert elsewhere.unharmed()


def ended(campaign: Campaign) -> list[str]:
    return [seen.name for seen in campaign.board.list(State.FINISHED, State.ANALYZED, State.DONE)]
