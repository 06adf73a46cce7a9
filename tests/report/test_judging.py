"""The Judge's record in the report: what each test on confirm cost, and how much of a kept gain was there again."""

from __future__ import annotations

from pathlib import Path

import pytest

from alphalab_nb.report import judge_record, kept_again
from alphalab_nb.report.judging import mean_fading
from alphalab_nb.storage.rulings import Rulings
from tests.boards import scored
from tests.report import campaigns
from tests.report.campaigns import Told, add, run
from tests.report.pages import Page


@pytest.fixture
def judged(tmp_path: Path) -> Told:
    """A campaign in which one experiment was screened out, one refused on confirm, two kept, and one of these set aside later."""
    told = campaigns.empty(tmp_path)
    board, rulings = told.board, Rulings(told.board.database)
    board.set_fact("harness", "h1")
    board.set_fact("baselines", {"search": {"naive": 4.0, "ridge": 2.0}, "confirm": {"naive": 6.0, "ridge": 4.0}})
    board.set_fact("certificate", {"baseline": "ridge", "value": 2.0, "low": None, "high": None, "mde": None, "band": None,
                                   "faults": [], "repeats": 5, "deterministic": True,
                                   "noise": {"seed_sd": 0.0, "unit_sd": 0.0, "df": None, "unit_df": None}})
    for name, value in (("screened", 2.5), ("refused", 1.9), ("kept", 1.0), ("fraud", 0.1)):
        add(board, name, value)
    rulings.add(1, "reject", "gain on search -0.5, not above 0", gain=-0.5, low=-0.6, high=-0.4)
    rulings.add(2, "replicate", "to be confirmed", gain=0.1, low=0.0, high=0.2)
    rulings.add(2, "reject", "p 0.4", p_value=0.4, gain=0.01, low=-0.1, high=0.12, alpha=0.015)
    rulings.add(3, "replicate", "not yet", p_value=0.02, gain=0.8, low=0.2, high=1.4, alpha=0.005)
    rulings.add(3, "keep", "p 0.001", p_value=0.001, gain=0.9, low=0.5, high=1.3)
    rulings.add(4, "keep", "p 0.001", incumbent=3, p_value=0.001, gain=2.0, low=1.0, high=3.0)
    board.change(4, quarantined=1)
    for value in (3.0, 3.5):
        run(board, 3, scored(value), kind="confirm", partition="confirm")
    run(board, 3, scored(1.25), kind="replicate")
    run(board, 3, scored(0.01, harness="another"), kind="replicate")
    run(board, 3, scored(0.01), kind="verify")
    run(board, 3, scored(0.01), kind="matched")
    return told


def test_each_look_at_confirm_is_a_row_with_what_is_left_of_alpha(judged: Told):
    table = judge_record(judged.board, 0.04)
    assert table[["id", "against", "decision", "p"]].values.tolist() == [
        [2, "baseline", "reject", 0.4], [3, "baseline", "replicate", 0.02], [3, "baseline", "keep", 0.001], [4, "#3", "keep", 0.001]]
    assert table["alpha spent"].tolist() == [0.015, 0.005, 0.0, 0.0]
    assert table["alpha left"].tolist() == pytest.approx([0.025, 0.02, 0.02, 0.02])
    assert table[["gain", "low", "high"]].loc[1].tolist() == [0.01, -0.1, 0.12]


def test_what_was_kept_stands_beside_what_it_showed_again_on_the_same_terms(judged: Told):
    table = kept_again(judged.board, judged.metric)
    assert list(table.index) == [3], "what is in quarantine is no longer kept"
    row = table.loc[3]
    assert (row["first score"], row["search again"], row["repeats"], row["confirm"], row["confirm runs"]) == (1.0, 1.25, 1, 3.25, 2)
    assert (row["gain first"], row["gain again"]) == (0.5, pytest.approx(0.1875)), "relative to ridge, on the rows of each"
    assert mean_fading(table) == pytest.approx(0.3125)


def test_without_confirm_the_repeats_on_search_tell(judged: Told):
    judged.board.set_fact("baselines", {"search": {"ridge": 2.0}})
    assert kept_again(judged.board, judged.metric).loc[3, "gain again"] == pytest.approx(0.375)


def test_a_campaign_without_rulings_has_no_such_chapter(tmp_path: Path):
    told = campaigns.searched(campaigns.empty(tmp_path))
    assert judge_record(told.board, 0.04).empty
    assert mean_fading(kept_again(told.board, told.metric)) is None
    assert "The Judge" not in Page(told.report()).text


def test_the_report_prints_both(judged: Told):
    page = Page(judged.report())
    assert [row["decision"] for row in page.table("The Judge").rows] == ["reject", "replicate", "keep", "keep"]
    assert "0.02 of the campaign's error probability of 0.04 is left" in page.text
    [row] = page.table("Kept, and measured again").rows
    assert (row["id"], row["gain first"], row["gain again"]) == ("3", "+50.0%", "+18.8%")
    assert "31.2 percentage points smaller the second time" in page.text
