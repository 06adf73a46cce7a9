"""Row `real_scores`: champions of the shipped examples on search, confirm and sealed, beside the same baseline on the same rows."""

from __future__ import annotations

from typing import Any

from alphalab_nb.campaign import Campaign
from alphalab_nb.resources import shipped
from tests.bench.dispatch import fresh, run
from tests.bench.rows import Found
from tests.datasets import shared_data

EXAMPLES = {"co2": "", "etth1": "ett/ETTh1.csv.gz", "trondheim": "trondheim_traffic/traffic.csv.gz"}


def real_scores() -> Found:
    """Run a campaign on each; true if all three partitions of all have a score and a skill with their intervals."""
    printed = {example: _scores(example, file) for example, file in EXAMPLES.items()}
    rows = [row for found in printed.values() for row in found["partitions"].values()]
    whole = all(row.get("interval") and row.get("skill_interval") for row in rows) and len(rows) == 3 * len(EXAMPLES)
    return Found(whole, n=len(rows), detail=printed)


def _scores(example: str, file: str) -> dict[str, Any]:
    root = fresh(f"truth_{example}")
    data = {"data": {"path": str(shared_data() / file)}} if file else {}
    Campaign.create(root, shipped("adapters", "time_series", "examples", f"{example}.yaml"), **data)
    wall = run(root)
    board = Campaign.open(root).board
    sealed, certificate = board.fact("sealed"), board.fact("certificate")
    return {
        "champion": sealed["champion"], "smallest detectable gain": certificate["mde"], "wall_s": round(wall),
        "partitions": {row["partition"]: {key: value for key, value in row.items() if key != "partition"} for row in sealed["gap"]},
    }
