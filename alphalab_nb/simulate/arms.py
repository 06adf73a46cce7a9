"""Ways to run a simulated campaign: greedy keep-if-better, best of N, and ours - claims under the Judge, and a choice at the end."""

from __future__ import annotations

import math

from alphalab_nb.judge import Rules, sequential
from alphalab_nb.simulate import closing
from alphalab_nb.simulate.lab import FIRST_CLOSING_SEED, FIRST_CONFIRM_SEED, LOSS, Arm, Campaign, Trial, missing
from alphalab_nb.simulate.proposers import Modelled, independent, neighbour

CLAIMS = 0.1
"""Share of the budget that may go to claims before the close. They say early what holds; the champion does not need them."""


# -- keep rules ----------------------------------------------------------------------------------------------


def if_better(state: Campaign, trial: Trial) -> str:
    """Keep what is better on one run."""
    value, best = trial.score("search"), state.incumbent.score("search")
    return "keep" if value is not None and best is not None and LOSS.better(value, best) else "reject"


def judged(state: Campaign, trial: Trial, *, rules: Rules | None = None, runs: float = math.inf) -> str:
    """Let the Judge decide, and make the runs that it asks for.

    Args:
        runs: most that it may cost; a claim that needs more is not decided, hence not kept.
    """
    rules = rules or state.rules
    history = [value for other in state.trials if other is not trial and (value := other.score("search")) is not None]
    while True:
        ruled = sequential(trial.runs, state.incumbent.runs, state.alpha_left, metric=LOSS, rules=rules, history=history)
        state.alpha_left -= ruled.alpha_spent
        if not ruled.replicates:
            return ruled.decision
        done = sum(run.partition == ruled.partition for run in trial.runs)
        seeds = range(FIRST_CONFIRM_SEED, FIRST_CONFIRM_SEED + done + ruled.replicates)
        runs -= sum(len(missing(each, ruled.partition, seeds)) for each in (state.incumbent, trial))
        if runs < 0:
            return "quarantine" if ruled.decision == "quarantine" else "reject"
        state.lab.ensure(state.incumbent, ruled.partition, seeds)
        state.lab.ensure(trial, ruled.partition, seeds)


# -- arms ----------------------------------------------------------------------------------------------------


class Ours:
    """Explores by a model of all search runs, claims what the Judge can show cheaply, and chooses the champion at the end."""

    def __init__(self) -> None:
        self._model = Modelled()
        self.propose = self._model.propose

    def keep(self, state: Campaign, trial: Trial) -> str:
        """Let the Judge decide with the runs that are meant for claims."""
        claimed = sum(run.partition == "confirm" and run.seed < FIRST_CLOSING_SEED for other in state.trials for run in other.runs)
        return judged(state, trial, runs=min(CLAIMS * state.lab.budget - claimed, state.lab.left - _reserved(state)))

    def ends(self, state: Campaign) -> bool:
        """Say whether the close needs all remaining runs."""
        return state.lab.left <= _reserved(state)

    def close(self, state: Campaign) -> None:
        """Choose the champion."""
        plan = closing.planned(state.lab.budget)
        if plan is not None:
            closing.close(state, self._model.nominees(state, plan.nominees), plan)


def _reserved(state: Campaign) -> int:
    plan = closing.planned(state.lab.budget)
    return plan.cost if plan else 0


GREEDY = Arm("greedy", neighbour, if_better)
BEST_OF_N = Arm("best_of_n", independent, if_better)
JUDGED = Arm("judged", neighbour, judged)


def ours() -> Arm:
    """Return our arm, with a model of its own."""
    arm = Ours()
    return Arm("ours", arm.propose, arm.keep, arm.ends, arm.close)
