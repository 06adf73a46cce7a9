"""What the panel's bench and its tests measure in a browser."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import Page, WebSocket

from alphalab_nb.campaign import Campaign
from tests.browser import steps
from tests.browser.campaigns import show_panel
from tests.browser.load import fill, writer
from tests.browser.servers import Lab
from tests.support import small_campaign

FLICKER = """() => {
    const root = document.querySelector('.alnb-root'); window.alnbLost = 0; window.alnbNodes = new Map();
    for (const card of root.querySelectorAll('.alnb-card')) window.alnbNodes.set(card.dataset.id, card);
    new MutationObserver(records => { for (const record of records) for (const node of record.removedNodes)
        if (node.classList?.contains('alnb-board') || node.classList?.contains('alnb-col')) window.alnbLost += 1;
    }).observe(root, {childList: true, subtree: true});
}"""
KEPT = """() => { let kept = 0, all = 0; for (const card of document.querySelectorAll('.alnb-card')) {
    const before = window.alnbNodes.get(card.dataset.id); if (before) { all += 1; kept += before === card; } }
    return [kept, all, window.alnbLost]; }"""


@dataclass
class Wire:
    """What goes over a page's sockets: all of a page's, so more than the panel's own."""

    received: int = 0
    """Bytes."""
    asked: float = 0.0
    """When the newest wish went out."""
    answers: list[float] = field(default_factory=list)
    """Seconds from each wish to its answer."""

    def follow(self, page: Page) -> Wire:
        page.on("websocket", self._open)
        return self

    def _open(self, socket: WebSocket) -> None:
        socket.on("framesent", self._sent)
        socket.on("framereceived", self._received)

    def _sent(self, frame: str | bytes) -> None:
        if b'"command"' in _bytes(frame):
            self.asked = time.monotonic()

    def _received(self, frame: str | bytes) -> None:
        self.received += len(_bytes(frame))
        if self.asked and b'"sent"' in _bytes(frame):
            self.answers.append(round(time.monotonic() - self.asked, 3))
            self.asked = 0.0


def loaded(lab: Lab, name: str, count: int) -> Campaign:
    """Return a campaign with that many experiments on its board."""
    campaign = small_campaign(lab.root / name)
    fill(campaign.board, count)
    return campaign


@dataclass
class Traffic:
    """What 20 writes a second cost."""

    kb_per_s: float
    click_s: float
    click_in_cell_s: float
    kept: int
    """Cards whose node is still the one that was there before."""
    seen: int
    lost: int
    """Columns or boards that were built anew."""


def traffic(page: Page, lab: Lab, *, experiments: int = 500, per_second: float = 20, seconds: float = 20) -> Traffic:
    """Measure a panel while another process writes."""
    wire, campaign = Wire().follow(page), loaded(lab, "traffic", experiments)
    show_panel(page, lab, campaign, "traffic.ipynb")
    with writer(campaign.workspace, per_second):
        page.wait_for_timeout(2000)
        page.evaluate(FLICKER)
        before = wire.received
        page.wait_for_timeout(seconds * 1000)
        rate = (wire.received - before) / seconds / 1000
        kept, seen, lost = page.evaluate(KEPT)
        click = clicks(page, wire)
        with busy_cell(page):
            busy = clicks(page, wire)
    return Traffic(round(rate, 2), click, busy, kept, seen, lost)


def clicks(page: Page, wire: Wire, *, count: int = 7) -> float:
    """Return the median seconds from a click's message to its answer, which says that the wish is on the board."""
    wire.answers.clear()
    for number in range(1, count + 1):
        # a wish that may be repeated before it is applied; pressed by the page, since cards move all the time
        page.locator('[data-named="Raise the priority of"]').first.evaluate("node => node.click()")
        begun = time.monotonic()
        while len(wire.answers) < number:
            assert time.monotonic() - begun < 30, "the click was not answered"
            page.wait_for_timeout(5)
    return median(wire.answers)


def _bytes(frame: str | bytes) -> bytes:
    return frame if isinstance(frame, bytes) else frame.encode()


@contextmanager
def busy_cell(page: Page, seconds: float = 30.0) -> Iterator[None]:
    """Run a cell of the panel's own kernel that computes without a pause."""
    kernel = "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"
    code = f"import time\\nend = time.monotonic() + {seconds}\\nwhile time.monotonic() < end: sum(range(1000))"
    page.evaluate(f"() => {{ window.over = false; window.cell = {kernel}.requestExecute({{code: '{code}'}}); }}")
    page.evaluate("() => { window.cell.done.finally(() => { window.over = true; }); }")
    page.wait_for_function(f"{kernel}.status === 'busy'", timeout=10_000)
    yield
    assert not page.evaluate("window.over"), "the cell ended before the measurement did"  # a click's answer sets the status to idle
    page.evaluate(f"() => {kernel}.interrupt()")


@dataclass
class Big:
    """Times of a panel with very many experiments."""

    paint_s: float
    """From running the cell `campaign.panel()` to the first paint of the whole board."""
    draw_s: float
    """The longest time that the page's thread worked for an update of one card."""
    late_s: float
    """Median time from a write of another process to its paint; the panel looks at the board once a second."""


def big_board(page: Page, lab: Lab, *, experiments: int = 10_000) -> Big:
    """Measure first paint and updates; opening the campaign and loading the libraries happens before, in a cell of its own."""
    campaign = loaded(lab, "big", experiments)
    root = str(campaign.workspace.root)
    first = f"from alphalab_nb import Campaign\nimport alphalab_nb.panel.widget\ncampaign = Campaign.open({root!r})"
    steps.write_notebook(lab.root / "big.ipynb", first, "campaign.panel()")
    steps.open_notebook(page, lab, "big.ipynb")
    steps.command(page, "notebook:run-cell-and-select-next")
    page.wait_for_function("window.jupyterapp.shell.currentWidget.content.widgets[0].model.executionCount === 1", timeout=60_000)
    steps.wait_kernel(page)
    paint_ms = page.evaluate(PAINTED, experiments)
    page.wait_for_timeout(3000)
    draws, late = zip(*[_update(page, campaign, experiments - number, number + 1) for number in range(8)], strict=True)
    return Big(round(paint_ms / 1000, 3), max(draws), median(list(late)))


def _update(page: Page, campaign: Campaign, id: int, priority: int) -> tuple[float, float]:
    """Change one card; return the seconds that the page worked for it, and those until it was seen."""
    rev, begun = page.get_attribute(steps.PANEL, "data-rev"), time.monotonic()
    campaign.board.change(id, priority=priority)
    page.wait_for_function("rev => document.querySelector('.alnb-root').dataset.rev !== rev", arg=rev, timeout=20_000)
    seen = time.monotonic() - begun
    return float(page.get_attribute(steps.PANEL, "data-paint-ms") or "nan") / 1000, round(seen, 3)


PAINTED = """count => new Promise(done => {
    const begun = performance.now();
    const whole = () => {
        const root = document.querySelector('.alnb-root[data-alnb-ready="1"][data-live="live"]');
        const numbers = root ? [...root.querySelectorAll('.alnb-col .alnb-n')].map(n => Number(n.textContent.replace(/\\D/g, ''))) : [];
        const held = numbers.reduce((sum, n) => sum + n, 0);
        if (held >= count) done(performance.now() - begun); else requestAnimationFrame(whole);
    };
    window.jupyterapp.commands.execute('notebook:run-cell'); whole();
})"""


def median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
