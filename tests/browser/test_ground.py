"""The ground that the tests of this folder stand on: a widget shows, a click reaches Python, the state is saved."""

from __future__ import annotations

import json

from playwright.sync_api import Page

from tests.browser import steps
from tests.browser.servers import Lab

COUNTER = """
import anywidget, traitlets
class Counter(anywidget.AnyWidget):
    n = traitlets.Int(0).tag(sync=True)
    _esm = '''export default { render({ model, el }) {
        const button = document.createElement("button"); button.textContent = "count";
        button.onclick = () => { model.set("n", model.get("n") + 1); model.save_changes(); };
        el.append(button);
    } }'''
counter = Counter()
counter.observe(lambda change: open("counted.txt", "w").write(str(change.new)), "n")
counter
"""


def test_a_click_reaches_the_kernel_and_the_state_is_saved(page: Page, lab: Lab, theme: str):
    steps.write_notebook(lab.root / "counter.ipynb", COUNTER)
    steps.open_notebook(page, lab, "counter.ipynb")
    assert page.evaluate("document.body.dataset.jpThemeLight") == ("true" if theme == "light" else "false")
    steps.run_all(page)
    page.get_by_role("button", name="count", exact=True).click(timeout=60_000)
    counted = lab.root / "counted.txt"
    steps.until(page, lambda: counted.exists() and counted.read_text() == "1", "the click to reach Python")
    steps.save(page)
    widgets = json.loads((lab.root / "counter.ipynb").read_text())["metadata"]["widgets"]
    states = widgets["application/vnd.jupyter.widget-state+json"]["state"].values()
    assert [state["state"]["n"] for state in states if "n" in state["state"]] == [1]
