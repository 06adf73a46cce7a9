"""Take the pictures of the README: a real campaign in JupyterLab, light and dark. `make screenshots` runs this."""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from alphalab_nb.campaign import Campaign
from alphalab_nb.resources import shipped
from alphalab_nb.storage.experiment import State
from tests.browser import campaigns, steps
from tests.browser.conftest import FLAGS, chromium
from tests.browser.servers import THEMES, Lab, jupyterlab

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "images"
VIEWS = ("board", "leaderboard", "progress", "people")
SIZE = {"width": 1720, "height": 1060}
MOST_BYTES = 300_000
PEOPLE_SAY = "the season is very regular here; keep models small"


def main() -> None:
    """Run the demo until it has much to show, and take a picture of each view in each theme."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "root"
        campaign = Campaign.create(root / "co2", shipped("adapters", "time_series", "examples", "co2.yaml"))
        for phase in ("adapt", "explore", "build"):
            campaign.run(phase)
        show(campaign, root, Path(place))


def show(campaign: Campaign, root: Path, place: Path) -> None:
    """Take the pictures of a campaign whose experiments run meanwhile."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), headless=True, args=FLAGS)
        process = campaign.start("experiment")
        for theme in THEMES:
            with jupyterlab(root, place / theme, theme=theme) as lab:
                pictures(browser, lab, campaign, theme)
        if process.poll() is None:
            campaign.stop()
        process.wait()
        browser.close()


def pictures(browser: Browser, lab: Lab, campaign: Campaign, theme: str) -> None:
    """Steer a little, so that there is something to see, and take the pictures of one theme."""
    page = browser.new_page(viewport=SIZE)
    campaigns.show_panel(page, lab, campaign, "co2.ipynb")
    steps.until(page, lambda: len(campaign.board.list(State.FINISHED, State.ANALYZED, State.DONE)) >= 8, "experiments", timeout_s=300)
    campaign.note(PEOPLE_SAY)
    page.wait_for_timeout(3000)
    for view in VIEWS:
        steps.view(page, view)
        page.wait_for_timeout(800)
        take(page, FOLDER / f"{view}-{theme}.png")
    page.close()


def take(page: Page, file: Path) -> None:
    """Write the picture of the panel alone.

    Raises:
        ValueError: it is too large for a repository.
    """
    page.locator(steps.PANEL).screenshot(path=file)
    if file.stat().st_size > MOST_BYTES:
        raise ValueError(f"{file} has {file.stat().st_size} bytes; at most {MOST_BYTES} are allowed: choose a smaller SIZE")
    print(file)


if __name__ == "__main__":
    main()
