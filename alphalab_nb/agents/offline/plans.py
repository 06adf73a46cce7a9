"""What the rules look at, by the partition rule of a domain: which probes, in which order, and where their facts are written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """The probes for one kind of data."""

    setup: str
    """Probe that loads explore and defines what the others use."""
    probes: Mapping[str, str]
    """Probe -> file of data_report/ that its facts go to, in the order of the plan."""
    first: tuple[str, ...]
    """Probes of the Customizer."""
    kinds: tuple[str, ...]
    """Kinds of facts that the Customizer writes under the domain knowledge."""


PLANS: dict[str, Plan] = {
    "series": Plan(
        setup="setup",
        probes={
            "schema": "schema", "repairs": "schema", "missing": "schema", "statistics": "statistics", "dead": "findings",
            "level_shift": "findings", "outliers": "findings", "trend": "statistics", "seasonality": "statistics", "profiles": "statistics",
            "summer_time": "findings", "slumps": "findings", "unusual_days": "findings", "correlation": "statistics", "halves": "findings",
            "seasonal_naive": "findings", "covariates": "statistics",
        },
        first=("schema", "missing", "statistics", "covariates"),
        kinds=("shape", "step", "seasons", "types", "ragged", "missing", "gaps", "item", "scales", "negative", "covariates",
               "no_covariates", "covariate"),
    ),
    "streams": Plan(
        setup="streams/setup",
        probes={"streams/space": "schema", "streams/ranges": "statistics", "streams/draws": "findings"},
        first=("streams/space", "streams/draws"),
        kinds=("families", "family", "noise_left"),
    ),
}
