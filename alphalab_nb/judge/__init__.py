"""The Judge: pure functions on what the evaluator measured. It decides; it never runs, proposes or stores anything."""

from alphalab_nb.judge.compare import Comparison, compared, seed_noise
from alphalab_nb.judge.keep import Verdict
from alphalab_nb.judge.power import detectable, power_at
from alphalab_nb.judge.rules import Noise, Rules
from alphalab_nb.judge.sequential import sequential
from alphalab_nb.judge.shrink import Estimate, Shrunken, shrunken
from alphalab_nb.judge.stats import DieboldMariano, Interval, diebold_mariano, paired_interval

__all__ = [
    "Comparison", "DieboldMariano", "Estimate", "Interval", "Noise", "Rules", "Shrunken", "Verdict",
    "compared", "detectable", "diebold_mariano", "paired_interval", "power_at", "seed_noise", "sequential", "shrunken",
]
