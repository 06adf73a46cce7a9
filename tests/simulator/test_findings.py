"""What notebooks/truth.ipynb shows: the figures of the bench and of one world are those of the campaigns themselves."""

from __future__ import annotations

import math
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from threadpoolctl import threadpool_limits

from alphalab_nb.errors import BadInput
from alphalab_nb.report import truth as figures
from alphalab_nb.simulate import findings
from alphalab_nb.simulate.course import course
from alphalab_nb.simulate.measures import RUNS, raced
from tests.bench import rows, truth


@pytest.mark.parametrize("seed", [1, 2])
def test_watching_a_campaign_does_not_change_it(seed: int):
    world = course(seed)
    with threadpool_limits(1):
        ended = raced(seed, 1.0)
    assert {arm: moments[-1].true - world.best for arm, moments in world.arms.items()} == {arm: one.regret for arm, one in ended.items()}


def test_the_course_leads_from_the_start_through_the_runs_and_never_beyond_the_best_point():
    world = course(3)
    for moments in world.arms.values():
        assert moments[0].true == world.start
        assert all(before.runs <= after.runs for before, after in pairwise(moments))
        assert RUNS - 2 <= moments[-1].runs <= RUNS  # a pair of runs may not fit in what is left
        assert min(moment.true for moment in moments) >= world.best


@pytest.mark.slow
def test_what_the_bench_writes_is_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rows, "OUT", tmp_path)
    monkeypatch.setattr(truth, "NULL_CAMPAIGNS", 4)
    monkeypatch.setattr(truth, "POWER_CAMPAIGNS", 4)
    monkeypatch.setattr(truth, "WORLDS", 3)
    monkeypatch.setattr(sys, "argv", ["truth", "null_world", "power", "regret", "optimism", "sealed_cover"])
    truth.main()
    read, made = findings.read(tmp_path / "truth.json"), findings.measured(worlds=3, campaigns=4)
    assert (read.null, read.nominal, read.covered, read.power) == (made.null, made.nominal, made.covered, made.power)
    assert (read.campaigns, read.worlds) == (4, 3)
    for mine, theirs in ((made.regret, read.regret), (made.ahead, read.ahead), (made.optimism, read.optimism)):
        assert set(mine) == set(theirs)
        for arm, spans in mine.items():
            for ratio, span in spans.items():
                found = theirs[arm][ratio]
                assert (found.value, found.low, found.high) == pytest.approx((span.value, span.low, span.high), abs=2e-3)


def test_a_share_has_an_interval_also_where_nothing_or_everything_was_counted():
    none, all_ = findings.share(0, 40), findings.share(40, 40)
    assert (none.value, none.low) == (0.0, pytest.approx(0.0, abs=1e-12))
    assert 0.05 < none.high < 0.12
    assert all_.low == pytest.approx(1 - none.high)


def test_what_was_not_measured_is_said_to_be_missing(tmp_path: Path):
    (tmp_path / "empty.json").write_text("[]", encoding="utf-8")
    empty = findings.read(tmp_path / "empty.json")
    for figure in (figures.null_world, figures.power, figures.real, figures.regret, figures.ahead, figures.optimism, figures.coverage):
        assert figure(empty).alt == "not measured"


def test_a_figure_says_in_words_what_it_shows():
    spans = {"ours": {1.0: findings.Span(0.5, 0.25, math.nan)}}
    assert figures.regret(findings.Findings(regret=spans)).alt == "regret of the champion, in effects: ours 0.50 [0.25, nan] at 1"


@pytest.mark.parametrize("text", ["", "[1]", '{"a": 1}'])
def test_a_file_that_is_no_table_is_refused_with_the_remedy(tmp_path: Path, text: str):
    path = tmp_path / "wrong.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match="make bench AREA=truth"):
        findings.read(path)
