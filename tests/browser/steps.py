"""What a person does in JupyterLab, and how a test waits for it: always by the page's clock, which keeps its events coming."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import nbformat
from playwright.sync_api import Locator, Page

from alphalab_nb.storage.board import Board, Command
from tests.browser.servers import Lab

PANEL = '.alnb-root[data-alnb-ready="1"]'
"""The panel once it has drawn a state."""


def write_notebook(path: Path, *cells: str) -> Path:
    """Write a notebook of code cells."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)
    return path


def open_notebook(page: Page, lab: Lab, name: str, *, kernel: bool = True, workspace: str = "") -> None:
    """Open a notebook, and wait until its kernel listens (without that, what is run next is sometimes lost)."""
    page.goto(lab.address(name, workspace=workspace), wait_until="domcontentloaded")
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=90_000)
    if kernel:
        wait_kernel(page)


def wait_kernel(page: Page) -> None:
    page.wait_for_function("window.jupyterapp?.shell.currentWidget?.sessionContext?.isReady === true", timeout=60_000)
    page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]', timeout=60_000)


def command(page: Page, id: str) -> None:
    """Run a command of JupyterLab; its promise is not awaited, since it may end only with the cells it runs."""
    page.evaluate("id => { window.jupyterapp.commands.execute(id); }", id)


def run_all(page: Page) -> None:
    command(page, "notebook:run-all-cells")


def wait_panel(page: Page, *, timeout_s: float = 60.0) -> None:
    page.wait_for_selector(PANEL, timeout=timeout_s * 1000)


def focus(page: Page, locator: Locator) -> None:
    """Focus a control and wait until it keeps that: JupyterLab takes the focus back to its cell once what was run has ended."""

    def kept() -> bool:
        locator.focus()
        page.wait_for_timeout(300)
        return locator.evaluate("node => node === document.activeElement")

    page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]', timeout=60_000)
    until(page, kept, "the focus to stay")


def card(page: Page, id: int) -> Locator:
    """Return the card of an experiment, in whichever column it is."""
    return page.locator(f'.alnb-card[data-id="{id}"]')


def view(page: Page, name: str) -> None:
    """Go to a view of the panel, by the name of its tab; a number may stand behind that."""
    page.locator(f'.alnb-tab[data-tab="{name}"]').first.click()


def save(page: Page) -> None:
    """Save the notebook, and wait until it is on disk."""
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    until(page, lambda: page.evaluate("() => !window.jupyterapp.shell.currentWidget.context.model.dirty"), "the notebook to be saved")


def until(page: Page, holds: Callable[[], object], what: str, *, timeout_s: float = 60.0) -> None:
    """Wait until something holds.

    Raises:
        AssertionError: it did not in time.
    """
    end = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < end, f"waited {timeout_s:.0f} s for {what}"
        page.wait_for_timeout(50)


def newest(board: Board) -> int:
    """Return the id of the newest command on the board, 0 without one."""
    return max((row.id for row in board.commands()), default=0)


def wait_command(page: Page, board: Board, verb: str, *, after: int = 0, state: str = "", timeout_s: float = 30.0) -> Command:
    """Wait until a wish is on the board, and (with a state) until it has been applied or refused."""
    found: list[Command] = []

    def arrived() -> bool:
        rows = [row for row in board.commands() if row.id > after and row.verb == verb and state in ("", row.state)]
        found.extend(rows)
        return bool(rows)

    until(page, arrived, f"a '{verb}' {state or 'on the board'}", timeout_s=timeout_s)
    return found[0]
