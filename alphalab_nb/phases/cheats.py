"""Phase 2: plant every known cheat in the harness before it is frozen; one that survives ends the phase."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from alphalab_nb.errors import PhaseFailed
from alphalab_nb.judge.cheats import ANY, Row, kill_matrix, survivors
from alphalab_nb.parts import Parts
from alphalab_nb.phases.steps import Result, step
from alphalab_nb.resources import shipped

FACT = "kill_matrix"
HARNESS = ("harness", "sandbox", "gate reproducible")
"""Who is attacked here; what other parts stop does not depend on the campaign, and their own tests show it."""


@step("build")
def plant_cheats(parts: Parts) -> Result:
    """Attack the campaign's own harness with every planted cheat that applies to its domain.

    Raises:
        PhaseFailed: a cheat survived, or could not be planted; each is named with what it got away with.
    """
    folder = cheats_of(parts)
    env = {"ALPHALAB_DATA": str(parts.workspace.explore_data), "ALPHALAB_VAULT": str(parts.workspace.vault)} if folder == ANY else None
    rows = kill_matrix(parts.workspace.harness, folder, kind=parts.adapter.manifest.made_of, sandbox=parts.sandbox, env=env)
    result = summary(rows)
    parts.board.set_fact(FACT, result)
    alive = survivors(rows)
    if alive:
        told = "; ".join(f"{row.cheat} (stopped by the {row.by}, if at all): {row.message}" for row in alive)
        raise PhaseFailed(f"the evaluation lets {len(alive)} planted cheats through and would rank whoever uses them: {told}. "
                          f"Mend {parts.workspace.harness}, which is not frozen yet, and run the phase again")
    return result


def cheats_of(parts: Parts) -> Path:
    """Return the folder of the domain's attack: that of the shipped adapter, which no agent can write to, else the campaign's own."""
    for folder in (shipped("adapters", parts.config.domain, "cheats"), parts.workspace.adapter / "cheats"):
        if (folder / "attack.py").is_file():
            return folder
    return ANY


def summary(rows: Sequence[Row]) -> Result:
    """Return the matrix with its counts; `not_attacked` names what applies and must be stopped here, but was not planted."""
    planted = [row for row in rows if row.killed is not None]
    return {
        "rows": [asdict(row) for row in rows], "planted": len(planted), "killed": sum(bool(row.killed) for row in planted),
        "not_attacked": [row.cheat for row in rows if row.killed is None and row.by in HARNESS],
    }
