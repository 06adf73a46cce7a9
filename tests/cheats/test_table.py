"""The table of cheats is whole: the sixteen that were seen in the wild, and the bugs of the paper's own phase 2."""

from __future__ import annotations

from alphalab_nb.judge.cheats import cheats

PARTS = {"judge", "harness", "sandbox", "leaderboard", "partitions", "identity", "evaluator", "board", "gate reproducible"}


def test_all_sixteen_are_there() -> None:
    assert sorted(cheat.number for cheat in cheats().values() if cheat.number) == list(range(1, 17))
    assert all(cheat.seen for cheat in cheats().values() if cheat.number)


def test_the_six_bugs_of_the_paper_are_there() -> None:
    assert {cheat.id for cheat in cheats().values() if cheat.paper} == {
        "short_history", "mase_season", "volatility_of_today", "embargo_in_fit_only", "own_reference", "smoke_as_full"}


def test_every_cheat_says_who_stops_it_and_how() -> None:
    for cheat in cheats().values():
        assert cheat.title
        assert cheat.how
        assert cheat.by in PARTS
        assert set(cheat.kinds) <= {"program", "source", "point"}
