"""Can a smoke score (a few origins) pass for a full one? And do baselines answer the same questions as candidates?"""

from __future__ import annotations

import numpy as np
from _lab import Lab, World, attack, row_numbers

ZEROS = "return np.zeros(shape)"
RANKED = """
import json
from harness import score
cases = [(True, "smoke", 0.1), (True, "full", 0.5), (False, "full", 0.2)]
rows = [{"ok": ok, "fidelity": fidelity, "value": value} for ok, fidelity, value in cases]
print(json.dumps([row["value"] for row in score.ranked(rows)] if hasattr(score, "ranked") else None))
"""


def stamped(lab: Lab) -> str | None:
    """A smoke score says that it is one, and has its few origins only."""
    world = World(row_numbers(70), (30, 40), task={"smoke_origins": 3})
    smoke, full = (lab.score(world, ZEROS, "--fidelity", fidelity) for fidelity in ("smoke", "full"))
    if (smoke["fidelity"], full["fidelity"]) != ("smoke", "full"):
        return f"scores of fidelity smoke and full are stamped {smoke['fidelity']} and {full['fidelity']}"
    counts = len(smoke["units"]), len(full["units"])
    return None if counts == (6, 26) else f"smoke and full have {counts[0]} and {counts[1]} units, expected 6 and 26"


def unranked(lab: Lab) -> str | None:
    """A ranking holds full scores that passed, and nothing else."""
    order = lab.call(RANKED)
    return None if order in (None, [0.5]) else f"smoke or failed scores are ranked with full ones: {order}"


def paired(lab: Lab) -> str | None:
    """Baselines are judged on the units of a candidate, and by a case known by hand."""
    world = World(row_numbers(70), (30, 40), task={"season": 5})
    held, candidate = lab.baselines(world), lab.score(world, ZEROS)
    missing = {"naive", "seasonal_naive", "seasonal_naive_drift", "holt_winters", "ridge"} - set(held["baselines"])
    if missing:
        return f"baselines are missing: {', '.join(sorted(missing))}"
    ids = {unit["id"] for unit in candidate["units"]}
    if any({unit["id"] for unit in units} != ids for units in held["units"].values()):
        return "baselines and candidates are judged on different units, so they cannot be paired"
    expected = {"naive": np.sqrt(7.5), "seasonal_naive": 5.0, "seasonal_naive_drift": 0.0}  # errors 1..4, 5, 0 on a straight line
    wrong = [f"{name} {held['baselines'][name]:.4f}, by hand {value:.4f}" for name, value in expected.items()
             if abs(held["baselines"][name] - value) > 1e-9]
    return "; ".join(wrong) or None


if __name__ == "__main__":
    attack({
        "smoke_is_stamped": ("blocking", '"fidelity":', stamped),
        "smoke_is_not_ranked": ("blocking", "def ranked", unranked),
        "baselines_are_paired": ("blocking", "def score_baselines", paired),
    })
