"""Real campaigns over the kernel lab, for tests and measurements."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml

from alphalab_nb.adapter import Recipe
from alphalab_nb.campaign import Campaign
from alphalab_nb.resources import shipped

HOSTILE = Path(__file__).parent / "hostile"
EXPECTED = {"segfault": "crash", "hang": "timeout", "memory": "oom", "fork": "crash", "flood": "invalid_output"}
"""Sources of hostile candidates, and the label that each must get."""


def with_hostile_kernels(folder: Path) -> Campaign:
    """Create a campaign on one problem whose list mixes hostile kernels with right ones; the first and the last are right."""
    adapter = folder / "adapter"
    shutil.copytree(shipped("adapters", "cuda_kernel"), adapter, ignore=shutil.ignore_patterns("__pycache__"))
    right = _with_hostile_choices(adapter / "recipes" / "softmax")
    proposals = [{"family": "softmax", "name": "first", "config": {}}, *({"family": "softmax", "name": name, "config": {"source": name}}
                 for name in EXPECTED), {"family": "softmax", "name": "last", "config": right}]
    return Campaign.create(
        folder / "workspace", name="hostile", domain=str(adapter), objective="a fast softmax in bad company",
        partitions={"search": 1, "confirm": 1, "sealed": 1}, families=["softmax"], task={"timing_s": 2.0},
        executor={"kind": "local", "slots": 2, "wall_s": 300, "memory_gib": 6}, judge={"replicates": 1},
        limits={"max_experiments": len(proposals), "max_fixes": 0, "convergence": 0, "family_share": 1.0},
        strategy={"name": "listed", "options": {"proposals": proposals}},
    )


def labels(campaign: Campaign) -> dict[str, str]:
    """Return the label of the newest search score of every experiment by name."""
    newest = {run.experiment: run for run in campaign.board.runs(status="ended") if run.partition == "search"}
    return {campaign.board.get(id).name: run.score.label for id, run in newest.items() if run.score is not None}


def _with_hostile_choices(folder: Path) -> dict[str, object]:
    """Let a recipe write hostile sources, too; return a configuration that is right and not its default."""
    _, moved = next(Recipe.load(folder).flips(Recipe.load(folder).default({}), {}))
    for name in EXPECTED:
        shutil.copy(HOSTILE / f"{name}.cpp", folder)
    (folder / "kernel.cpp.j2").rename(folder / "right.cpp.j2")
    chosen = '{% if config.source == "right" %}{% include "right.cpp.j2" %}{% else %}{% include config.source + ".cpp" %}{% endif %}'
    (folder / "kernel.cpp.j2").write_text(chosen, encoding="utf-8")
    spec = yaml.safe_load((folder / "recipe.yaml").read_text(encoding="utf-8"))
    spec["params"]["source"] = {"type": "categorical", "choices": ["right", *EXPECTED], "default": "right"}
    (folder / "recipe.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    return moved
