"""Does a forecaster see anything it must not know? Rates say which row they stand in: one more than its number."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from _lab import Lab, World, attack, row_numbers

EXPLORE, SEARCH = 30, 40
ROWS = EXPLORE + SEARCH


def _world(**task: Any) -> World:
    return World(1 + row_numbers(ROWS), (EXPLORE, SEARCH), task={"metric": "sharpe", "stride": 4, **task})


def _rows(context: dict[str, Any]) -> list[float]:
    """Return the numbers of the rows that a context shows, read off their values."""
    return [values[0] - 1 for values in context["new"]]


def _leak(contexts: list[dict[str, Any]], embargo: int = 0) -> str | None:
    for context in contexts:
        late = [row for row in _rows(context) if row >= context["t"] - embargo]
        if late:
            return f"at origin {context['t']} with embargo {embargo} the context shows row {late[-1]:.0f}"
    return None


def short_history(lab: Lab) -> str | None:
    """A lookback longer than the history must give a short context, not rows from the other side of the origin."""
    contexts = lab.shown(_world(lookback=EXPLORE + 20))
    first = min(contexts, key=lambda context: context["t"])
    shown = len(first["new"])
    return _leak(contexts) or (None if shown == EXPLORE else f"the first context has {shown} rows, not all {EXPLORE}")


def embargo(lab: Lab) -> str | None:
    """The embargo binds the context of a forecast as it binds the fit."""
    contexts = lab.shown(_world(embargo=5))
    early = [context["t"] for context in contexts if context["t"] < EXPLORE + 5]
    return _leak(contexts, 5) or (f"origin {early[0]} lies under the embargo of what was fitted on" if early else None)


def stream(lab: Lab) -> str | None:
    """Origins come in time order and inside the partition; each row is shown once, under its own number."""
    contexts = lab.shown(_world(), "--fidelity", "full")
    steps = [context["t"] for context in contexts]
    expected = list(range(EXPLORE, ROWS - 4 + 1, 4))
    if steps[: len(expected)] != expected and sorted(set(steps)) != expected:
        return f"the origins are {steps}, expected {expected}"
    seen: list[float] = []
    for context in contexts[: len(expected)]:
        if _rows(context) and _rows(context)[0] != context["start"]:
            return f"rows from {_rows(context)[0]:.0f} on are announced as starting at {context['start']}"
        seen += _rows(context)
    return None if seen == list(range(expected[-1])) else "rows before the last origin are missing, repeated or out of order"


def covariates(lab: Lab) -> str | None:
    """Over the horizon only covariates that are known in advance may be shown."""
    values = np.stack([row_numbers(ROWS, 1), row_numbers(ROWS, 1)], axis=-1)  # (T, 1, 2)
    contexts = lab.shown(replace(_world(), covariates=values, known=(True, False)))
    for context in contexts:
        past, ahead = np.array(context["cov"]).reshape(-1, 2), np.array(context["future_cov"]).reshape(-1, 2)
        if past.size and past.max() >= context["t"]:
            return f"at origin {context['t']} the past covariates reach row {past.max():.0f}"
        if not np.isnan(ahead[:, 1]).all():
            return f"at origin {context['t']} a covariate that is not known in advance is shown over the horizon"
        if not np.array_equal(ahead[:, 0], context["t"] + np.arange(4)):
            return f"at origin {context['t']} the known covariate is not that of the horizon"
    return None


if __name__ == "__main__":
    attack({
        "context_with_short_history": ("blocking", "def context_rows", short_history),
        "embargo_in_context": ("blocking", "def context_rows", embargo),
        "rows_arrive_in_order": ("blocking", "def contexts", stream),
        "unknown_covariates_hidden": ("blocking", "def context(", covariates),
    })
