"""Do bad points lose? Each of these must be refused by its own label, or gain nothing."""

from __future__ import annotations

from _lab import Lab, attack


def _label(lab: Lab, point: object, expected: str) -> str | None:
    score = lab.score(point)
    if score["label"] != expected or score["ok"] != (expected == "ok"):
        return f"{point!r} is labelled {score['label']} (value {score['value']}), expected {expected}"
    return None


def unusable(lab: Lab) -> str | None:
    """What is no point of the space is invalid, never read as the default."""
    points: list[object] = ["[]", "NaN", "{", {"choice_0": "level_9"}, {"unheard_of": "level_0"}]
    return next((found for point in points if (found := _label(lab, point, "invalid_output"))), None)


def usable(lab: Lab) -> str | None:
    """An honest point has a score."""
    return _label(lab, {"choice_0": "level_0"}, "ok")


def tolerance(lab: Lab) -> str | None:
    """A constraint that is broken by very little is broken."""
    return _label(lab, {"rounding": "slack"}, "gate_missed")


def own_clock(lab: Lab) -> str | None:
    """What a point costs is measured, not reported by it."""
    return _label(lab, {"clock": "own"}, "gate_missed")


def own_score(lab: Lab) -> str | None:
    """A point cannot bring its score along."""
    return _label(lab, {"value": 0.0, "ok": True}, "invalid_output")


def default_is_100(lab: Lab) -> str | None:
    """Without noise the default point has the loss that every world starts from."""
    value = lab.score({}, noise=0.0)["value"]
    return None if value is not None and abs(value - 100) < 1e-9 else f"the default point scores {value} without noise, expected 100"


if __name__ == "__main__":
    attack({
        "honest_point_is_scored": ("blocking", "def judge", usable),
        "unusable_points_are_invalid": ("blocking", "def read_point", unusable),
        "slack_is_no_tolerance": ("blocking", "missed = next", tolerance),
        "cost_is_measured": ("blocking", "missed = next", own_clock),
        "a_point_brings_no_score": ("blocking", "def read_point", own_score),
        "default_scores_100": ("blocking", "def judge", default_is_100),
    })
