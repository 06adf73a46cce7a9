"""Ways to run a simulated campaign: greedy keep-if-better, best of N, and ours - the Judge, with a model of all search runs."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from alphalab_nb.judge import Rules, sequential
from alphalab_nb.judge.compare import quantile
from alphalab_nb.simulate.lab import FIRST_CONFIRM_SEED, LOSS, Arm, Campaign, Point, Trial, settle
from alphalab_nb.simulate.surrogate import Fit, Levels, Surrogate, around, codes, runs_needed

FIRST_GUESSES = 6
"""Runs before the model is asked."""
BASES = 3
"""Best points of the model whose surroundings are looked at."""
REFIT = 8
"""New runs after which the model's hyperparameters are fitted again."""
HOPELESS = 3
"""A gain that needs so many times more pairs than half of the budget affords is not waited for: exploring promises more."""
CLOSING_RUNS = 64
"""Most pairs of the closing test."""


# -- keep rules ----------------------------------------------------------------------------------------------


def if_better(state: Campaign, trial: Trial) -> str:
    """Keep what is better on one run."""
    value, best = trial.score("search"), state.incumbent.score("search")
    return "keep" if value is not None and best is not None and LOSS.better(value, best) else "reject"


def judged(state: Campaign, trial: Trial, rules: Rules | None = None) -> str:
    """Let the Judge decide, and make the runs that it asks for."""
    rules = rules or state.rules
    history = [value for other in state.trials if other is not trial and (value := other.score("search")) is not None]
    while True:
        ruled = sequential(trial.runs, state.incumbent.runs, state.alpha_left, metric=LOSS, rules=rules, history=history)
        state.alpha_left -= ruled.alpha_spent
        if not ruled.replicates:
            return ruled.decision
        done = sum(run.partition == ruled.partition for run in trial.runs)
        seeds = range(FIRST_CONFIRM_SEED, FIRST_CONFIRM_SEED + done + ruled.replicates)
        state.lab.ensure(state.incumbent, ruled.partition, seeds)
        state.lab.ensure(trial, ruled.partition, seeds)


# -- proposers -----------------------------------------------------------------------------------------------


def neighbour(state: Campaign) -> Point | None:
    """Change one choice of the incumbent; two or more once all such changes are known."""
    around = [{**state.incumbent.point, name: level} for name, levels in state.space.items() for level in levels]
    new = [point for point in around if not state.known(point)]
    return state.rng.choice(new) if new else _changed(state, state.incumbent.point, least=2)


def independent(state: Campaign) -> Point | None:
    """Change one choice of the start or more: each further one half as probable."""
    return _changed(state, state.trials[0].point, least=1)


def _changed(state: Campaign, base: Point, *, least: int) -> Point | None:
    for _ in range(100):
        names = list(state.space)
        state.rng.shuffle(names)
        count = least
        while count < len(names) and state.rng.random() < 0.5:
            count += 1
        point = {**base, **{name: state.rng.choice(state.space[name][1:]) for name in names[:count]}}
        if not state.known(point):
            return point
    return None


class Modelled:
    """Ours: proposes by Thompson sampling near the best of the model, and has the model's best confirmed at the end."""

    def __init__(self) -> None:
        self._fit: Fit | None = None
        self._fitted = 0
        self._latest: tuple[Surrogate, Levels] | None = None

    def propose(self, state: Campaign) -> Point | None:
        """Return a promising point that was not run so far."""
        model, points = self._model(state)
        if model is None:
            return independent(state)
        sizes = _sizes(state)
        rng = np.random.default_rng(state.rng.randrange(2**32))
        best = points[np.argsort(-model.mean(points))[:BASES]]
        fresh = around(best, sizes, rng)
        fresh = fresh[~np.isin(codes(fresh, sizes), codes(points, sizes))]
        if not len(fresh):
            return independent(state)
        return _named(state, fresh[int(np.argmax(model.drawn(fresh, rng)))])

    def ends(self, state: Campaign) -> bool:
        """Whether confirming the model's best needs all remaining runs; never more than half of the budget."""
        if state.lab.left > state.lab.budget / 2:
            return False
        found = self._favourite(state)
        if found is None:
            return False
        needed = _closing_runs(state, found[1])
        hopeless = needed > HOPELESS * state.lab.budget / 4
        return not hopeless and state.lab.left <= _cost(state, needed)

    def close(self, state: Campaign) -> None:
        """Confirm the model's best with what is left of runs and alpha, in one look."""
        found = self._favourite(state)
        if found is None:
            return
        trial, gain = found
        most = max(n for n in range(CLOSING_RUNS + 1) if _cost(state, n) <= state.lab.left)
        runs = min(most, max(_closing_runs(state, gain), state.rules.replicates))
        if runs < 1 or trial.verdict == "quarantine":
            return
        seeds = range(FIRST_CONFIRM_SEED, FIRST_CONFIRM_SEED + runs)
        state.lab.ensure(state.incumbent, "confirm", seeds)
        state.lab.ensure(trial, "confirm", seeds)
        settle(state, trial, judged(state, trial, replace(state.rules, spending=1.0, replicates=runs)))

    def _favourite(self, state: Campaign) -> tuple[Trial, float] | None:
        """Return the trial with the best posterior mean beside the incumbent, if it has not been confirmed in vain, and its gain."""
        model, points = self._model(state)
        if model is None:
            return None
        seen = _measured(state)
        means = model.mean(points)
        own = means[next(n for n, trial in enumerate(seen) if trial is state.incumbent)]
        open_ones = [n for n, trial in enumerate(seen) if trial is not state.incumbent and trial.score("confirm") is None]
        best = max(open_ones, key=lambda n: means[n], default=None)
        if best is None or means[best] <= own:
            return None
        return seen[best], float(means[best] - own) / math.sqrt(2)

    def _model(self, state: Campaign) -> tuple[Surrogate | None, Levels]:
        seen = _measured(state)
        if self._latest is not None and len(self._latest[1]) == len(seen):
            return self._latest
        points = np.array([[levels.index(trial.point[name]) for name, levels in state.space.items()] for trial in seen])
        if len(seen) < FIRST_GUESSES:
            return None, points
        assert state.rules.noise is not None
        own = max(state.rules.noise.seed_sd / math.sqrt(2), 1e-12)
        gains = np.array([-(trial.score("search") or 0.0) for trial in seen]) / own
        refit = self._fit is None or len(seen) >= self._fitted + REFIT
        model = Surrogate(points, gains - gains[0], _sizes(state), None if refit else self._fit)
        if refit:
            self._fit, self._fitted = model.fit, len(seen)
        self._latest = model, points
        return self._latest


def _measured(state: Campaign) -> list[Trial]:
    return [trial for trial in state.trials if trial.score("search") is not None]


def _sizes(state: Campaign) -> list[int]:
    return [len(levels) for levels in state.space.values()]


def _named(state: Campaign, point: Levels) -> Point:
    return {name: levels[int(level)] for (name, levels), level in zip(state.space.items(), point)}


def _closing_runs(state: Campaign, gain: float) -> int:
    """Return how many pairs would show a gain (in standard deviations of a pair) at the alpha that is left."""
    alpha = max(state.alpha_left, 1e-9)
    return math.ceil(min(1e6, runs_needed(gain, quantile(1 - alpha, math.inf) + quantile(0.8, math.inf))))


def _cost(state: Campaign, pairs: int) -> int:
    """Return the runs that so many pairs on confirm cost, given those that the incumbent has."""
    done = sum(run.partition == "confirm" for run in state.incumbent.runs)
    return pairs + max(0, pairs - done)


GREEDY = Arm("greedy", neighbour, if_better)
BEST_OF_N = Arm("best_of_n", independent, if_better)
JUDGED = Arm("judged", neighbour, judged)


def ours() -> Arm:
    """Return our arm, with a model of its own."""
    model = Modelled()
    return Arm("ours", model.propose, judged, model.ends, model.close)
