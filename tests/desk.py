"""A campaign folder with everything an agent's conversation needs, without the campaign around it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alphalab_nb.adapter import Adapter, copy_adapter, load_builtin
from alphalab_nb.agents import ROLES, Deps
from alphalab_nb.config import CampaignConfig, parse_config
from alphalab_nb.partitions import Rule, rule_of
from alphalab_nb.sandbox import Sandbox
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.database import Database
from alphalab_nb.storage.ledger import Ledger
from alphalab_nb.storage.playbook import Playbook
from alphalab_nb.workspace import Workspace

TASK: dict[str, Any] = {"horizon": 26, "stride": 4, "season": 52, "metric": "rmse", "scale": "none"}


@dataclass(frozen=True)
class Desk:
    """The parts, and the Deps of any role."""

    workspace: Workspace
    adapter: Adapter
    config: CampaignConfig
    board: Board
    playbook: Playbook
    ledger: Ledger

    @property
    def task(self) -> dict[str, Any]:
        return {**self.adapter.manifest.task, **self.config.task}

    @property
    def rule(self) -> Rule:
        return rule_of(self.adapter.manifest.partition)

    def deps(self, cwd: Path, *, phase: str = "experiment", experiment: int | None = None, notebook: str = "agent.ipynb") -> Deps:
        cwd.mkdir(parents=True, exist_ok=True)
        return Deps(
            workspace=self.workspace, board=self.board, playbook=self.playbook, ledger=self.ledger, adapter=self.adapter,
            sandbox=Sandbox(), config=self.config, phase=phase, experiment=experiment, notebook=self.workspace.agents / notebook, cwd=cwd,
        )

    def as_role(self, role: str, cwd: Path) -> Deps:
        """Return Deps with the role's folders, as run_agent makes them."""
        deps = self.deps(cwd)
        reads, writes = ROLES[role].folders(self.workspace, cwd)
        deps.role, deps.reads, deps.writes = role, (*reads, deps.notebook), writes
        return deps


def desk(root: Path, *, task: dict[str, Any] | None = None, **settings: Any) -> Desk:
    """Make one."""
    workspace = Workspace(root)
    workspace.make()
    config = parse_config({"domain": "time_series", "objective": "forecast", "data": {"path": "x.csv"}, "task": task or TASK, **settings})
    database = Database.create(workspace.database) or Database.open(workspace.database)
    return Desk(
        workspace=workspace, adapter=copy_adapter(load_builtin("time_series"), workspace.adapter), config=config, board=Board(database),
        playbook=Playbook(database, workspace.playbook), ledger=Ledger(database),
    )
