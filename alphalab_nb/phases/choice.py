"""Who is recommended at the end: the Judge's choice among the nominees, by what was measured of them on search and on confirm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from alphalab_nb.judge import Estimate, Shrunken, shrunken
from alphalab_nb.judge.certificate import confirm_noise_of
from alphalab_nb.judge.champion import Nominee, choose
from alphalab_nb.judge.leaders import Sample, estimates, sample_of
from alphalab_nb.metric import Metric
from alphalab_nb.parts import Parts
from alphalab_nb.phases.steps import Result
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.leaderboard import Ranked

Certified = Mapping[str, Any] | None
"""Record of the baselines' certificate."""
_EVEN = 1.0
"""Standard error of either partition where nothing tells the noise: then both count alike."""


CHAMPIONS = "champions"
"""Fact of the board: the champion's experiment by contest, where there are several; see `contests`."""


def contests(parts: Parts, ranked: Sequence[Ranked]) -> dict[str, list[Ranked]]:
    """Return the ranking of each contest that has a champion: one of all, named "", or one of each family that solves its own problem."""
    if parts.adapter.manifest.compare_within == "campaign":
        return {"": [*ranked]} if ranked else {}
    families: dict[str, list[Ranked]] = {}
    for entry in ranked:
        families.setdefault(entry.experiment.family, []).append(entry)
    return families


def champions(board: Board) -> dict[str, int]:
    """Return the champion of each contest, the first of the ranking first."""
    return {str(name): int(id) for name, id in (board.fact(CHAMPIONS) or {"": board.fact("champion")}).items()}


def set_champions(board: Board, chosen: Mapping[str, int]) -> None:
    """Store the champions; `champion` is the first of them, for those who ask for one."""
    if "" not in chosen:
        board.set_fact(CHAMPIONS, dict(chosen))
    board.set_fact("champion", next(iter(chosen.values())))


def choose_champion(
    board: Board, metric: Metric, ranked: Sequence[Ranked], candidates: Sequence[Ranked], confirm: Mapping[int, float]
) -> tuple[int, dict[int, Result]]:
    """Return the champion's experiment, and by experiment what each candidate is worth on confirm: value, low, high (90 %).

    Args:
        ranked: all experiments of the contest with a full score; what those of search owe to luck is told by all of them.
        candidates: who may become champion; one at least.
        confirm: by experiment, its value on the confirm partition.
    """
    certificate = board.fact("certificate")
    after_search = _after_search(ranked, metric, certificate)
    on_confirm = _on_confirm([confirm[entry.experiment.id] for entry in candidates], metric, certificate)
    nominated = [Nominee(after_search[entry.experiment.id], measured) for entry, measured in zip(candidates, on_confirm, strict=True)]
    choice = choose(nominated)
    worth = {entry.experiment.id: _told(metric, each) for entry, each in zip(candidates, choice.posterior, strict=True)}
    return candidates[choice.index].experiment.id, worth


def _after_search(ranked: Sequence[Ranked], metric: Metric, certificate: Certified) -> dict[int, Shrunken]:
    known = estimates([sample_of(entry.runs) for entry in ranked], certificate)
    losses = [_loss(metric, each) for each in known] if known is not None else None
    if losses is not None:
        found = shrunken(losses)
    else:
        values = [metric.loss(entry.value) for entry in ranked]
        found = [Shrunken(value, _EVEN, value - _EVEN, value + _EVEN, 1.0) for value in values]
    return {entry.experiment.id: each for entry, each in zip(ranked, found, strict=True)}


def _on_confirm(values: Sequence[float], metric: Metric, certificate: Certified) -> list[Estimate]:
    known = estimates([Sample(value, 1, None) for value in values], certificate, noise_from=confirm_noise_of)
    return [_loss(metric, each) for each in known or [Estimate(value, _EVEN) for value in values]]


def _loss(metric: Metric, known: Estimate) -> Estimate:
    return Estimate(metric.loss(known.value), known.se, known.n)


def _told(metric: Metric, each: Shrunken) -> Result:
    ends = sorted(metric.loss(end) for end in (each.low, each.high))
    return {"value": metric.loss(each.value), "low": ends[0], "high": ends[1]}
