"""The direction of a metric is settled in one place."""

from __future__ import annotations

import math

import pytest

from alphalab_nb.metric import Metric


@pytest.mark.parametrize(("direction", "ahead"), [("minimize", ["best", "good"]), ("maximize", ["worst"])])
def test_those_ahead_are_named_best_first_and_what_was_not_measured_is_not(direction: str, ahead: list[str]):
    others = {"worst": 9.0, "good": 2.0, "best": 1.0, "equal": 3.0, "broken": None, "odd": math.nan}
    assert Metric("m", direction).ahead(3.0, others) == ahead  # type: ignore[arg-type]
