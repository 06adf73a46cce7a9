"""Weigh the playbook anew: after a strategy's turn, and after an agent has changed a lesson."""

from __future__ import annotations

from typing import Any

from alphalab_nb.judge.noise import noise_band
from alphalab_nb.metric import Metric
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.experiment import Run, Score
from alphalab_nb.storage.leaderboard import Ranked, ranking, values_of
from alphalab_nb.storage.playbook import Playbook
from alphalab_nb.storage.standing import Scale, scale_of, weigh

NOISE = "playbook_noise"
"""Fact: the noise band, and the runs that it was measured on."""
_UNITS = 20_000
"""Units of a score from which on one pair of programs is enough: a band to two digits is worth seconds, not minutes."""


def weigh_playbook(board: Board, playbook: Playbook, metric: Metric, block: int) -> None:
    """Store how far each entry stands now, and retire what the board contradicts."""
    if playbook.entries():
        weigh(board, playbook, effects(board, metric, block))


def effects(board: Board, metric: Metric, block: int) -> Scale:
    """Return what effects are measured by; the noise is measured again only when other programs lead, or have been repeated.

    Args:
        block: neighbouring units of a score that depend on each other, as the partition rule says.
    """
    ranked = ranking(board, metric, board.fact("harness"))
    repeated = [run.id for entry in ranked if len(entry.runs) > 1 for run in entry.runs]
    compared = [entry.runs[-1].id for entry in _compared(ranked)]
    known = board.fact(NOISE)
    if known is None or known["of"] != [*repeated, *compared]:
        known = {"of": [*repeated, *compared], "band": None, "how": "", **_measured(board, ranked, block)}
        board.set_fact(NOISE, known)
    return scale_of(board, metric, known["band"])


def _measured(board: Board, ranked: list[Ranked], block: int) -> dict[str, Any]:
    replicates = [values_of(entry.runs) for entry in ranked]
    best, *others = [_score(board, entry.runs[-1]) for entry in _compared(ranked)] or [None]
    pairs = [(best, other) for other in others if best is not None and other is not None]
    pairs = pairs[:1] if best is not None and len(best.units) > _UNITS else pairs
    band = noise_band(replicates, pairs, block=block, seed=0)
    return _certified(board) if band is None else {"band": band.relative, "how": band.how}


def _certified(board: Board) -> dict[str, Any]:
    """Return the band of noise of the baseline certificate, for as long as the search has nothing to measure one by."""
    certificate = board.fact("certificate") or {}
    value, band = certificate.get("value"), certificate.get("band")
    return {"band": abs(band / value), "how": "certificate"} if value and band else {}


def _compared(ranked: list[Ranked]) -> list[Ranked]:
    """Return the best and three others, spread over the ranking."""
    last = len(ranked) - 1
    return [ranked[place] for place in sorted({0, min(1, last), last // 2, last})] if ranked else []


def _score(board: Board, run: Run) -> Score | None:
    """Return the score with its units, which lists of runs leave out."""
    return board.run(run.id).score
