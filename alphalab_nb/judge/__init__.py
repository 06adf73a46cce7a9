"""The Judge: pure functions on what the evaluator measured. It decides; it never runs, proposes or stores anything."""

from alphalab_nb.judge.keep import Verdict, verdict
from alphalab_nb.judge.stats import DieboldMariano, Interval, diebold_mariano, paired_interval

__all__ = ["DieboldMariano", "Interval", "Verdict", "diebold_mariano", "paired_interval", "verdict"]
