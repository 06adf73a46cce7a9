"""The close of a simulated campaign: the nominees are measured on confirm by successive halving, the best is the champion, and one
test says whether it is proven better than the incumbent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from alphalab_nb.judge import Estimate, Shrunken, compared
from alphalab_nb.judge.champion import Nominee, choose, proven
from alphalab_nb.simulate.lab import FIRST_CLOSING_SEED, LOSS, Campaign, Chosen, Trial, settle
from alphalab_nb.storage.experiment import Run

SHARE = 0.2
"""Most of the budget that the close may cost."""
SIZES = (8, 4, 2)
"""Numbers of nominees, the largest that the budget allows is taken."""
MOST_SEEDS = 4
"""Of a round: where runs cost nothing, the close must end all the same."""

Nominated = tuple[Trial, Shrunken]
"""A trial with its loss after search."""


@dataclass(frozen=True)
class Plan:
    """How the close spends its runs: each round measures those left on further seeds, and the better half stays."""

    nominees: int
    seeds: int
    """New seeds of each round."""

    @property
    def rounds(self) -> int:
        return self.nominees.bit_length() - 1

    @property
    def cost(self) -> int:
        """Most runs that it needs, with those of the incumbent for the last test."""
        return self.seeds * (sum(self.nominees >> n for n in range(self.rounds)) + self.rounds)


def planned(budget: float) -> Plan | None:
    """Return the plan with the most nominees and seeds that the budget allows; None if it allows none."""
    for size in SIZES:
        seeds = min(MOST_SEEDS, SHARE * budget / Plan(size, 1).cost)
        if seeds >= 1:
            return Plan(size, int(seeds))
    return None


def close(state: Campaign, nominated: Sequence[Nominated], plan: Plan) -> None:
    """Choose the champion among the nominees and test it against the incumbent."""
    left = list(nominated)
    for n in range(plan.rounds):
        left = _measured(state, left, (n + 1) * plan.seeds)
        if not left:
            return
        seen = [one for one in nominated if len(_closing(one[0])) >= plan.seeds]
        choice = choose([_nominee(state, one, plan.seeds) for one in seen])
        worth = {id(trial): each for (trial, _), each in zip(seen, choice.posterior)}
        state.chosen = Chosen(seen[choice.index][0], choice.champion, (n + 1) * plan.seeds)
        left = sorted(left, key=lambda one: worth[id(one[0])].value)[: max(1, len(left) // 2)]
    if state.champion is not state.incumbent:
        _claim(state, state.champion, len(nominated))


def _measured(state: Campaign, left: Sequence[Nominated], runs: int) -> list[Nominated]:
    """Measure those left until they have so many runs, and return those that missed no gate."""
    for trial, _ in left:
        state.lab.ensure(trial, "confirm", range(FIRST_CLOSING_SEED, FIRST_CLOSING_SEED + runs))
    return [one for one in left if len(_closing(one[0])) == runs]


def _claim(state: Campaign, champion: Trial, among: int) -> None:
    """Keep the champion if it is proven better than the incumbent, at all of the alpha that is left."""
    runs = _closing(champion)
    state.lab.ensure(state.incumbent, "confirm", [run.seed for run in runs])
    found = compared(runs, _closing(state.incumbent), metric=LOSS, stochastic=True, block=1, noise=state.rules.noise_of_confirm)
    if proven(found, state.alpha_left, among):
        settle(state, champion, "keep")
    else:
        state.alpha_left = 0.0


def _closing(trial: Trial) -> list[Run]:
    """Return its valid runs of the close; claims before it have seeds of their own."""
    return [run for run in trial.runs if run.partition == "confirm" and run.seed >= FIRST_CLOSING_SEED and run.score and run.score.ok]


def _nominee(state: Campaign, one: Nominated, seeds: int) -> Nominee:
    """Return what is known of a nominee, a round's seeds at a time; the standard errors are without the noise that all points share."""
    assert state.rules.noise is not None
    values = [run.score.value for run in _closing(one[0]) if run.score and run.score.value is not None]
    se = state.rules.noise.seed_sd / math.sqrt(2 * seeds)
    rounds = [Estimate(fmean(values[at : at + seeds]), se, seeds) for at in range(0, len(values) - seeds + 1, seeds)]
    return Nominee(one[1], rounds[0], tuple(rounds[1:]))
