"""`alphalab-nb panel`: the same panel without JupyterLab lives and steers; a visitor without the token gets nothing."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

from tests.boards import finished
from tests.browser import steps
from tests.browser.servers import panel_page
from tests.support import small_campaign


def test_the_page_shows_and_steers_a_campaign(page: Page, theme: str, tmp_path: Path):
    campaign = small_campaign(tmp_path)
    finished(campaign.board, 0.75, name="first_idea")
    with panel_page(campaign.workspace.root, tmp_path / "page", theme=theme) as url:
        page.goto(url)
        steps.wait_panel(page)
        assert "first_idea" in steps.card(page, 1).inner_text()
        finished(campaign.board, 0.5, name="second_idea")
        steps.card(page, 2).wait_for(timeout=10_000)
        page.get_by_role("button", name="Pause the campaign").click()
        steps.wait_command(page, campaign.board, "pause")

        stranger = page.context.browser.new_context().new_page()
        stranger.goto(url.split("?")[0])
        assert "/login" in stranger.url
        assert stranger.locator(".alnb-root").count() == 0
        page.goto("about:blank")
