"""Row `real_scores`: champions of the shipped examples on search, confirm and sealed, beside the same baseline on the same rows."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import Any

from alphalab_nb.campaign import Campaign
from alphalab_nb.resources import shipped
from tests.bench.dispatch import fresh, run
from tests.bench.rows import Found
from tests.datasets import shared_data

EXAMPLES = {"co2": "", "etth1": "ett/ETTh1.csv.gz", "trondheim": "trondheim_traffic/traffic.csv.gz"}
PARTITIONS = ("search", "confirm", "sealed")


class Line(dict[str, Any]):
    """Numbers that print as a line of a table."""

    def __str__(self) -> str:
        if "error" in self:
            return str(self["error"])
        if "partition" not in self:
            return ", ".join(f"{name} {value}" for name, value in self.items())
        score = f"{self['metric']} {self['score']:.4g} {_ends(self.get('interval'))}"
        baseline = f"{self['baseline']} {self.get('baseline_score', float('nan')):.4g}"
        return f"{score}, {baseline}, skill {self.get('skill', float('nan')):+.3f} {_ends(self.get('skill_interval'))}"


def real_scores() -> Found:
    """Run a campaign on each; true if all three partitions of all have a score and a skill with their intervals."""
    found = {example: _measured(example, file) for example, file in EXAMPLES.items()}
    detail = {f"{example} {name}".strip(): line for example, lines in found.items() for name, line in lines.items()}
    rows = [line for name, line in detail.items() if name.split()[-1] in PARTITIONS]
    whole = all(row.get("interval") and row.get("skill_interval") for row in rows) and len(rows) == len(PARTITIONS) * len(EXAMPLES)
    return Found(whole, n=len(rows), detail=detail)


def _measured(example: str, file: str) -> dict[str, Line]:
    """Return the lines of an example; an error is a line, so that the others are still measured."""
    try:
        return _lines(example, file)
    except Exception as error:  # a bench reports every row
        traceback.print_exc()
        return {"": Line(error=repr(error))}


def _lines(example: str, file: str) -> dict[str, Line]:
    root = fresh(f"truth_{example}")
    data = {"data": {"path": str(shared_data() / file)}} if file else {}
    Campaign.create(root, shipped("adapters", "time_series", "examples", f"{example}.yaml"), **data)
    wall = run(root)
    campaign = Campaign.open(root)
    return told(campaign) | {"campaign": Line({**_about(campaign), "wall_s": round(wall)})}


def told(campaign: Campaign) -> dict[str, Line]:
    """Return a line per partition of a campaign that has ended."""
    gap: list[Mapping[str, Any]] = campaign.board.fact("sealed")["gap"]
    return {row["partition"]: Line(metric=campaign.parts.metric.name, **row) for row in gap}


def _about(campaign: Campaign) -> dict[str, Any]:
    sealed, certificate = campaign.board.fact("sealed"), campaign.board.fact("certificate")
    champion = campaign.board.get(sealed["champion"])
    return {"champion": f"#{champion.id} {champion.name}", "smallest provable gain": certificate["mde"],
            "experiments": len(campaign.board.list())}


def _ends(ends: list[float] | None) -> str:
    return f"[{ends[0]:.4g}, {ends[1]:.4g}]" if ends else "[no interval]"
