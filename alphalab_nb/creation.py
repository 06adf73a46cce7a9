"""Make the folder of a new campaign. Everything is checked before anything is written."""

from __future__ import annotations

import contextlib
import copy
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alphalab_nb.adapter import Adapter, copy_adapter, load_builtin
from alphalab_nb.config import CampaignConfig, dump_config, load_config, nearest, parse_config
from alphalab_nb.errors import ConfigError, UnknownDomain, WorkspaceError
from alphalab_nb.partitions import Wanted, rule_of
from alphalab_nb.parts import REFERENCE
from alphalab_nb.process import write_atomic
from alphalab_nb.resources import shipped
from alphalab_nb.sandbox import Sandbox
from alphalab_nb.storage.database import Database
from alphalab_nb.strategies.base import STRATEGIST
from alphalab_nb.strategies.registry import make_strategy
from alphalab_nb.workspace import Workspace

_OWN = {"adapter", "agents", "attempts", "board.sqlite3", "experiments", "notebooks", "reports", "runs"}
_OWN_BEGIN = (".", "board.sqlite3", "campaign.yaml.")
"""What an interrupted creation may have left in its folder, and beginnings of such names."""


def create_workspace(root: str | Path, config: str | Path | None, settings: dict[str, Any]) -> Workspace:
    """Write a campaign's folder: its configuration, adapter, notebooks and an empty board.

    Raises:
        BadInput: what is wrong with the configuration, the domain, the data or the folder, and the remedy.
    """
    workspace = Workspace(root)
    _refuse_occupied(workspace)
    base = Path(config).resolve().parent if config is not None else Path.cwd()
    parsed = load_config(Path(config), settings) if config is not None else parse_config(settings)
    parsed = _with_absolute_recordings(_with_absolute_data(parsed, base), base)
    adapter = _reference(parsed, base) if parsed.new_domain else _adapter(parsed.domain, base)
    _check_task(adapter, parsed)
    adapter.recipes(parsed.families)
    _check_minds(parsed)
    Sandbox(parsed.sandbox.level)
    _check_data(adapter, parsed, base)
    workspace.make()
    if not parsed.new_domain:
        copy_adapter(adapter, workspace.adapter)
    for notebook in sorted(shipped("notebooks").glob("[0-9]_*.ipynb")):
        shutil.copyfile(notebook, workspace.notebooks / "source" / notebook.name)
    Database.create(workspace.database)
    write_atomic(workspace.config, dump_config(parsed))
    return workspace


def _refuse_occupied(workspace: Workspace) -> None:
    """Refuse a folder with a campaign or with files of somebody else: a campaign would mix with them, and commit to their git."""
    root = workspace.root
    if workspace.config.exists() and workspace.database.exists():
        raise WorkspaceError(f"{root} already holds a campaign; open it, or choose another folder")
    if not root.is_dir():
        return
    names = sorted(path.name for path in root.iterdir())
    foreign = [name for name in names if name == ".git" or (name not in _OWN and not name.startswith(_OWN_BEGIN))]
    if foreign:
        raise WorkspaceError(f"{root} is not empty: it holds {', '.join(foreign[:3])}; choose a new folder for the campaign")


def _adapter(domain: str, base: Path) -> Adapter:
    """Return a shipped adapter by name, or one of the user's own by its folder."""
    own = base / Path(domain).expanduser()
    adapter = Adapter(own.resolve()) if (own / "manifest.yaml").is_file() else load_builtin(domain)
    adapter.validate()
    return adapter


def _with_absolute_data(config: CampaignConfig, base: Path) -> CampaignConfig:
    data = copy.deepcopy(config.data)
    covariates = data.get("covariates")
    for block in (data, *(covariates if isinstance(covariates, list | tuple) else ())):
        path = block.get("path") if isinstance(block, dict) else None
        if isinstance(path, str) and not path.startswith("statsmodels:"):
            block["path"] = str((base / Path(path).expanduser()).resolve())
    return config.model_copy(update={"data": data})


def _with_absolute_recordings(config: CampaignConfig, base: Path) -> CampaignConfig:
    def absolute(text: str) -> str:
        provider, _, file = text.partition(":")
        here = provider.strip() == "replay" and file.strip()
        return f"replay:{(base / Path(file.strip()).expanduser()).resolve()}" if here else text

    llm = absolute(config.llm) if isinstance(config.llm, str) else {role: absolute(text) for role, text in config.llm.items()}
    return config.model_copy(update={"llm": llm})


def _check_task(adapter: Adapter, config: CampaignConfig) -> None:
    known = adapter.manifest.task
    for key in config.task:
        if key not in known and not config.new_domain:  # a new domain has keys of its own
            raise ConfigError(f"unknown key 'task.{key}'{nearest(key, list(known))}")
    task = adapter.task_with(config.task)
    rule = rule_of(adapter.manifest.partition)
    rule.check_task(task)
    for key, least in rule.least.items():
        value = task.get(key)
        if value is None and known.get(key) is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise ConfigError(f"'task.{key}' must be a whole number of at least {least}, not {value!r}")
    if not config.new_domain:
        adapter.metric(task)


def _reference(config: CampaignConfig, base: Path) -> Adapter:
    """Return the adapter that a new domain starts from; a domain that exists is not generated anew."""
    with contextlib.suppress(UnknownDomain):
        _adapter(config.domain, base)
        raise ConfigError(f"'new_domain' is set but there is an adapter for '{config.domain}'; drop new_domain to use it")
    return load_builtin(REFERENCE)


def _check_minds(config: CampaignConfig) -> None:
    from alphalab_nb.llm.providers import check_providers, mind_of

    _check_roles("llm", config.llm)
    _check_roles("provider.effort", config.provider.effort)
    check_providers(config.llm, config.provider)
    thinks = not mind_of(STRATEGIST, config.llm).offline
    make_strategy(config.strategy, open_deps=_nothing if thinks else None)
    if config.new_domain and mind_of("generator", config.llm).offline:
        raise ConfigError("'new_domain' needs a language model for the role 'generator'; the offline researcher knows ready domains only")


def _check_roles(name: str, table: str | Mapping[str, str]) -> None:
    """Refuse a setting by role that no role would ever read."""
    if isinstance(table, str):
        return
    if not table:
        raise ConfigError(f"'{name}' is empty; give one value for all roles, or a value by role with 'default'")
    from alphalab_nb.agents.roles import ROLES

    known = {*ROLES, *(role.split("_")[0] for role in ROLES), "default"}
    for key in table:
        if key not in known:
            raise ConfigError(f"unknown role '{name}.{key}'{nearest(key, sorted(known))}")


def _nothing(notebook: str) -> Any:
    """Stand in for what a Strategist works with, before there is a campaign."""


def _check_data(adapter: Adapter, config: CampaignConfig, base: Path) -> None:
    wanted = Wanted(config.data, config.partitions, adapter.task_with(config.task))
    rule_of(adapter.manifest.partition).check(wanted, base)
