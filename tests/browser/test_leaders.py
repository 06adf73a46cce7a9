"""The leaderboard view shows what may be luck and what compute says of a gain, and keeps up with it."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

from alphalab_nb.judge.leaders import MATCHED, RUN_CPU
from tests.boards import scored
from tests.browser import steps
from tests.browser.servers import panel_page
from tests.report.campaigns import add, run
from tests.support import small_campaign

HARNESS = "h-0123456789ab"


def test_a_row_shows_its_interval_its_runs_and_its_compute(page: Page, theme: str, tmp_path: Path):
    campaign = small_campaign(tmp_path)
    board = campaign.board
    board.set_fact("harness", HARNESS)
    noise = {"seed_sd": 0.2, "unit_sd": 0.3, "df": None}
    board.set_fact("certificate", {"noise": noise, "band": 1.0, "band_loss": 2.0, "repeats": 5, "harness": HARNESS})
    for value, run_cpu, stage in ((2.0, 9.0, "defaults"), (1.5, 39.0, "refine")):
        made = add(board, f"scored_{value}", 9.0, stage=stage)
        run(board, made.id, scored(value, harness=HARNESS, resources={"cpu_s": 1.0, RUN_CPU: run_cpu}))
    best = campaign.rows()[0]
    with panel_page(campaign.workspace.root, tmp_path / "page", theme=theme) as url:
        page.goto(url)
        steps.wait_panel(page)
        steps.view(page, "leaderboard")
        cells = page.locator(f'.alnb-leader tr[data-id="{best.id}"] td')
        cells.first.wait_for()
        texts = dict(zip((head.lower() for head in page.locator(".alnb-leader th[data-key]").all_inner_texts()),
                         cells.all_inner_texts(), strict=True))
        assert texts["shrunken (90 %)"].startswith(f"{best.shrunken:.4f}"[:6])
        assert (texts["n"], texts["cpu a run"]) == ("1", "40 s · 4.0 × #1")

        found = {"reference": 1, "stretch": 4.0, "value": 1.7, "compute_s": 40.0, "harness": HARNESS}
        board.set_fact(MATCHED, {"2": found})
        page.locator('.alnb-leader td[title$="used 4.0 x its compute and scored 1.7"]').wait_for(timeout=10_000)
        page.goto("about:blank")
