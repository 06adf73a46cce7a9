"""What a scoring must say, computed here by other code than the harness's. Each check returns what is wrong, or None."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from stage import World

Score = dict[str, Any]


def honest_units(world: World) -> dict[str, float]:
    """Return the squared error of the last value that may be known, by unit."""
    embargo = world.task.get("embargo", 0)
    return {f"t{t}/item{n}": float(np.mean((world.windows()[i, :, n] - world.target[t - embargo - 1, n]) ** 2))
            for i, t in enumerate(world.origins) for n in range(world.target.shape[1])}


def honest_loss(world: World) -> float:
    return math.sqrt(np.mean(list(honest_units(world).values())))


def units_of(score: Score) -> dict[str, float]:
    return {unit["id"]: unit["value"] for unit in score["units"]}


def differs(found: float | None, expected: float, name: str) -> str | None:
    if found is not None and math.isclose(found, expected, rel_tol=1e-9):
        return None
    return f"{name} is {found}, by hand it is {expected:.10g}"


def _unusable(score: Score) -> str | None:
    return None if score["ok"] else f"an honest candidate was refused: {score['label']} {score.get('error', '')[-200:]}"


def _units_differ(score: Score, expected: dict[str, float]) -> str | None:
    found = units_of(score)
    if set(found) != set(expected):
        return f"units differ from those whose truth is known: {', '.join(sorted(set(found) ^ set(expected))[:3])}"
    return next((message for key in expected if (message := differs(found[key], expected[key], f"unit {key}"))), None)


def honest_by_hand(scores: dict[str, Score], worlds: dict[str, World]) -> str | None:
    score, world = scores["plain"], worlds["known"]
    return _unusable(score) or _units_differ(score, honest_units(world)) or differs(score["value"], honest_loss(world), "rmse")


def baselines_by_hand(scores: dict[str, Score], worlds: dict[str, World]) -> str | None:
    held = scores["baselines"]
    if not held.get("baselines"):
        return f"the baselines were not scored: {held.get('error', '')[-200:]}"
    unscored = [name for name, value in held["baselines"].items() if value is None or not math.isfinite(value)]
    if unscored:
        return f"baselines without a number: {', '.join(unscored)}"
    known = units_of(scores["plain"])
    unpaired = [name for name, units in held["units"].items() if {unit["id"] for unit in units} != set(known)]
    if unpaired:
        return f"baselines are not judged on the units of a candidate: {', '.join(unpaired)}"
    return differs(held["baselines"]["naive"], honest_loss(worlds["known"]), "naive") if "naive" in held["baselines"] else None


def constant_by_hand(scores: dict[str, Score], worlds: dict[str, World]) -> str | None:
    world, score = worlds["gaps"], scores["constant"]
    with np.errstate(all="ignore"):
        square = world.windows() ** 2
        units = {f"t{t}/item{n}": float(np.nanmean(square[i, :, n])) for i, t in enumerate(world.origins) for n in range(2)
                 if np.isfinite(square[i, :, n]).any()}
    return _unusable(score) or _units_differ(score, units) or differs(score["value"], math.sqrt(np.mean(list(units.values()))), "rmse")


def zscore_by_hand(scores: dict[str, Score], worlds: dict[str, World]) -> str | None:
    world, score = worlds["zscore"], scores["zscore"]
    deviation = world.target[: world.explore].std(axis=0)
    return _unusable(score) or differs(score["value"], float(np.mean((world.windows() / deviation) ** 2)), "mse in z-units")


def mase_by_hand(scores: dict[str, Score], worlds: dict[str, World]) -> str | None:
    world, score = worlds["gaps"], scores["constant"]
    season = world.task["season"]
    history = world.target[: world.explore]
    scale = np.abs(history[season:] - history[:-season]).mean(axis=0)
    units = [[np.abs(steps[np.isfinite(steps)]).mean() / scale[n] for window in world.windows() if np.isfinite(steps := window[:, n]).any()]
             for n in range(2)]
    expected = float(np.mean([*units[0], *units[1]]))
    return differs(score["secondary"]["mase"], expected, "mase") if "mase" in score.get("secondary", {}) else _unusable(score)


def volatility_is_causal(scores: dict[str, Score], worlds: dict[str, World]) -> str | None:
    """The last row before the origin is the same in both worlds, and so must be every rolling statistic at it."""
    both = [scores[name].get("secondary", {}) for name in ("calm", "jump")]
    if any(found.get("rmse_per_volatility") is None for found in both):
        return _unusable(scores["jump"])
    calm, jump = (found["rmse"] / found["rmse_per_volatility"] for found in both)
    return differs(jump, calm, "the rolling volatility at an origin, after only rows from the origin on have changed,")


def smoke_claimed_as_full(scores: dict[str, Score], worlds: dict[str, World]) -> str | None:
    smoke, full = scores["smoke"], scores["plain"]
    if (smoke.get("fidelity"), full.get("fidelity")) != ("smoke", "full"):
        return f"scores of fidelity smoke and full are stamped {smoke.get('fidelity')} and {full.get('fidelity')}"
    count = 3 * worlds["known"].target.shape[1]
    return _unusable(smoke) or (None if len(smoke["units"]) == count else f"a smoke score has {len(smoke['units'])} units, not {count}")


def smoke_ranked_with_full(scores: dict[str, Score], worlds: dict[str, World]) -> str | None:
    order = scores["ranks_smoke"].get("ranked", "nothing")
    return None if order in (None, [0.5]) else f"smoke or failed scores are ranked with full ones: {order}"
