"""Can a smoke score (a few origins) pass for a full one? And do baselines answer the same questions as candidates?"""

from __future__ import annotations

import numpy as np
from _lab import Lab, World, attack

RATES = np.exp(np.cumsum(np.random.default_rng(0).normal(0, 0.01, (70, 2)), axis=0))
FLAT = "return np.ones(shape)"
BASELINES = {"naive", "drift", "momentum", "var1"}


def _world(**task: object) -> World:
    return World(RATES, (30, 40), task={"metric": "sharpe", "stride": 4, **task})


def stamped(lab: Lab) -> str | None:
    """A smoke score says that it is one, and has its few origins only."""
    smoke, full = (lab.score(_world(smoke_origins=3), FLAT, "--fidelity", fidelity) for fidelity in ("smoke", "full"))
    if (smoke["fidelity"], full["fidelity"]) != ("smoke", "full"):
        return f"scores of fidelity smoke and full are stamped {smoke['fidelity']} and {full['fidelity']}"
    counts = len(smoke["units"]), len(full["units"])
    return None if counts == (6, 20) else f"smoke and full have {counts[0]} and {counts[1]} units, expected 6 and 20"


def paired(lab: Lab) -> str | None:
    """Baselines are judged on the units of a candidate, and the flat one by a case known by hand."""
    held, candidate = lab.baselines(_world()), lab.score(_world(), FLAT)
    missing = BASELINES - set(held["baselines"])
    if missing:
        return f"baselines are missing: {', '.join(sorted(missing))}"
    ids = {unit["id"] for unit in candidate["units"]}
    if any({unit["id"] for unit in units} != ids for units in held["units"].values()):
        return "baselines and candidates are judged on different units, so they cannot be paired"
    flat = held["baselines"]["naive"]
    return None if flat == 0 else f"a forecast of the last rate trades nothing, but its Sharpe is {flat}"


def overlapping(lab: Lab) -> str | None:
    """Windows that overlap would count a day several times."""
    score = lab.score(_world(stride=3), FLAT)
    return None if score["label"] == "infrastructure" else f"stride 3 under horizon 4 is scored ({score['label']}), not refused"


if __name__ == "__main__":
    attack({
        "smoke_is_stamped": ("blocking", '"fidelity":', stamped),
        "baselines_are_paired": ("blocking", "def score_baselines", paired),
        "overlap_is_refused": ("blocking", "task.stride < task.horizon", overlapping),
    })
