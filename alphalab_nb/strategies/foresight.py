"""What a rule-based strategy may honestly expect of a proposal: what proposals like it have brought so far."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from alphalab_nb.judge.predictions import LEVEL
from alphalab_nb.metric import Metric
from alphalab_nb.storage.experiment import Prediction
from alphalab_nb.strategies.base import BoardView, Seen

ENOUGH = 3
"""Earlier results from which on something can be expected."""
RULES = "rules"


def expected_gain(view: BoardView, *, stage: str, family: str) -> Prediction | None:
    """Return the median and the 80 % range of what earlier experiments gained over the best before them, in units of the metric.

    Those of the same stage and family if there are enough, else of the same stage, else all; None if there are too few.
    """
    gains = gains_of(view.metric, [seen for seen in view.experiments if seen.score is not None and not seen.experiment.quarantined])
    like = [gain for seen, gain in gains if seen.experiment.stage == stage]
    alike = [gain for seen, gain in gains if (seen.experiment.stage, seen.experiment.family) == (stage, family)]
    chosen = next((found for found in (alike, like, [gain for _, gain in gains]) if len(found) >= ENOUGH), None)
    if chosen is None:
        return None
    low, middle, high = (float(value) for value in np.quantile(chosen, [(1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2]))
    return Prediction(expected=middle, low=low, high=high, model=RULES)


def gains_of(metric: Metric, scored: Sequence[Seen]) -> list[tuple[Seen, float]]:
    """Return what each experiment gained over the best of those with smaller ids; the first has nothing to gain over."""
    gains: list[tuple[Seen, float]] = []
    best: float | None = None
    for seen in scored:
        loss = metric.loss(seen.score or 0.0)
        if best is not None:
            gains.append((seen, best - loss))
        best = loss if best is None else min(best, loss)
    return gains
