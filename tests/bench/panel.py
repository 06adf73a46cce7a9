"""Measure the panel in a real JupyterLab and a real browser: `make bench AREA=panel`, or `python -m tests.bench.panel ID ...`."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from playwright.sync_api import Page, sync_playwright

from tests.bench.dispatch import proven
from tests.bench.rows import Bench, Found
from tests.browser.conftest import FLAGS, chromium
from tests.browser.measure import big_board, traffic
from tests.browser.servers import Lab, jupyterlab

T = TypeVar("T")


def in_browser(measure: Callable[[Page, Lab], T]) -> T:
    """Measure something on a fresh page of a fresh JupyterLab."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        (root := Path(folder) / "root").mkdir()
        (scratch := Path(folder) / "lab").mkdir()
        browser = playwright.chromium.launch(executable_path=chromium(), headless=True, args=FLAGS)
        with jupyterlab(root, scratch) as lab:
            found = measure(browser.new_page(viewport={"width": 1400, "height": 1000}), lab)
        browser.close()
    return found


def reload_row() -> Found:
    """Seconds until the whole state is back; the slowest of a reload, a second tab and a restarted kernel, light and dark."""
    found = proven("tests/browser/test_reload.py")
    seconds = {name: float(held["seconds"]) for name, held in found.detail["properties"].items()}
    return Found(max(seconds.values()), n=len(seconds), also={"the campaign is unharmed": bool(found.value)}, detail=seconds)


def traffic_row() -> Found:
    """kB a second that reach the page with 500 experiments and 20 writes a second."""
    found = in_browser(traffic)
    also = {
        "a click is answered in < 0.3 s": found.click_s < 0.3, "also while a cell runs": found.click_in_cell_s < 0.3,
        "no board or column was built anew": found.lost == 0, "cards keep their nodes": found.kept >= 0.95 * found.seen,
    }
    return Found(found.kb_per_s, n=found.seen, also=also,
                 detail={"click_s": found.click_s, "click_in_cell_s": found.click_in_cell_s, "cards_kept": f"{found.kept} of {found.seen}"})


def big_row() -> Found:
    """Seconds from running the cell to the painted board of 10,000 experiments."""
    found = in_browser(big_board)
    return Found(found.paint_s, n=1, also={"an update takes < 0.1 s": found.draw_s < 0.1},
                 detail={"update_s": found.draw_s, "seen_after_s": found.late_s})


def main() -> None:
    bench = Bench("panel")
    bench.measure("browser", unit="every click on the board and in the outcome, light and dark", must="true",
                  of=lambda: proven("tests/browser/test_steering.py"))
    bench.measure("reload", unit="s to the full state: reload, second tab, restarted kernel", must="< 5", of=reload_row)
    bench.measure("traffic", unit="kB/s", must="<= 10", of=traffic_row)
    bench.measure("big_board", unit="s to the first paint of 10,000 experiments", must="< 2", of=big_row)
    bench.measure("saved", unit="last state without a kernel, also untrusted", must="true",
                  of=lambda: proven("tests/browser/test_saved.py"))
    bench.measure("hostile_text", unit="text is text, layout intact", must="true", of=lambda: proven("tests/browser/test_hostile.py"))
    bench.measure("keyboard", unit="every control by Tab, named, with a visible focus", must="true",
                  of=lambda: proven("tests/browser/test_keyboard.py"))
    bench.measure("static", unit="the same tables as HTML and text", must="true",
                  of=lambda: proven("tests/panel/test_static.py", "tests/panel/test_notebook.py"))
    print(json.dumps([{key: row[key] for key in ("id", "value", "must", "ok")} for row in bench.rows], indent=1))


if __name__ == "__main__":
    main()
