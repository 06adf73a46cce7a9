"""The sequential keep rule: one search run screens, runs on the confirm partition decide, and only those spend alpha.

Screening compares with the incumbent on common search units and costs no alpha, because the confirm data are independent of it.
A survivor is measured on confirm, with seeds that the incumbent has there as well; see `alphalab_nb.judge.spending` for the alpha.
"""

from __future__ import annotations

from collections.abc import Sequence

from alphalab_nb.judge.keep import Verdict
from alphalab_nb.judge.rules import Rules
from alphalab_nb.metric import Metric
from alphalab_nb.storage.experiment import Run


def sequential(
    runs: Sequence[Run], incumbent_runs: Sequence[Run], alpha_left: float, *, metric: Metric, rules: Rules, history: Sequence[float] = ()
) -> Verdict:
    """Decide on an experiment by all its scored full runs on search and confirm, and those of the incumbent.

    The caller runs what a verdict wants (`replicates` more runs of `partition`, for the incumbent the seeds that it lacks there),
    subtracts `alpha_spent` and asks again with all runs. Without an incumbent the first valid score is kept.

    Args:
        alpha_left: what is left of `rules.alpha`; 0 or less: nothing is kept any more.
        history: search values of earlier experiments, for the too-good rule.
    """
    raise NotImplementedError


def detectable(rules: Rules, alpha_left: float | None = None, *, power: float = 0.8) -> float:
    """Return the MDE: the smallest true gain, in units of loss, that this rule keeps with the given power (screening included).

    It needs `rules.noise`. alpha_left: default the whole of `rules.alpha`, hence the first test of a campaign.
    """
    raise NotImplementedError
