"""Honest experiments: recipes with different configurations and seeds, run and scored as a campaign does it."""

from __future__ import annotations

import itertools
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alphalab_nb.campaign import Campaign
from alphalab_nb.executors import Command, Exit, Limits
from alphalab_nb.executors.inline import InlineExecutor
from alphalab_nb.parts import Parts
from alphalab_nb.phases import build_harness, freeze_harness, make_data, preflight
from alphalab_nb.resources import shipped
from alphalab_nb.storage.experiment import Score
from tests.support import small_campaign

FAMILIES = ("seasonal_naive", "drift", "harmonic", "ridge_global", "ridge_series")
"""Cheap ones that differ in kind."""
LIMITS = Limits(wall_s=120)


def frozen(folder: Path) -> Parts:
    """Return the parts of a campaign with a frozen harness, on a small series."""
    parts = small_campaign(folder).parts
    for step in (preflight, make_data, build_harness, freeze_harness):
        step(parts)
    return parts


def time_series(folder: Path, count: int) -> dict[str, Score]:
    """Return the scores of so many honest experiments by name."""
    parts = frozen(folder)
    return dict(itertools.islice(_experiments(parts), count))


def simulator(folder: Path, count: int) -> dict[str, Score]:
    """Return the scores of so many honest points by name: two choices each, none of them a trap."""
    parts = Campaign.create(folder / "workspace", shipped("adapters", "simulator", "examples", "planted.yaml"), data={"seed": 3}).parts
    for step in (preflight, make_data, build_harness, freeze_harness):
        step(parts)
    rng, scores = random.Random(0), dict[str, Score]()
    for number in range(count):
        point = {f"choice_{choice}": f"level_{rng.randrange(1, 4)}" for choice in rng.sample(range(8), 2)}
        artefact = parts.workspace.root / "honest" / str(number)
        artefact.mkdir(parents=True)
        (artefact / "point.json").write_text(json.dumps(point), encoding="utf-8")
        scores[str(point)] = _judged(parts, artefact, artefact / "score", number)
    return scores


def kernels(folder: Path, count: int) -> dict[str, Score]:
    """Return the scores of so many honest kernels by name: each problem's default, in smoke fidelity: right or not is what counts."""
    example = shipped("adapters", "cuda_kernel", "examples", "cpu_24.yaml")
    parts = Campaign.create(folder / "workspace", example, data={"seed": 3}).parts
    for step in (preflight, make_data, build_harness, freeze_harness):
        step(parts)
    scores = dict[str, Score]()
    for recipe in parts.recipes[:count]:
        artefact = parts.workspace.root / "honest" / recipe.family
        artefact.mkdir(parents=True)
        for name, text in recipe.render(recipe.default(parts.task), parts.task).items():
            (artefact / name).write_text(text, encoding="utf-8")
        scores[recipe.family] = _judged(parts, artefact, artefact / "score", 1, "smoke")
    return scores


def _experiments(parts: Parts) -> Iterator[tuple[str, Score]]:
    facts, rng = {**parts.task, "n_items": 1, "length": 250}, random.Random(0)
    recipes = {recipe.family: recipe for recipe in parts.recipes}
    for seed in itertools.count():
        for family in FAMILIES:
            config = recipes[family].default(facts)
            config = recipes[family].perturb(config, facts, rng) if seed else config
            yield f"{family}_{seed}", _scored(parts, f"{family}_{seed}", recipes[family].render(config, facts), seed)


def _scored(parts: Parts, name: str, files: dict[str, str], seed: int) -> Score:
    home = parts.workspace.root / "honest" / name
    code, out = home / "code", home / "out"
    for folder in (code, out):
        folder.mkdir(parents=True)
    for file, text in files.items():
        (code / file).write_text(text, encoding="utf-8")
    explore = parts.workspace.explore_data
    argv: list[Any] = [sys.executable, "run.py", "--out", out, "--seed", seed, "--fidelity", "full", "--budget-s", 5]
    env = {"ALPHALAB_DATA": str(explore), "ALPHALAB_TASK": json.dumps(parts.task)}
    argv, env = parts.sandbox.command([str(word) for word in argv], cwd=code, read_only=[code, explore], read_write=[out], env=env)
    end = _ended(Command(argv=tuple(argv), cwd=code, folder=home / "run", env=env, limits=LIMITS, name=name))
    assert end.label == "ok", (home / "run" / "stderr.log").read_text(encoding="utf-8")
    return _judged(parts, out / "artefact", home / "score", seed)


def _judged(parts: Parts, artefact: Path, folder: Path, seed: int, fidelity: str = "full") -> Score:
    child, child_env = parts.sandbox.command([sys.executable], cwd=artefact, read_only=[artefact, parts.workspace.harness])
    command = parts.evaluator.score_command(artefact=artefact, partition="search", seed=seed, fidelity=fidelity, folder=folder,
                                            limits=LIMITS, child=child, child_env=child_env)
    return parts.evaluator.read(folder, _ended(command))


def _ended(command: Command) -> Exit:
    with InlineExecutor() as executor:
        return executor.submit(command).result(None)
