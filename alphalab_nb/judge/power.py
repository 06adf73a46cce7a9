"""How small a gain the sequential rule finds: the minimal detectable effect."""

from __future__ import annotations

import math

from alphalab_nb.errors import BadInput
from alphalab_nb.judge.compare import Comparison, exceeded, quantile
from alphalab_nb.judge.rules import Rules
from alphalab_nb.judge.sequential import screening_cut
from alphalab_nb.judge.spending import level, schedule


def detectable(rules: Rules, alpha_left: float | None = None, *, power: float = 0.8) -> float:
    """Return the MDE: the smallest true gain, in units of loss, that the rule keeps with the given power (screening included).

    Args:
        alpha_left: default the whole of `rules.alpha`, hence the first test of a campaign.

    Raises:
        BadInput: the rules have no noise.
    """
    if rules.noise is None:
        raise BadInput("the minimal detectable effect needs the noise that the baseline certificate measures; certify the baselines first")
    left = rules.alpha if alpha_left is None else alpha_left
    low, high = 0.0, 1e3 * (rules.noise.se(1) + _confirm_se(rules))
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if power_at(middle, rules, left) < power else (low, middle)
    return high


def power_at(gain: float, rules: Rules, alpha_left: float) -> float:
    """Return the probability that a candidate of this true gain passes screening and the last look of its confirm test."""
    assert rules.noise is not None
    noise, confirm = rules.noise, rules.noise_of_confirm or rules.noise
    screen = Comparison(gain, noise.se(1), noise.freedom(1), 1)
    alpha = level(rules, alpha_left, len(schedule(1, rules.most_runs)))
    if alpha <= 0:
        return 0.0
    passes = _above(gain - screening_cut(screen, rules, alpha_left), noise.se(1), screen.df)
    df = confirm.freedom(rules.most_runs)
    return passes * _above(gain - quantile(1 - alpha, df) * _confirm_se(rules), _confirm_se(rules), df)


def _confirm_se(rules: Rules) -> float:
    noise = rules.noise_of_confirm
    return noise.se(rules.most_runs) if noise else math.inf


def _above(distance: float, se: float, df: float) -> float:
    return exceeded(-distance / se, df) if se > 0 else float(distance > 0)
