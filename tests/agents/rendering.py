"""What a role is told before its task, rendered as run_agent renders it, on a fresh desk each time."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from alphalab_nb.adapter import Adapter
from alphalab_nb.agents import ROLES
from alphalab_nb.agents.agent import instructions
from alphalab_nb.resources import shipped
from tests.desk import desk

GOLDEN = Path(__file__).parents[1] / "golden" / "prompts"
ADAPTERS = {path.parent.name: path.parent for path in sorted(shipped("adapters").glob("*/manifest.yaml"))}
TASKS: dict[str, dict[str, Any]] = {
    "cuda_kernel": {"timing_s": 2.0}, "simulator": {"noise": 0.5}, "time_series": {"horizon": 24, "stride": 24, "season": 168},
}
"""What a campaign must give beyond the manifest's defaults."""


def render(adapter_root: Path, role_name: str, task: Mapping[str, Any]) -> str:
    """Return the instructions of a role of an adapter, in a workspace that no other render shares."""
    with tempfile.TemporaryDirectory() as folder:
        at = desk(Path(folder), task=dict(task))
        deps = at.as_role(role_name, at.workspace.root / "build")
        return instructions(ROLES[role_name], replace(deps, adapter=Adapter(adapter_root)))


def golden(adapter: str, role_name: str) -> str:
    """Return what the golden file of a role should hold."""
    return render(ADAPTERS[adapter], role_name, TASKS.get(adapter, {})).rstrip() + "\n"
