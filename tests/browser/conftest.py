"""A real chromium for the tests of this folder; each test runs in a light and in a dark JupyterLab."""

from __future__ import annotations

import os
import re
import shutil
import warnings
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.servers import Lab, jupyterlab

FOLDER = Path(__file__).parent
PICTURES = FOLDER.parents[1] / "build" / "browser"
SAID = pytest.StashKey[list[str]]()
"""Errors on the console of a test's page."""
FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run", "--disable-default-apps", "--metrics-recording-only",
    # nothing beyond this machine is reachable: what a page needs must be on it
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker(pytest.mark.browser)


def chromium() -> str:
    """Return the path of the browser.

    Where it could have been installed its absence is a failure: these tests are skipped only where nobody could have done so.
    """
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is not None:
        return path
    if os.getuid() == 0 and shutil.which("apt-get"):
        pytest.fail("there is no chromium, and this machine could have it: run `make deps-test`")
    warnings.warn("there is no chromium: nothing of the panel was tested in a browser", stacklevel=1)
    pytest.skip("no chromium, and no right to install it")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for the tests of one file: Playwright keeps an event loop running, which other tests must not meet."""
    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module", params=["light", "dark"])
def theme(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def lab(theme: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with jupyterlab(tmp_path_factory.mktemp("root"), tmp_path_factory.mktemp("lab"), theme=theme) as served:
        yield served


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep a picture of the page of a test that failed: build/browser/<name>.png."""
    report = yield
    page = getattr(item, "funcargs", {}).get("page")
    if report.failed and page is not None and not page.is_closed():
        PICTURES.mkdir(parents=True, exist_ok=True)
        picture = PICTURES / f"{re.sub('[^a-z0-9]+', '_', item.name)}.png"
        page.screenshot(path=picture)
        report.sections.append(("the page", f"{picture}\n" + "\n".join(item.stash.get(SAID, []))))
    return report


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page with cookies of its own; a JavaScript error on it fails the test."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    errors = request.node.stash.setdefault(SAID, [])
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert [error for error in errors if not known_noise(error)] == []


def known_noise(error: str) -> bool:
    """Whether an error on the console is JupyterLab's own.

    What it asks of the internet is not answered here; and what it had asked of a kernel that is restarted, its debugger's state for
    one, is cancelled.
    """
    return any(noise in error for noise in ("net::ERR_NAME_NOT_RESOLVED", "status of 404", "Canceled future for"))
