"""The diversity quota of a Strategist: of four proposals in a row, one is from a family tried least, or from a new one.

The paper names early convergence on one family among its failures; a share per family alone lets two families take turns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from alphalab_nb.storage.experiment import Experiment, Proposal, State

WINDOW = 4
"""Proposals in a row of which one must explore."""


def tried(experiments: Iterable[Experiment]) -> Counter[str]:
    """Return the experiments of each family; cancelled ones do not count."""
    return Counter(e.family for e in experiments if e.state is not State.CANCELLED)


def least_tried(known: Iterable[str], counts: Counter[str]) -> set[str]:
    """Return the families with the fewest experiments; `known` are those that have none yet, or some."""
    names = {*known, *counts}
    fewest = min((counts[name] for name in names), default=0)
    return {name for name in names if counts[name] == fewest}


def owed(experiments: Sequence[Experiment], proposals: Sequence[Proposal], *, by: str, known: Iterable[str]) -> set[str]:
    """Return the families of which one, or a new one, must be proposed next; empty where any may be.

    Args:
        experiments: of the campaign, in their order.
        proposals: of this turn, in their order; those that are on the board already are counted once.
        by: author whose proposals are under the quota.
        known: families that have recipes.
    """
    counts: Counter[str] = Counter()
    explored: list[bool] = []
    known, ahead = set(known), {proposal.name for proposal in proposals}
    past = [(e.family, e.author == by, e.state is not State.CANCELLED) for e in experiments if e.author != by or e.name not in ahead]
    for family, own, counted in [*past, *((proposal.family, True, True) for proposal in proposals)]:
        if own:
            explored.append(_explores(family, known, counts))
        counts[family] += counted
    newest = explored[-(WINDOW - 1) :]
    return set() if len(newest) < WINDOW - 1 or any(newest) else least_tried(known, +counts)


def _explores(family: str, known: set[str], counts: Counter[str]) -> bool:
    """Whether a proposal is from a family tried least at that time, or from one that nobody had tried."""
    return not counts[family] or family in least_tried(known, +counts)
