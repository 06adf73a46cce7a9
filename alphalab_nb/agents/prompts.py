"""The static instructions of a role: the adapter's prompt, its domain knowledge, what holds for all roles, and our contract.

Static for a whole campaign: no dates, counters, paths of the run or budgets, so that a provider's cache holds. What changes stands
in the first message of a conversation.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2

from alphalab_nb.adapter import environment
from alphalab_nb.agents.roles import Role

_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)


def render(adapter: Path, role: Role, values: dict[str, Any], absent: dict[str, str] | None = None) -> str:
    """Return the instructions of a role.

    Args:
        adapter: folder of the adapter.
        values: objective, task and metric, for the adapter's templates.
        absent: tools of the role that this campaign cannot offer, with the reason.
    """
    templates = _templates(adapter)
    prompt = block(templates.get_template(role.prompt).render(**values), role.block) if role.prompt else ""
    knowledge = templates.get_template("domain_knowledge.md").render(**values) if role.informed else ""
    contract = block(_contract(role.contract), role.block)
    missing = "\n".join(f"- There is no {name}: {reason}." for name, reason in (absent or {}).items())
    return "\n\n".join(text.strip() for text in (prompt, knowledge, _contract("common.md"), contract, missing) if text.strip()) + "\n"


def block(text: str, name: str) -> str:
    """Return what stands before the first `## ` and the section of that name; the whole text if name is empty."""
    if not name:
        return text
    first, *rest = _HEADING.split(text)
    sections = dict(zip((title.strip().lower() for title in rest[::2]), rest[1::2], strict=True))
    return f"{first.rstrip()}\n\n{sections[name].strip()}\n"


def _contract(name: str) -> str:
    return files("alphalab_nb.agents.contracts").joinpath(name).read_text(encoding="utf-8")


@cache
def _templates(folder: Path) -> jinja2.Environment:
    """Return the templates of an adapter; compiled once, and again when a file changes."""
    return environment(folder)
