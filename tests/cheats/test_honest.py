"""What stops cheats does not stop honest work."""

from __future__ import annotations

from pathlib import Path

from tests.cheats import honest


def test_honest_experiments_of_time_series_pass(tmp_path: Path) -> None:
    """One of each family; the bench runs twenty."""
    scores = honest.time_series(tmp_path, len(honest.FAMILIES))
    assert {name: score.label for name, score in scores.items()} == {f"{family}_0": "ok" for family in honest.FAMILIES}
    assert all(score.gates for score in scores.values())


def test_honest_points_of_the_simulator_pass(tmp_path: Path) -> None:
    scores = honest.simulator(tmp_path, 5)
    assert [score.label for score in scores.values()] == ["ok"] * 5
