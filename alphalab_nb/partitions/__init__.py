"""Make and guard the four data partitions: read the data, mend it, split it by the rule of its kind, count who looks.

    report = rule_of(adapter.manifest.partition).make(Wanted(config.data, config.partitions, task), workspace.root)
    Partitions(workspace.root).open("confirm", by="run 12", reason="score")

Names are loaded on first use: reading data needs pandas, guarding does not.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alphalab_nb.partitions.base import (
        HIDDEN,
        NAMES,
        CovariateSpec,
        Panel,
        Repair,
        SeriesSpec,
        read_panel,
    )
    from alphalab_nb.partitions.facts import with_facts, with_season
    from alphalab_nb.partitions.formats import load_series
    from alphalab_nb.partitions.guard import Partitions, Read, hidden_paths
    from alphalab_nb.partitions.rules import Report, Rule, Wanted, report_of, rule_of
    from alphalab_nb.partitions.series import PartitionReport, as_frame, load_report, make_partitions
    from alphalab_nb.partitions.split import plan_partitions, split_rows

_HOMES = {
    "base": ("HIDDEN", "NAMES", "CovariateSpec", "Panel", "Repair", "SeriesSpec", "read_panel"),
    "facts": ("with_facts", "with_season"),
    "formats": ("load_series",),
    "guard": ("Partitions", "Read", "hidden_paths"),
    "rules": ("Report", "Rule", "Wanted", "report_of", "rule_of"),
    "series": ("PartitionReport", "as_frame", "load_report", "make_partitions"),
    "split": ("plan_partitions", "split_rows"),
}

__all__ = [
    "HIDDEN",
    "NAMES",
    "CovariateSpec",
    "Panel",
    "PartitionReport",
    "Partitions",
    "Read",
    "Repair",
    "Report",
    "Rule",
    "SeriesSpec",
    "Wanted",
    "as_frame",
    "hidden_paths",
    "load_report",
    "load_series",
    "make_partitions",
    "plan_partitions",
    "read_panel",
    "report_of",
    "rule_of",
    "split_rows",
    "with_facts",
    "with_season",
]


def __getattr__(name: str) -> object:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
