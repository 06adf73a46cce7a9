"""A saved notebook shows the last state of the panel to whoever opens it: with another kernel, without any, and untrusted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.boards import finished
from tests.browser import steps
from tests.browser.servers import Lab, jupyterlab
from tests.support import small_campaign

IDEAS = {1: "early_idea", 2: "late_idea", 3: "last_idea"}
SAVED_S = 3
"""Time in which the front end puts the newest state where saving the notebook finds it, and a bit."""


@pytest.fixture(scope="module")
def stranger(theme: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Another person's JupyterLab: other settings, and another key to sign notebooks with."""
    with jupyterlab(tmp_path_factory.mktemp("elsewhere"), tmp_path_factory.mktemp("stranger"), theme=theme) as served:
        yield served


@pytest.fixture(scope="module")
def content(browser: Browser, lab: Lab) -> bytes:
    """A notebook, saved after the board had changed twice since its cell ran."""
    campaign = small_campaign(lab.root / "saved")
    finished(campaign.board, 0.75, name=IDEAS[1])
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    often = "from alphalab_nb.panel import widget\nwidget.TABLES_S = 2"  # the tables come up to date once a minute
    shown = f"from alphalab_nb import Campaign\nCampaign.open({str(campaign.workspace.root)!r}).panel()"
    steps.open_notebook(page, lab, steps.write_notebook(lab.root / "panel.ipynb", often, shown).name)
    steps.run_all(page)
    steps.wait_panel(page)
    for id in (2, 3):
        finished(campaign.board, 0.5, name=IDEAS[id])
        steps.card(page, id).wait_for()
    steps.until(page, lambda: all(name in tables(page) for name in IDEAS.values()), "the static tables")
    page.wait_for_timeout(SAVED_S * 1000)
    steps.save(page)
    page.close()
    return (lab.root / "panel.ipynb").read_bytes()


@pytest.fixture
def saved(content: bytes, stranger: Lab) -> Path:
    """Its copy on the stranger's machine: under a name of its own, and not trusted because another test has trusted the same."""
    name = f"copy_{len(list(stranger.root.iterdir()))}"
    notebook = json.loads(content)
    notebook["metadata"]["title"] = name
    copy = stranger.root / f"{name}.ipynb"
    copy.write_text(json.dumps(notebook))
    return copy


def test_another_kernel_shows_the_saved_state(page: Page, saved: Path, stranger: Lab):
    stranger.trust(saved.name)
    steps.open_notebook(page, stranger, saved.name)
    assert_saved_panel(page)


def test_without_any_kernel_the_last_state_is_there_as_tables(page: Page, saved: Path, stranger: Lab):
    """JupyterLab's widgets wait for a kernel, whichever; where there is none for the notebook, the text and the tables are there."""
    notebook = json.loads(saved.read_text())
    notebook["metadata"]["kernelspec"] = {"name": "gone", "display_name": "gone", "language": "gone"}
    notebook["metadata"]["language_info"] = {"name": "gone"}  # a single kernel of the same language would be started unasked
    saved.write_text(json.dumps(notebook))
    stranger.trust(saved.name)
    steps.open_notebook(page, stranger, saved.name, kernel=False)
    page.locator(".jp-Dialog button", has_text="No Kernel").click(timeout=60_000)
    steps.until(page, lambda: all(name in tables(page) for name in IDEAS.values()), "the static tables")


def test_the_panel_stays_when_its_kernel_is_shut_down(page: Page, saved: Path, stranger: Lab):
    stranger.trust(saved.name)
    steps.open_notebook(page, stranger, saved.name)
    steps.wait_panel(page)
    kernels = len(stranger.kernels())
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    steps.until(page, lambda: len(stranger.kernels()) < kernels, "the kernel to end")
    assert_saved_panel(page)


def test_an_untrusted_notebook_shows_the_last_state_as_tables(page: Page, saved: Path, stranger: Lab):
    """JupyterLab draws no widget, of anybody, in a notebook that its user has not trusted; it does show text and cleaned HTML."""
    steps.open_notebook(page, stranger, saved.name)
    assert page.evaluate("() => window.jupyterapp.shell.currentWidget.context.model.cells.get(1).trusted") is False
    steps.until(page, lambda: all(name in tables(page) for name in IDEAS.values()), "the static tables", timeout_s=10)


def tables(page: Page) -> str:
    """Return the text of the static tables below the panel, folded away or not."""
    return "\n".join(page.locator(".jp-OutputArea table").all_text_contents())


def assert_saved_panel(page: Page) -> None:
    steps.wait_panel(page)
    for id, name in IDEAS.items():
        assert name in steps.card(page, id).inner_text()
    page.get_by_role("status").filter(has_text="saved state").wait_for(timeout=60_000)
    assert page.get_by_role("button", name="Pause the campaign").is_disabled()
