"""A person runs campaign.ipynb in JupyterLab and steers by clicking: each click shows on the board and in how the campaign ends."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from dataclasses import dataclass

import nbformat
import pytest
from playwright.sync_api import Locator, Page

from alphalab_nb.campaign import Campaign
from alphalab_nb.storage.board import Command
from alphalab_nb.storage.experiment import State
from tests.browser import campaigns, steps
from tests.browser.servers import Lab

REASON = "we tried <b>that</b> last year"
NOTE = "the season is regular; keep models small"


@dataclass
class Desk:
    """A person in front of the panel: clicks, and what the board says of them."""

    page: Page
    campaign: Campaign

    def applied(self, verb: str, after: int) -> Command:
        """Wait until the newest wish has been applied, and until the panel says so."""
        done = steps.wait_command(self.page, self.campaign.board, verb, after=after, state="applied")
        self.page.locator('.alnb-live[data-state="applied"]').wait_for()
        return done

    def press(self, name: str, verb: str) -> Command:
        """Press a button that needs no words."""
        before = steps.newest(self.campaign.board)
        self.button(name).click()
        return self.applied(verb, before)

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def state(self, id: int) -> State:
        return self.campaign.board.get(id).state

    def wait_state(self, id: int, *states: State) -> None:
        steps.until(self.page, lambda: self.state(id) in states, f"#{id} to be {' or '.join(states)}")

    def wait_card(self, id: int, column: State) -> None:
        self.page.locator(f'.alnb-col[data-state="{column}"] .alnb-card[data-id="{id}"]').wait_for()


@pytest.fixture
def desk(page: Page, lab: Lab) -> Iterator[Desk]:
    """campaign.ipynb on a campaign that asks a person before it runs anything; all cells were run, the panel is there."""
    campaign = campaigns.waiting_campaign(lab, "steered", 0.2, 0.2, 0.2, 0.2, 0.2, approval="ask", executor={"slots": 1})
    steps.open_notebook(page, lab, campaigns.quickstart(lab, campaign, "campaign.ipynb"))
    steps.run_all(page)
    steps.wait_panel(page)
    yield Desk(page, campaign)
    campaign.board.set_fact("stopping", True)  # after a failure, too, nothing shall go on


def test_a_campaign_is_steered_by_clicking(desk: Desk, lab: Lab):
    steps.until(desk.page, lambda: len(desk.campaign.board.list(State.PROPOSED)) >= 3, "proposals")
    approve(desk)
    veto(desk)
    injected = inject(desk)
    note(desk)
    pause_and_resume(desk)
    stop(desk)
    the_end(desk, injected)
    steps.save(desk.page)
    no_cell_failed(lab)


def approve(desk: Desk) -> None:
    desk.wait_card(1, State.PROPOSED)
    assert desk.press("Approve experiment 1 sleeper_1", "approve").args == {"id": 1}
    desk.wait_state(1, State.FINISHED, State.ANALYZED, State.DONE)
    assert desk.state(3) is State.PROPOSED  # the others wait


def veto(desk: Desk) -> None:
    before = steps.newest(desk.campaign.board)
    desk.button("Veto experiment 2 sleeper_2").click()
    desk.page.get_by_label("Reason to veto #2").fill(REASON)
    desk.page.keyboard.press("Enter")
    assert desk.applied("veto", before).args == {"id": 2, "reason": REASON}
    desk.wait_card(2, State.CANCELLED)


def inject(desk: Desk) -> int:
    """Add an experiment of one's own by the form; return its id."""
    before = steps.newest(desk.campaign.board)
    steps.view(desk.page, "people")
    for label, text in {"Name": "mine", "Hypothesis": "a bias of <i>1</i>", "Family": "sleeper", "Priority": "2"}.items():
        desk.page.get_by_label(label, exact=True).fill(text)
    desk.page.get_by_label("Config, a key=value per line").press_sequentially("bias=0.5\nseconds=0.3")  # Enter breaks the line, no more
    desk.button("Inject experiment").click()
    args = desk.applied("inject", before).args
    assert (args["name"], args["family"], args["config"], args["priority"]) == ("mine", "sleeper", {"bias": 0.5, "seconds": 0.3}, 2)
    injected = next(seen for seen in desk.campaign.board.list() if seen.name == "mine")
    assert (injected.hypothesis, injected.config["bias"]) == ("a bias of <i>1</i>", 0.5)
    desk.wait_state(injected.id, State.FINISHED, State.ANALYZED, State.DONE)
    return injected.id


def note(desk: Desk) -> None:
    before = steps.newest(desk.campaign.board)
    steps.view(desk.page, "people")
    desk.page.get_by_role("textbox", name="Note", exact=True).fill(NOTE)
    desk.button("Add note").click()
    desk.applied("note", before)
    assert NOTE in [left.text for left in desk.campaign.board.notes()]


def pause_and_resume(desk: Desk) -> None:
    """While it is paused, what has been approved does not run."""
    desk.press("Pause the campaign", "pause")
    assert desk.campaign.board.fact("paused") is True
    steps.view(desk.page, "board")
    desk.press("Approve experiment 3 sleeper_3", "approve")
    desk.page.wait_for_timeout(3000)
    assert desk.state(3) in (State.TO_IMPLEMENT, State.IMPLEMENTED, State.CHECKED, State.QUEUED)
    desk.press("Resume the campaign", "resume")
    desk.wait_state(3, State.FINISHED, State.ANALYZED, State.DONE)


def stop(desk: Desk) -> None:
    before = steps.newest(desk.campaign.board)
    desk.button("Stop the campaign").click()
    desk.button("Stop now").click()
    steps.wait_command(desk.page, desk.campaign.board, "stop", after=before, state="applied")


def the_end(desk: Desk, injected: int) -> None:
    """The notebook's own cells go on to the report; what a person decided is in the outcome."""
    steps.until(desk.page, lambda: desk.campaign.phase() == "done", "the report", timeout_s=240)
    board = desk.campaign.board
    assert board.fact("stop_reason") == "stopped_by_person"
    assert {row.id for row in desk.campaign.rows()} == {1, 3, injected}
    vetoed = board.get(2)
    assert (vetoed.state, vetoed.outcome, board.runs(2)) == (State.CANCELLED, "vetoed", [])
    assert REASON in board.history(2)[-1].reason
    assert {row.actor for row in board.commands()} == {getpass.getuser()}


def no_cell_failed(lab: Lab) -> None:
    notebook = nbformat.read(lab.root / "campaign.ipynb", as_version=4)
    failed = [out["evalue"] for cell in notebook.cells for out in cell.get("outputs", []) if out["output_type"] == "error"]
    assert failed == []
