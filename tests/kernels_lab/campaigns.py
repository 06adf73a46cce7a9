"""Real campaigns over the kernel lab, for tests and measurements."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from alphalab_nb.campaign import Campaign
from alphalab_nb.resources import shipped

HOSTILE = Path(__file__).parent / "hostile"
EXPECTED = {"segfault": "crash", "hang": "timeout", "memory": "oom", "fork": "crash", "flood": "invalid_output"}
"""Sources of hostile candidates, and the label that each must get."""


def with_hostile_kernels(folder: Path) -> Campaign:
    """Create a campaign on one problem whose list mixes hostile kernels with right ones; the first and the last are right."""
    adapter = folder / "adapter"
    shutil.copytree(shipped("adapters", "cuda_kernel"), adapter, ignore=shutil.ignore_patterns("__pycache__"))
    for name in EXPECTED:
        _as_recipe(adapter / "recipes" / f"hostile_{name}", HOSTILE / f"{name}.cpp", "softmax")
    proposals = [{"family": "softmax", "name": "first"}, *({"family": f"hostile_{name}", "name": name} for name in EXPECTED),
                 {"family": "softmax", "name": "last", "config": _another(adapter)}]
    return Campaign.create(
        folder / "workspace", name="hostile", domain=str(adapter), objective="a fast softmax in bad company",
        partitions={"search": 1, "confirm": 1, "sealed": 1}, families=["softmax", *(f"hostile_{name}" for name in EXPECTED)],
        task={"timing_s": 2.0}, executor={"kind": "local", "slots": 2, "wall_s": 300, "memory_gib": 6}, judge={"replicates": 1},
        limits={"max_experiments": len(proposals), "max_fixes": 0, "convergence": 0, "family_share": 1.0},
        strategy={"name": "listed", "options": {"proposals": proposals}},
    )


def labels(campaign: Campaign) -> dict[str, str]:
    """Return the label of the newest search score of every experiment by name."""
    newest = {run.experiment: run for run in campaign.board.runs(status="ended") if run.partition == "search"}
    return {campaign.board.get(id).name: run.score.label for id, run in newest.items() if run.score is not None}


def _as_recipe(folder: Path, source: Path, problem: str) -> None:
    folder.mkdir()
    shutil.copy(source, folder / "kernel.cpp")
    (folder / "kernel.json").write_text(json.dumps({"problem": problem, "backend": "cpp"}), encoding="utf-8")
    (folder / "recipe.yaml").write_text(
        f"family: {folder.name}\nsummary: a candidate that breaks\nfiles: {{kernel.cpp: kernel.cpp, kernel.json: kernel.json}}\n"
    )


def _another(adapter: Path) -> dict[str, object]:
    """Return a configuration of softmax that is not its default."""
    from alphalab_nb.adapter import Recipe

    recipe = Recipe.load(adapter / "recipes" / "softmax")
    _, moved = next(recipe.flips(recipe.default({}), {}))
    return moved
