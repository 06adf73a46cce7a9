"""Phase 0: check what the campaign stands on, split the data before any agent looks, fit the adapter to the data."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
from pathlib import Path

from alphalab_nb.adapter import Adapter
from alphalab_nb.agents import Deps, run_agent
from alphalab_nb.agents.tasks import CustomizeTask
from alphalab_nb.errors import WorkspaceError
from alphalab_nb.partitions import SeriesSpec, load_series, make_partitions
from alphalab_nb.parts import Parts
from alphalab_nb.phases.steps import Result, step
from alphalab_nb.resources import cores, gpus

MIN_FREE_GIB = 1.0


@step("adapt")
def preflight(parts: Parts) -> Result:
    """Check disk, cores, sandbox and versions before anything is spent.

    Raises:
        WorkspaceError: too little disk space is left.
    """
    free_gib = shutil.disk_usage(parts.workspace.root).free / 2**30
    if free_gib < MIN_FREE_GIB:
        raise WorkspaceError(f"only {free_gib:.1f} GiB are free at {parts.workspace.root}; free at least {MIN_FREE_GIB:.0f} GiB")
    parts.board.set_fact("sandbox", {"level": parts.sandbox.level, "covers": parts.sandbox.describe()})
    return {
        "python": platform.python_version(),
        "alphalab_nb": importlib.metadata.version("alphalab-nb"),
        "cores": len(cores()),
        "gpus": gpus(),
        "free_gib": round(free_gib, 1),
        "sandbox": parts.sandbox.level,
        "sandbox_covers": parts.sandbox.describe(),
        "recipes": [recipe.family for recipe in parts.recipes],
    }


@step("adapt")
def make_data(parts: Parts) -> Result:
    """Read the data, repair what can be repaired, and split it into explore | search | confirm | sealed."""
    spec = SeriesSpec.from_config(parts.config.data, parts.workspace.root)
    panel = load_series(spec, parts.workspace.root)
    report = make_partitions(panel, parts.config.partitions, int(parts.task["horizon"]), parts.workspace.root)
    return report.as_dict()


@step("adapt")
def adapt_domain(parts: Parts) -> Result:
    """Let the Customizer fill the adapter's domain knowledge from the explore partition, then validate the adapter."""
    task = CustomizeTask(adapter=parts.workspace.adapter, task=parts.task)
    report = run_agent("customizer", phase_deps(parts, "adapt", "0_customizer.ipynb", cwd=parts.workspace.adapter), task)
    Adapter(parts.workspace.adapter).validate()
    return {"summary": report.summary, "files": sorted(path.name for path in parts.workspace.adapter.glob("*.md"))}


def phase_deps(parts: Parts, phase: str, notebook: str, *, cwd: Path) -> Deps:
    """Return what an agent of a phase works with."""
    cwd.mkdir(parents=True, exist_ok=True)
    return Deps(
        workspace=parts.workspace, board=parts.board, playbook=parts.playbook, ledger=parts.ledger, adapter=parts.adapter,
        sandbox=parts.sandbox, config=parts.config, phase=phase, experiment=None, notebook=parts.workspace.agents / notebook, cwd=cwd,
    )
