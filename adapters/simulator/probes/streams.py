"""Are the streams of noise apart, repeatable and out of reach, and does the truth stay hidden until the sealed test?"""

from __future__ import annotations

from typing import Any

from _lab import STREAMS, Lab, attack

POINT = {"choice_0": "level_1", "choice_5": "level_2"}


def _losses(score: dict[str, Any]) -> list[float]:
    return [unit["value"] for unit in score["units"]]


def repeatable(lab: Lab) -> str | None:
    """The same run again gives the same numbers."""
    first, second = lab.score(POINT), lab.score(POINT)
    return None if _losses(first) == _losses(second) else "one run, scored twice, gave different losses"


def apart(lab: Lab) -> str | None:
    """No two partitions and no two seeds share a draw."""
    runs = {f"{name}, seed {seed}": lab.score({}, "--seed", str(seed), partition=name) for name in STREAMS for seed in (0, 1)}
    seen: dict[float, str] = {}
    for name, score in runs.items():
        for loss in _losses(score):
            if loss in seen:
                return f"{name} and {seen[loss]} share a draw"
            seen[loss] = name
    return None


def paired(lab: Lab) -> str | None:
    """Points are compared on the same units."""
    ids = [[unit["id"] for unit in lab.score(point)["units"]] for point in ({}, POINT)]
    return None if ids[0] == ids[1] else "two points of one partition and seed have different units"


def seed_trick(lab: Lab) -> str | None:
    """No seed of the evaluator is one that a point was tuned on."""
    for seed in range(4):
        honest, tuned = (lab.score(point, "--seed", str(seed), noise=0.0)["value"] for point in ({}, {"initialisation": "tuned"}))
        gain = honest - tuned
        if abs(gain) > 1e-9:
            return f"a point that was tuned on one seed gains {gain:.3g} with seed {seed} of the evaluator"
    return None


def truth(lab: Lab) -> str | None:
    """Neither the true loss nor a secret stands in a score before the sealed test."""
    for partition in ("search", "confirm"):
        score = lab.score(POINT, partition=partition, world=987654321)
        told = sorted(name for name in score["secondary"] if "true" in name)
        if told or "987654321" in str(score):
            return f"a score on {partition} tells {', '.join(told) or 'the secret of the world'}"
    return None


def smoke(lab: Lab) -> str | None:
    """A smoke score says that it is one."""
    score = lab.score(POINT, "--fidelity", "smoke")
    return None if score["fidelity"] == "smoke" and score["label"] == "ok" else f"a smoke score is marked {score['fidelity']}"


if __name__ == "__main__":
    attack({
        "a_run_repeats_itself": ("blocking", "def _seeds", repeatable),
        "streams_are_apart": ("blocking", "def _seeds", apart),
        "units_are_paired": ("blocking", "def measure(", paired),
        "tuning_on_a_seed_gains_nothing": ("blocking", "def _seeds", seed_trick),
        "truth_is_hidden": ("blocking", "def _truth", truth),
        "smoke_is_marked": ("blocking", '"fidelity": options.fidelity', smoke),
    })
