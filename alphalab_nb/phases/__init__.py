"""The phases as functions that the notebooks call. Every one is a step: done once, recorded, skipped when run again."""

from alphalab_nb.phases.adapt import adapt_domain, check_minds, make_data, preflight, review_adapter
from alphalab_nb.phases.build import attack_harness, build_harness, certify_baselines, freeze_harness, review_harness
from alphalab_nb.phases.champion import verify_champion
from alphalab_nb.phases.cheats import plant_cheats
from alphalab_nb.phases.close import confirm_best, open_sealed
from alphalab_nb.phases.explore import compile_research_report, explore_data, review_exploration

__all__ = [
    "adapt_domain",
    "attack_harness",
    "build_harness",
    "certify_baselines",
    "check_minds",
    "compile_research_report",
    "confirm_best",
    "explore_data",
    "freeze_harness",
    "make_data",
    "open_sealed",
    "plant_cheats",
    "preflight",
    "review_adapter",
    "review_exploration",
    "review_harness",
    "verify_champion",
]
