"""What a message of the front end may ask for: a verb of the campaign with plain arguments, and nothing else."""

from __future__ import annotations

import inspect
from typing import Any

from alphalab_nb.errors import BadInput
from alphalab_nb.storage.board import Command

VERBS: tuple[str, ...] = (
    "approve", "veto", "cancel", "pin", "priority", "inject", "note", "answer", "ask", "pause", "resume", "stop", "policy", "budget",
    "playbook_add", "playbook_edit", "playbook_retire", "revert_patch",
)
"""Methods of a campaign that a click may call."""


def steer(campaign: Any, verb: str, args: dict[str, Any]) -> int:
    """Call a verb; return the id of the command that it left on the board, 0 if it was carried out at once.

    Raises:
        BadInput: unknown verb or arguments, or what the campaign refuses, with the reason.
    """
    if verb not in VERBS:
        raise BadInput(f"there is no '{verb}'; known: {', '.join(VERBS)}")
    method, args = getattr(campaign, verb), {name: value for name, value in args.items() if name != "by"}  # the kernel's user asks
    try:
        inspect.signature(method).bind(**args)
    except TypeError as error:
        raise BadInput(f"{verb}: {error}") from error
    left = method(**args)
    return left.id if isinstance(left, Command) else left if isinstance(left, int) else 0
