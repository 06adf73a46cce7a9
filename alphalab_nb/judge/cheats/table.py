"""The table of cheats: what was seen, where it applies, and who must stop it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import yaml

HERE = Path(__file__).resolve().parent
ANY = HERE / "any"
"""The attack on harnesses whose adapter brings no cheats."""

Kind = Literal["program", "source", "point"]


@dataclass(frozen=True, kw_only=True)
class Cheat:
    """One way to be ranked for something else than being good."""

    id: str
    title: str
    kinds: tuple[Kind, ...]
    """program: the candidate's code makes the artefact or answers while it is scored; source: the artefact is code that the harness builds
    and runs; point: the artefact is data."""
    by: str
    """Who must stop it."""
    how: str
    number: int | None = None
    """Row among the sixteen that were seen in the wild."""
    seen: str = ""
    """Where it was seen."""
    paper: bool = False
    """Whether it is a bug of a harness that the paper reports of its own phase 2."""


@cache
def cheats() -> dict[str, Cheat]:
    """Return every cheat by its id, in the order of the table."""
    rows = yaml.safe_load((HERE / "cheats.yaml").read_text(encoding="utf-8"))
    return {id: Cheat(id=id, **{**row, "kinds": tuple(row["kinds"])}) for id, row in rows.items()}
