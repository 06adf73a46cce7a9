"""Where the next point of a simulated campaign comes from: a neighbour of the incumbent, a fresh draw, or a model of all search runs."""

from __future__ import annotations

import math

import numpy as np

from alphalab_nb.judge import Shrunken
from alphalab_nb.judge.compare import quantile
from alphalab_nb.simulate.lab import Campaign, Point, Trial
from alphalab_nb.simulate.surrogate import Array, Fit, Levels, Surrogate, around, codes

FIRST_GUESSES = 6
"""Scored points before the model is asked."""
BASES = 3
"""Best points of the model whose surroundings are looked at."""
REFIT = 8
"""New scores after which the model's hyperparameters are fitted again."""


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
    """Thompson sampling near the best of a model of all search runs, and who is the best by that model."""

    def __init__(self) -> None:
        self._fit: Fit | None = None
        self._fitted = 0

    def propose(self, state: Campaign) -> Point | None:
        """Return a promising point that was not tried so far."""
        seen = measured(state)
        if len(seen) < FIRST_GUESSES:
            return independent(state)
        model, points, sizes = self._model(state, seen), _levels(state, seen), _sizes(state)
        rng = np.random.default_rng(state.rng.randrange(2**32))
        best = points[np.argsort(-model.mean(points))[:BASES]]
        fresh = around(best, sizes, rng)
        fresh = fresh[~np.isin(codes(fresh, sizes), codes(_levels(state, state.trials), sizes))]
        if not len(fresh):
            return independent(state)
        return _named(state, fresh[int(np.argmax(model.drawn(fresh, rng)))])

    def nominees(self, state: Campaign, count: int) -> list[tuple[Trial, Shrunken]]:
        """Return the incumbent and the model's best with their losses after search; none while the model has too few runs."""
        seen = [trial for trial in measured(state) if trial.verdict != "quarantine"]
        if len(measured(state)) < FIRST_GUESSES:
            return []
        model = self._model(state, measured(state))
        ranked = [seen[n] for n in np.argsort(-model.mean(_levels(state, seen)))]
        chosen = [state.incumbent, *(trial for trial in ranked if trial is not state.incumbent)][:count]
        means, sds = model.beside(_levels(state, chosen))
        scale = _own_sd(state)
        return [(trial, _normal(-mean * scale, sd * scale)) for trial, mean, sd in zip(chosen, means.tolist(), sds.tolist())]

    def _model(self, state: Campaign, seen: list[Trial]) -> Surrogate:
        """Return the posterior of gains over the start, in units of the noise that points do not share."""
        gains = -_scores(seen) / _own_sd(state)
        refit = self._fit is None or len(seen) >= self._fitted + REFIT
        model = Surrogate(_levels(state, seen), gains - gains[0], _sizes(state), None if refit else self._fit)
        if refit:
            self._fit, self._fitted = model.fit, len(seen)
        return model


def measured(state: Campaign) -> list[Trial]:
    """Return the trials that have a score on search."""
    return [trial for trial in state.trials if trial.score("search") is not None]


def _scores(seen: list[Trial]) -> Array:
    return np.array([trial.score("search") for trial in seen], np.float64)


def _own_sd(state: Campaign) -> float:
    """Return the standard deviation of one run, without what all points share."""
    assert state.rules.noise is not None
    return max(state.rules.noise.seed_sd / math.sqrt(2), 1e-12)


def _levels(state: Campaign, trials: list[Trial]) -> Levels:
    return np.array([[levels.index(trial.point[name]) for name, levels in state.space.items()] for trial in trials])


def _sizes(state: Campaign) -> list[int]:
    return [len(levels) for levels in state.space.values()]


def _named(state: Campaign, point: Levels) -> Point:
    return {name: levels[int(level)] for (name, levels), level in zip(state.space.items(), point)}


def _normal(value: float, se: float) -> Shrunken:
    reach = quantile(0.95, math.inf) * se
    return Shrunken(value, se, value - reach, value + reach, 0.0)
