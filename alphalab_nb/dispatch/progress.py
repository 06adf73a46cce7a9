"""What the experiment notebook prints while the search runs."""

from __future__ import annotations

from alphalab_nb.dispatch.dispatcher import Dispatcher
from alphalab_nb.storage.experiment import State
from alphalab_nb.storage.leaderboard import ranking


class PrintProgress:
    """Prints one line whenever another experiment has come to its end."""

    def __init__(self) -> None:
        self._shown = -1

    def __call__(self, dispatcher: Dispatcher) -> None:
        counts = dispatcher.board.counts()
        ended = counts[State.ANALYZED] + counts[State.DONE]
        if ended != self._shown:
            self._shown = ended
            print(f"{ended} of {dispatcher.parts.limits().max_experiments} ended{_best(dispatcher)}", flush=True)  # noqa: T201


def _best(dispatcher: Dispatcher) -> str:
    metric = dispatcher.parts.metric
    ranked = ranking(dispatcher.board, metric, dispatcher.board.fact("harness"))
    return f", best {metric.name} {ranked[0].value:.4g} ({ranked[0].experiment.name})" if ranked else ""
