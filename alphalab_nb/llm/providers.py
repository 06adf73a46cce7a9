"""From the `llm:` setting of a campaign to the model of a role. A new provider is a line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_ai.models import Model

from alphalab_nb.errors import ConfigError
from alphalab_nb.llm.offline.rule_model import PROVIDER, Policy, RuleModel


def provider_of(role: str, llm: str | Mapping[str, str]) -> str:
    """Return the setting of a role: its own, that of its kind (worker for worker_fix), `default`, else offline."""
    if isinstance(llm, str):
        return llm
    for key in (role, role.split("_")[0], "default"):
        if key in llm:
            return llm[key]
    return PROVIDER


def check_providers(llm: str | Mapping[str, str]) -> None:
    """Refuse what this version cannot reach.

    Raises:
        ConfigError: a provider other than `offline`.
    """
    for name in [llm] if isinstance(llm, str) else llm.values():
        if name != PROVIDER:
            raise ConfigError(f"llm '{name}': live providers come with a later version; set `llm: offline`")


def model_for(role: str, llm: str | Mapping[str, str], policy: Policy | None, task: Any) -> Model:
    """Return the model that plays a role.

    Raises:
        ConfigError: the provider is not known to this version, or the role has no rules.
    """
    check_providers(llm)
    if policy is None:
        raise ConfigError(f"the offline researcher has no rules for the role '{role}'; give this role a language model")
    return RuleModel(policy, task, role)
