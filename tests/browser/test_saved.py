"""A saved notebook shows the last state of the panel to whoever opens it: without its kernel, without any, and untrusted."""

from __future__ import annotations

import json
import shutil

from playwright.sync_api import Page

from tests.boards import finished
from tests.browser import campaigns, steps
from tests.browser.servers import Lab, jupyterlab
from tests.support import small_campaign


def test_a_saved_notebook_shows_the_last_state_without_a_kernel(page: Page, lab: Lab, theme: str, tmp_path_factory):
    campaign = small_campaign(lab.root / "saved")
    finished(campaign.board, 0.75, name="early_idea")
    campaigns.show_panel(page, lab, campaign)
    finished(campaign.board, 0.5, name="late_idea")  # after the cell has run: the state is saved, not the output of the cell
    steps.card(page, 2).wait_for()
    page.wait_for_timeout(3000)  # the state is kept where saving finds it every two seconds
    steps.save(page)

    elsewhere = tmp_path_factory.mktemp("elsewhere")
    notebook = json.loads((lab.root / "panel.ipynb").read_text())
    shutil.copy(lab.root / "panel.ipynb", elsewhere / "other_kernel.ipynb")
    notebook["metadata"]["kernelspec"] = {"name": "gone", "display_name": "gone", "language": "python"}
    (elsewhere / "no_kernel.ipynb").write_text(json.dumps(notebook))

    # other settings and another key: nothing of this notebook was run or signed here
    with jupyterlab(elsewhere, tmp_path_factory.mktemp("stranger"), theme=theme) as stranger:
        steps.open_notebook(page, stranger, "other_kernel.ipynb")
        assert_saved_state(page)
        assert page.evaluate("() => window.jupyterapp.shell.currentWidget.context.model.cells.get(0).trusted") is False
        steps.open_notebook(page, stranger, "no_kernel.ipynb", kernel=False)
        page.get_by_role("button", name="No Kernel").click()
        assert_saved_state(page)


def assert_saved_state(page: Page) -> None:
    steps.wait_panel(page)
    for id, name in ((1, "early_idea"), (2, "late_idea")):
        assert name in steps.card(page, id).inner_text()
    page.get_by_role("status").filter(has_text="saved state").wait_for(timeout=15_000)
    assert page.get_by_role("button", name="Pause the campaign").is_disabled()
