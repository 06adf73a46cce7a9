"""Milestones: what a person reads while the search goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from alphalab_nb.metric import Direction
from alphalab_nb.report import milestone
from tests.boards import proposal, scored
from tests.report import campaigns
from tests.report.campaigns import Told


def section(text: str, title: str) -> list[str]:
    return [line for line in text.split(f"## {title}\n")[1].split("\n## ")[0].splitlines() if line]


@pytest.mark.parametrize(
    ("direction", "best"), [("minimize", "#3 ridge_tuned (ridge): wMAPE 1.5"), ("maximize", "#1 drift_default (drift): wMAPE 3")]
)
def test_the_best_is_named_whichever_way_the_metric_goes(tmp_path: Path, direction: Direction, best: str):
    told = campaigns.searched(campaigns.empty(tmp_path, direction=direction))
    lines = section(milestone(told.board, told.metric, number=2), "Best so far")
    assert lines[0] == f"1. {best}"
    assert len([line for line in lines if line[0].isdigit()]) == 5
    assert lines[-1] == "Baselines: naive 4, seasonal_naive 2.5, broken –."


def test_the_trajectory_ends_with_the_best_and_skips_what_is_quarantined(told: Told):
    text = milestone(told.board, told.metric, number=1)
    assert section(text, "Trajectory") == [
        "- full score 1: 3 (#1 drift_default)", "- full score 2: 2 (#2 gbm_default)", "- full score 3: 1.5 (#3 ridge_tuned)",
    ]


def test_only_what_has_a_smoke_score_is_flagged_for_it(told: Told):
    assert section(milestone(told.board, told.metric, number=1), "Flagged") == [
        "- #5 gbm_leak: quarantined, not ranked", "- #8 ridge_screened: smoke score only, not ranked",
    ]


def test_an_empty_board_has_a_milestone(tmp_path: Path):
    told = campaigns.empty(tmp_path)
    text = milestone(told.board, told.metric, number=1)
    assert text.startswith("# Milestone 1\n\nNo experiments yet.\n")
    assert section(text, "Best so far") == ["No full score yet."]
    assert section(text, "Trajectory") == ["- nothing yet"]
    assert section(text, "Flagged") == ["- nothing"]
    assert section(text, "Recommendations") == ["- Nothing unusual."]


def test_a_standstill_failures_and_a_crowded_family_are_pointed_out(tmp_path: Path):
    told = campaigns.empty(tmp_path)
    first = campaigns.add(told.board, "best", 1.0)
    for _ in range(10):
        campaigns.run(told.board, first.id, scored(2.0))
    for n in range(9):
        campaigns.add_failed(told.board, f"f{n}")
    told.board.add(proposal("other", family="gbm"), by="test")
    advice = section(milestone(told.board, told.metric, number=1), "Recommendations")
    assert advice == [
        "- No improvement in the last 10 full scores: widen the search, or stop.",
        "- 9 of 11 experiments failed: look at the failures before going on.",
        "- More than half of the experiments are of the family drift: try others.",
    ]


def test_texts_are_written_as_they_are(tmp_path: Path):
    told = campaigns.empty(tmp_path)
    campaigns.add(told.board, "x", 1.0, family="a<b & c")
    assert "(a<b & c)" in milestone(told.board, told.metric, number=1)
