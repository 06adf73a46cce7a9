"""Figures: pictures in words, from the same numbers as the tables."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path

import pytest

from alphalab_nb.report import convergence, family_shares, playbook_growth
from alphalab_nb.report.figures import Picture
from tests.boards import proposal
from tests.report import campaigns
from tests.report.campaigns import Told
from tests.report.pages import PNG


def test_convergence_tells_the_best_and_how_far_it_came(told: Told):
    assert convergence(told.board, told.metric).alt == "best wMAPE 1.5 after 5 full scores, 3 with the first; 1 quarantined are left out"


def test_a_score_far_off_is_drawn_at_the_edge_and_counted(tmp_path: Path):
    told = campaigns.empty(tmp_path)
    for value in (1.0, 1.1, 1.2, 1e6):
        campaigns.add(told.board, "x", value)
    assert convergence(told.board, told.metric).alt.endswith("; 1 far off are drawn at the edge")


@pytest.mark.parametrize("values", [(1.0,), (0.0, 0.0), (-2.0, -2.0, -3.0), (1e-12, 1e12)])
@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_any_scores_can_be_drawn(tmp_path: Path, direction: str, values: tuple[float, ...]):
    told = campaigns.empty(tmp_path, direction=direction)
    for value in values:
        campaigns.add(told.board, "x", value)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        best = (min if direction == "minimize" else max)(values)
        assert convergence(told.board, told.metric).alt.startswith(f"best wMAPE {best:.6g} after {len(values)} full scores")


def test_family_shares_count_every_experiment_the_largest_family_first(told: Told):
    alt = family_shares(told.board, told.metric).alt
    assert alt == "ridge 3, gbm 3, drift 3, lags 1"
    assert sum(int(part.split()[-1]) for part in alt.split(", ")) == len(told.board.list())


def test_growth_ends_with_the_words_in_force(told: Told):
    words = sum(len(entry.claim.split()) for entry in told.playbook.entries())
    assert playbook_growth(told.playbook).alt.startswith(f"{words} words in {len(told.playbook.entries())} lessons")


def test_growth_tells_of_use_and_retirement(tmp_path: Path):
    told = campaigns.searched(campaigns.empty(tmp_path))
    before = playbook_growth(told.playbook).alt
    assert "1 retired, cited 0 times" in before
    told.board.add(proposal("cites", hypothesis="more of it (playbook 1 and 3)"), by="test")
    told.playbook.retire(1, author="analyst")
    assert "2 retired, cited 2 times" in playbook_growth(told.playbook).alt


def test_dollars_are_money_and_no_formula(tmp_path: Path):
    told = campaigns.empty(tmp_path, unit=r"$ per $\MWh")
    told.board.set_fact("baselines", {"search": {r"$\naive$": 3.0}})
    campaigns.add(told.board, "x", 1.0, family=r"$\gbm$")
    assert convergence(told.board, told.metric).png.startswith(PNG)
    assert family_shares(told.board, told.metric).png.startswith(PNG)


def test_family_names_that_look_like_numbers_stay_names(tmp_path: Path):
    told = campaigns.empty(tmp_path)
    for family in ("2", "10", ""):
        campaigns.add(told.board, "x", 1.0, family=family)
    assert family_shares(told.board, told.metric).alt == "2 1, 10 1,  1"


def test_a_figure_is_the_same_bytes_for_the_same_board(told: Told):
    assert convergence(told.board, told.metric).png == convergence(told.board, told.metric).png


def test_the_figure_of_families_grows_with_their_number(told: Told, tmp_path: Path):
    many = campaigns.empty(tmp_path)
    for n in range(12):
        campaigns.add(many.board, "x", 1.0 + n, family=f"family_{n}")
    assert _height(family_shares(many.board, many.metric)) > 2 * _height(family_shares(told.board, told.metric))


def test_a_figure_shows_itself_in_a_notebook_and_escapes_its_words():
    picture = Picture(PNG, 'a "quoted" <b>')
    assert picture._repr_png_() == PNG
    assert 'alt="a &quot;quoted&quot; &lt;b&gt;"' in picture.html
    assert "quoted" in repr(picture)


def _height(picture: Picture) -> int:
    return struct.unpack(">I", picture.png[20:24])[0]
