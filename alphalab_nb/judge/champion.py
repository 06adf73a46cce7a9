"""The champion: whom a campaign recommends at its end. That is a choice by everything measured; whether it is proven is another question.

Some nominees, the best after search, are measured on confirm. Search picked them, so their search values are oversold; the best of
them on confirm is oversold again. Both are taken back by one normal model, with everything in units of loss:

    true loss of a nominee:  its posterior after search, N(value, se^2) (see `shrunken`: over ALL candidates, not the nominees only)
    its loss on confirm:     true loss + what these rows and seeds add for all nominees + noise of its own

What confirm adds is unknown and estimated along, so levels need not agree. If only the better half is measured further, the others
still count: without them it would seem that these runs add what in truth was the luck of the better half.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alphalab_nb.judge.compare import Comparison, quantile
from alphalab_nb.judge.shrink import Estimate, Shrunken

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Nominee:
    """What is known of one nominee, in units of loss: smaller is better."""

    search: Shrunken
    """After search; only `value` and `se` are used."""
    confirm: Estimate
    """Its mean on confirm, of the same units and seeds for all nominees. The standard error leaves out what they share there: it is
    that of a paired difference over sqrt(2)."""
    further: tuple[Estimate, ...] = ()
    """On other units or seeds, for nominees that were measured further: the n-th is of the same ones for all that have it."""


@dataclass(frozen=True)
class Choice:
    """Who is recommended, and what each nominee is worth."""

    index: int
    """Of the champion: the smallest posterior loss among the nominees that were measured furthest."""
    posterior: tuple[Shrunken, ...]
    """Of each nominee on the average level of confirm, without the noise that all share there. `weight` is that of confirm."""

    @property
    def champion(self) -> Shrunken:
        return self.posterior[self.index]


def choose(nominees: Sequence[Nominee], *, level: float = 0.9) -> Choice:
    """Choose the champion among nominees (one at least) by the posterior of search and confirm together.

    Args:
        level: of the intervals.
    """
    prior, known = np.array([n.search.value for n in nominees]), np.array([n.search.se**2 for n in nominees])
    measured = [(n, block, each) for n, one in enumerate(nominees) for block, each in enumerate((one.confirm, *one.further))]
    who, where = np.array([n for n, _, _ in measured]), np.array([block for _, block, _ in measured])
    noise = np.array([each.se**2 for _, _, each in measured])
    surprises = np.array([each.value for _, _, each in measured]) - prior[who]
    gains, ses, weights = _posterior(known, surprises, noise, who, where)
    reach = quantile((1 + level) / 2, math.inf)
    posterior = tuple(_shrunken(*each, reach) for each in zip((prior + gains).tolist(), ses.tolist(), weights.tolist()))
    furthest = max(len(one.further) for one in nominees)
    last = [n for n, one in enumerate(nominees) if len(one.further) == furthest]
    return Choice(min(last, key=lambda n: posterior[n].value), posterior)


def _posterior(known: Array, surprises: Array, noise: Array, who: NDArray[np.int_], where: NDArray[np.int_]) -> tuple[Array, Array, Array]:
    """Return by nominee how far its loss on the average level of confirm lies from its prior, the standard error, and confirm's weight.

    Normal means with known priors and an unknown shift of each block with a flat prior: the shifts by generalised least squares, the
    means given them (universal kriging; Rasmussen and Williams 2006, Gaussian Processes for Machine Learning, section 2.7).

    Args:
        known: variance of each nominee's prior.
        surprises: what was measured minus the prior, with the variance of its noise, the nominee's index and the block's.
    """
    floor = 1e-12 * (float(max(known.max(), noise.max())) or 1.0)  # exact values have an inverse, too
    covariance = np.where(who[:, None] == who, known[who], 0.0) + np.diag(np.maximum(noise, floor))
    likeness = np.where(who[:, None] == np.arange(len(known)), known, 0.0)
    blocks = np.eye(int(where.max()) + 1)[where]
    by_block, by_nominee = np.linalg.solve(covariance, blocks), np.linalg.solve(covariance, likeness)
    shifts_covariance = np.linalg.inv(blocks.T @ by_block)
    shifts = shifts_covariance @ (by_block.T @ surprises)
    told = np.sum(likeness * by_nominee, axis=0)
    left_over = 1 / len(shifts) - blocks.T @ by_nominee
    variances = known - told + np.sum(left_over * (shifts_covariance @ left_over), axis=0)
    weights = np.divide(told, known, out=np.zeros_like(known), where=known > 0)
    return shifts.mean() + by_nominee.T @ (surprises - blocks @ shifts), np.sqrt(np.maximum(variances, 0.0)), weights


def proven(found: Comparison | None, alpha_left: float, among: int) -> bool:
    """Say whether the champion is better than what it was compared with, at all of the alpha that is left.

    Args:
        found: on the confirm runs of the champion and its reference; None or without a standard error, nothing is proven.
        alpha_left: the error probability that the campaign may still spend.
        among: nominees of which these runs chose the champion (Bonferroni: each of them might have been tested); 1 for fresh runs.
    """
    return found is not None and math.isfinite(found.se) and found.p_value < alpha_left / among


def _shrunken(value: float, se: float, weight: float, reach: float) -> Shrunken:
    return Shrunken(value, se, value - reach * se, value + reach * se, weight)
