"""The panel's leaderboard says of luck and compute what the leaderboard of the campaign says."""

from __future__ import annotations

from pathlib import Path

import pytest

from alphalab_nb.campaign import Campaign
from alphalab_nb.judge.leaders import MATCHED, RUN_CPU
from alphalab_nb.panel.reader import Reader
from alphalab_nb.panel.static import html_of, text_of
from tests.boards import scored
from tests.report.campaigns import add, run
from tests.support import small_campaign


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    """Two versions of the harness, repeats, a default, a gain with more compute, a row from before compute was recorded."""
    campaign = small_campaign(tmp_path)
    board = campaign.board
    board.set_fact("harness", "h-0123456789ab")
    noise = {"seed_sd": 0.2, "unit_sd": 0.3, "df": None}
    board.set_fact("certificate", {"noise": noise, "band": 1.0, "band_loss": 2.0, "repeats": 5, "harness": "h-0123456789ab"})
    for name, values, run_cpu, stage in (("default", (2.0, 2.2), 9.0, "defaults"), ("costly", (1.5,), 40.0, "refine"),
                                         ("early", (1.9,), None, "")):
        made = add(board, name, 9.0, stage=stage)
        for value in values:
            resources = {"cpu_s": 1.0, **({} if run_cpu is None else {RUN_CPU: run_cpu})}
            run(board, made.id, scored(value, harness="h-0123456789ab", resources=resources), kind="replicate")
    run(board, 1, scored(0.1, harness="h-0123456789ab", resources={"cpu_s": 99.0, RUN_CPU: 99.0}), kind="matched")
    board.set_fact(MATCHED, {"2": {"reference": 1, "stretch": 4.0, "value": 1.7, "compute_s": 40.0, "harness": "h-0123456789ab"}})
    add(board, "of_another_harness", 0.5)
    return campaign


def test_cards_and_runs_tell_the_same(campaign: Campaign):
    told = Reader(campaign.parts).whole()["sections"]["leaderboard"]
    rows = {row.id: row for row in campaign.rows()}
    assert told["reference"] == 1
    assert list(map(int, told["rows"])) == list(rows) == [2, 3, 1]
    for id, held in told["rows"].items():
        row = rows[int(id)]
        assert [held[name] for name in ("shrunken", "low", "high")] == pytest.approx([row.shrunken, row.low, row.high])
        assert (held["compute_ratio"], held["note"]) == (row.compute_ratio, row.note)
    assert rows[2].note.startswith("used 4.1 x the compute of #1; given 4.0 x its time, #1 used 4.0 x")
    assert rows[3].compute_s is None


def test_tables_without_scripts_show_it_too(campaign: Campaign):
    state = Reader(campaign.parts).saved()
    [costly] = [row for row in campaign.rows() if row.id == 2]
    for text in (html_of(state), text_of(state)):
        assert costly.note in text
        assert f"{costly.shrunken:.6g}" in text
