"""What the evaluator draws from: the world and the noise of one partition, made of secrets that lie in the vault alone."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .world import PARTITIONS, Fidelity, Measured, Partition, World, from_options

HERE = Path(__file__).resolve().parent


class HarnessFault(Exception):
    """The evaluation itself cannot run (vault, configuration); never the fault of a candidate."""


@dataclass(frozen=True)
class Stream:
    """One hidden partition."""

    partition: Partition
    world: World
    secret: int
    """Makes the noise of this partition; nobody who proposes points knows it, so no point can be tuned to it."""
    draws: int
    """Noise draws that a full score is the mean of."""

    def measure(self, point: Mapping[str, str], seed: int, fidelity: Fidelity) -> Measured:
        """Run a point on every draw of this partition, for one seed of the evaluator; on the first one at fidelity smoke."""
        wanted = self.draws if fidelity == "full" else 1
        runs = [self.world.measure(point, self.partition, one, fidelity) for one in self._seeds(seed)[:wanted]]
        units = tuple((_grouped(id) if wanted > 1 else id, loss) for run in runs for id, loss in run.units)
        return Measured(float(np.mean([run.value for run in runs])), units, runs[0].gates)

    def _seeds(self, seed: int) -> list[int]:
        """Return the seed of each draw: never one that a point could have been tuned on, and never the same for two evaluator's seeds."""
        made = np.random.SeedSequence([self.secret, seed]).generate_state(self.draws, np.uint64)
        return [int(one) for one in made]


def _grouped(id: str) -> str:
    """Return the name of a unit with its draw in front: units of one draw share its shift, so only whole draws are independent."""
    return "t" + id.removeprefix("n").replace(".", "/")


def load_stream(partition: str, vault: Path, folder: Path = HERE) -> Stream:
    """Return a partition's stream in the world that config.json describes.

    Raises:
        HarnessFault: no such partition, or files that cannot be used.
    """
    if partition not in PARTITIONS:
        raise HarnessFault(f"there is no partition {partition!r}; known: {', '.join(PARTITIONS)}")
    held = _read(vault / partition / "stream.json")
    return Stream(partition, from_options({**load_task(folder), "seed": held["world"]}), int(held["stream"]), int(held["draws"]))


def load_task(folder: Path = HERE) -> dict[str, Any]:
    """Read config.json of the harness; phase 2 writes the task block into it.

    Raises:
        HarnessFault: it is missing or describes no world.
    """
    raw = _read(folder / "config.json")
    task: dict[str, Any] = raw.get("task", raw)
    for name in ("noise", "effect"):
        value = task.get(name, 1.0)
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value) or value < 0:
            raise HarnessFault(f"config.json: {name} must be a number of at least 0, not {value!r}")
    return task


def harness_version(folder: Path = HERE) -> str:
    """Return a short hash of the harness files; the evaluator's own version string replaces it."""
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("*.py"), *folder.glob("config.json")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise HarnessFault(f"{path.parent.name}/{path.name} is missing") from error
    except ValueError as error:
        raise HarnessFault(f"{path.parent.name}/{path.name} is not JSON: {error}") from error
