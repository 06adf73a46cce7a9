"""The playbook view draws how the playbook has grown, the progress view what the Judge ruled; both keep up with the board."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

from alphalab_nb.storage.playbook import Standing
from alphalab_nb.storage.rulings import Rulings
from tests.boards import finished
from tests.browser import steps
from tests.browser.servers import panel_page
from tests.support import small_campaign


def test_playbook_and_judge_are_drawn_as_they_come(page: Page, theme: str, tmp_path: Path):
    campaign = small_campaign(tmp_path)
    finished(campaign.board, 0.75, name="first_idea")
    campaign.playbook.add("short contexts work", kind="works", evidence=[1], author="agent")
    with panel_page(campaign.workspace.root, tmp_path / "page", theme=theme) as url:
        page.goto(url)
        steps.wait_panel(page)
        steps.view(page, "playbook")
        plot = page.locator(".alnb-course svg")
        plot.wait_for()
        assert plot.get_attribute("aria-label") == "After 1 experiment: in force 1, retired 0, citations so far 0."
        assert page.locator(".alnb-course-line").count() == 3, "what was never weighed has no line of its standing"

        campaign.playbook.set_standings({1: Standing("tentative", "one run")})
        finished(campaign.board, 0.5, name="second_idea", hypothesis="shorter still (playbook 1)")
        page.locator('.alnb-course svg[aria-label="After 2 experiments: in force 1, of them not firm 1, retired 0, citations so far 1."]'
                     ).wait_for(timeout=10_000)
        box = plot.bounding_box()
        assert box is not None
        for line in page.locator(".alnb-course-line").all():
            inside = line.bounding_box()
            assert inside is not None
            assert box["x"] <= inside["x"]
            assert inside["x"] + inside["width"] <= box["x"] + box["width"]

        Rulings(campaign.board.database).add(2, "keep", "p 0.001", incumbent=1, p_value=0.001, gain=0.25, low=0.1, high=0.4)
        steps.view(page, "progress")
        page.get_by_role("heading", name="Judge: 1 look at confirm").wait_for(timeout=10_000)
        assert page.locator("tr", has_text="0.25 (0.1 to 0.4)").inner_text().split() == [
            "#2", "#1", "0.25", "(0.1", "to", "0.4)", "0.001", "keep"]

        for opening, said in ((1, "Sealed test, opened once: 2"), (2, "Sealed test, opened 2 times, so this is not blind: 2")):
            campaign.board.set_fact("sealed", {"score": 2.0, "confirm": 1.5, "search": 1.0, "baselines": {}, "opening": opening})
            steps.view(page, "leaderboard")
            page.get_by_text(said).wait_for(timeout=10_000)
        page.goto("about:blank")
