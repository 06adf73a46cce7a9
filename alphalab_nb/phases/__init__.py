"""The phases as functions that the notebooks call. Every one is a step: done once, recorded, skipped when run again."""

from alphalab_nb.phases.adapt import adapt_domain, make_data, preflight
from alphalab_nb.phases.build import attack_harness, build_harness, certify_baselines, freeze_harness
from alphalab_nb.phases.close import confirm_best, open_sealed
from alphalab_nb.phases.explore import compile_research_report, explore_data

__all__ = [
    "adapt_domain",
    "attack_harness",
    "build_harness",
    "certify_baselines",
    "compile_research_report",
    "confirm_best",
    "explore_data",
    "freeze_harness",
    "make_data",
    "open_sealed",
    "preflight",
]
