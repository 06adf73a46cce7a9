"""The verdict of a verification: put on the board at its end, found there by whoever asked for it."""

from __future__ import annotations

from collections.abc import Iterable

from alphalab_nb.parts import Parts
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.snapshots import remove
from alphalab_nb.verify.claim import Claim
from alphalab_nb.verify.lines import Line, Verdict


def conclude(parts: Parts, claim: Claim, lines: Iterable[Line]) -> Verdict:
    """State the verdict over all lines, put it on the board and remove the clean copy."""
    id = claim.experiment.id
    notebook = parts.workspace.verification(id).relative_to(parts.workspace.root).as_posix()
    verdict = Verdict(f"#{id} {claim.experiment.name}", tuple(lines), notebook)
    parts.board.set_fact(_key(id), verdict.as_dict())
    parts.board.event("verified", verdict.said, role="verify", experiment=id)
    if claim.copy.exists():
        remove(claim.copy)
    return verdict


def known_verdict(board: Board, id: int) -> Verdict | None:
    """Return the newest verdict on an experiment; None if it was never verified."""
    stored = board.fact(_key(id))
    return None if stored is None else Verdict.from_dict(stored)


def _key(id: int) -> str:
    return f"verified:{id}"
