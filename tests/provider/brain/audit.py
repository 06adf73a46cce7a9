"""What a language model must be given before it can play a role. Whatever is missing fails the campaign's test."""

from __future__ import annotations

import re

from alphalab_nb.agents.roles import ROLES
from tests.provider.brain.replay import FINAL, Missing
from tests.provider.protocol import Request

_TITLE = re.compile(r"^# What the code needs of (?:the|a) (\w+) \(wins over everything above\)$", re.MULTILINE)
_BLOCKS = {
    "worker_implement": "a smoke run by the evaluator follows", "worker_fix": "The folder holds the code of the failed attempt",
    "worker_analyze": "Leave debrief.md. Change no code",
}
"""A passage of the contract that only one of a Worker's blocks has."""
_TASKS = {"Implement": "worker_implement", "Repair": "worker_fix", "Write debrief.md": "worker_analyze"}
"""How the first message of a Worker begins."""
_ABSENT = re.compile(r"^- There is no (\w+): (.+)$", re.MULTILINE)
_NATIVE = "web_search"
_AFTER_PHASE_0 = frozenset(ROLES) - {"preflight", "generator", "customizer"}
_SECTIONS: dict[str, tuple[str, ...]] = {
    "strategist": ("Leaderboard", "Debriefs since your last turn", "Waiting or running", "Families", "Recipes that are ready", "Playbook",
                   "Learnings about the data", "What people said"),
    "worker_implement": ("Playbook", "Learnings about the data"),
    "worker_fix": ("Playbook",),
}
"""Headings of the first message, in their order."""


def audit(request: Request, metric: str) -> str:
    """Return the role that is asked for.

    Raises:
        Missing: prompt, first message or tools are not what the role needs.
    """
    role = role_of(request)
    if role != "preflight":
        _check_prompt(request, role, metric)
    _check_tools(request, role)
    for name in _SECTIONS.get(role, ()):
        section(request, role, name)
    return role


def role_of(request: Request) -> str:
    """Read from the system prompt who is asked; a Worker's task is in the first message, and its block must fit."""
    if request.system.startswith("You test a connection") or "\nYou test a connection" in request.system:
        return "preflight"
    titles = _TITLE.findall(request.system)
    if len(titles) != 1:
        raise Missing(f"the system prompt names {titles or 'no role'}: {request.system[:300]}")
    role = titles[0].lower()
    return _task_of_worker(request) if role == "worker" else role


def _task_of_worker(request: Request) -> str:
    asked = next((role for start, role in _TASKS.items() if request.first.startswith(start)), None)
    blocks = [role for role, passage in _BLOCKS.items() if passage in request.system]
    if asked is None or blocks != [asked]:
        raise Missing(f"the Worker is asked to {request.first[:60]!r} with the block of {blocks}")
    return asked


def _check_prompt(request: Request, role: str, metric: str) -> None:
    for part in (request.system, request.first):
        if "{{" in part or "#None" in part:
            raise Missing(f"{role}: a template was not filled in: {part[:300]}")
    if not re.search(rf"\b{re.escape(metric)}\b", request.system):
        raise Missing(f"{role}: the system prompt does not name the metric {metric}")
    if "# How every conversation works" not in request.system:
        raise Missing(f"{role}: the system prompt does not say how conversations work")
    if role in _AFTER_PHASE_0 and not re.search("^## This data$", request.system, re.MULTILINE):
        raise Missing(f"{role}: the domain knowledge is not what phase 0 left")


def _check_tools(request: Request, role: str) -> None:
    absent = dict(_ABSENT.findall(request.system))
    native = [name for name in request.tools if name.startswith(_NATIVE)]
    offered = [name for name in request.tools if name not in native]
    promised = [name for name in ROLES[role].tools if name not in absent]
    if offered != [*promised, FINAL]:
        raise Missing(f"{role}: offered {offered}, promised {promised} and {FINAL}")
    if bool(native) != ("the provider's own" in absent.get("search_web", "")):
        raise Missing(f"{role}: {native or 'no native search'}, but the prompt says {absent}")


def section(request: Request, role: str, name: str) -> str:
    """Return what stands under a heading of the role's first message, up to the next of its headings.

    Raises:
        Missing: no such heading, or nothing under it.
    """
    names = _SECTIONS[role]
    _, found, rest = request.first.partition(f"\n## {name}")
    rest = rest.partition("\n")[2]
    for later in names[names.index(name) + 1 :]:
        rest = rest.partition(f"\n## {later}")[0]
    if not found or not rest.strip():
        raise Missing(f"{role}: nothing stands under '{name}' in {request.first[:200]!r}")
    return rest.strip()
