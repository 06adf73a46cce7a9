"""The parts of one campaign, opened together. Phases and the dispatcher take what they need from here; it has no logic."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphalab_nb.adapter import Adapter, Recipe, load_builtin
from alphalab_nb.config import CampaignConfig, LimitsConfig, Policy, load_config
from alphalab_nb.evaluator import Evaluator
from alphalab_nb.metric import Metric
from alphalab_nb.partitions import Partitions, Rule, rule_of
from alphalab_nb.sandbox import Sandbox
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.database import Database
from alphalab_nb.storage.ledger import Ledger
from alphalab_nb.storage.playbook import Playbook
from alphalab_nb.storage.snapshots import Snapshots
from alphalab_nb.storage.terms import limits_of, policy_of
from alphalab_nb.workspace import Workspace

if TYPE_CHECKING:  # only those who send agents need their libraries
    from alphalab_nb.tools import Deps


REFERENCE = "time_series"
"""Domain whose adapter a new one starts from."""


@dataclass(frozen=True)
class Parts:
    """Everything that one campaign consists of."""

    workspace: Workspace
    config: CampaignConfig
    adapter: Adapter
    metric: Metric
    task: dict[str, Any]
    """The task block with the adapter's defaults filled in."""
    board: Board
    playbook: Playbook
    ledger: Ledger
    partitions: Partitions
    sandbox: Sandbox
    evaluator: Evaluator
    snapshots: Snapshots

    adapter_pending: bool = False
    """The domain's own adapter has not been written yet; `adapter` is the reference that it starts from."""

    @cached_property
    def recipes(self) -> tuple[Recipe, ...]:
        """The adapter's recipes that this campaign may use; read when first asked for, which most verbs never do."""
        return tuple(self.adapter.recipes(self.config.families))

    @property
    def rule(self) -> Rule:
        """How this domain's data is cut and guarded."""
        return rule_of(self.adapter.manifest.partition)

    def limits(self) -> LimitsConfig:
        """Return the limits in force: those of campaign.yaml, and over them what people have changed since."""
        return limits_of(self.board, self.config.limits)

    def policy(self) -> Policy:
        """Return the policy in force; see `limits`."""
        return policy_of(self.board, self.config.policy)


def deps_of(parts: Parts, phase: str, notebook: str, *, cwd: Path | None = None, experiment: int | None = None,
            attempt: int | None = None) -> Deps:
    """Return what an agent of a phase works with; without a folder of its own it works in scratch/."""
    from alphalab_nb.tools import Deps

    folder = cwd or parts.workspace.root / "scratch"
    folder.mkdir(parents=True, exist_ok=True)
    return Deps(
        workspace=parts.workspace, board=parts.board, playbook=parts.playbook, ledger=parts.ledger, adapter=parts.adapter,
        sandbox=parts.sandbox, config=parts.config, phase=phase, experiment=experiment, attempt=attempt,
        notebook=parts.workspace.agents / notebook, cwd=folder, adapter_pending=parts.adapter_pending,
    )


def with_written_adapter(parts: Parts) -> Parts:
    """Return the parts with the adapter of a new domain, once phase 0 has written it."""
    if not parts.adapter_pending or not _written(parts.workspace):
        return parts
    adapter = Adapter(parts.workspace.adapter)
    task = adapter.task_with(parts.config.task)
    return replace(parts, adapter=adapter, task=task, metric=adapter.metric(task), adapter_pending=False)


def _written(workspace: Workspace) -> bool:
    return (workspace.adapter / "manifest.yaml").is_file()


def open_parts(root: str | Path) -> Parts:
    """Open the campaign in a folder.

    Raises:
        WorkspaceError, ConfigError, AdapterInvalid: what is wrong and the remedy.
    """
    workspace = Workspace(root)
    workspace.check()
    config = load_config(workspace.config)
    written = _written(workspace)
    adapter = Adapter(workspace.adapter) if written else load_builtin(REFERENCE if config.new_domain else config.domain)
    task = adapter.task_with(config.task)
    database = Database.open(workspace.database)
    return Parts(
        workspace=workspace,
        config=config,
        adapter=adapter,
        metric=adapter.metric(task if written else {}),
        task=task,
        board=Board(database),
        playbook=Playbook(database, workspace.playbook),
        ledger=Ledger(database),
        partitions=Partitions(workspace.root),
        sandbox=Sandbox(
            config.sandbox.level,
            hidden=[*workspace.secret, *rule_of(adapter.manifest.partition).hidden(config.data, workspace.root)],
            read_only=adapter.libraries(),
            network=config.sandbox.network,
        ),
        evaluator=Evaluator(workspace.harness, workspace.root),
        snapshots=Snapshots(workspace),
        adapter_pending=config.new_domain and not written,
    )
