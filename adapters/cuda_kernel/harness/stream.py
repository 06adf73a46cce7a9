"""What the evaluator draws from: the secret of one partition, the seeds that follow from it, and the task of the campaign."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .artefact import BACKENDS

HERE = Path(__file__).resolve().parent
PARTITIONS = ("search", "confirm", "sealed")
_SEED_BITS = 60


class HarnessFault(Exception):
    """The evaluation itself cannot run (vault, configuration, lab, machine); never the fault of a candidate."""


@dataclass(frozen=True)
class Stream:
    """One hidden partition: evaluations of the lab under seeds that nobody who writes kernels can know."""

    partition: str
    secret: int
    draws: int
    """Evaluations that a full score is the mean of."""

    def seed(self, seed: int, draw: str, attempt: int = 0) -> int:
        """Return the lab's seed of one draw: it decides inputs, weights and held-out sizes.

        Args:
            seed: of the evaluator.
            draw: number of the draw, or what else it is for.
            attempt: how often the machine was too busy to rank this draw before.
        """
        made = hashlib.sha256(f"{self.secret}/{seed}/{draw}/{attempt}".encode()).digest()
        return int.from_bytes(made[:8]) >> (64 - _SEED_BITS)

    def unit(self, problem: str, seed: int, draw: str) -> str:
        """Return the id of a unit: the same for every kernel of one problem and for its reference; no two seeds or partitions share one."""
        return f"{problem}/default/natural/{self.partition}.{seed}.{draw}"


@dataclass(frozen=True)
class Task:
    """The task block of the campaign, as config.json holds it."""

    problems: dict[str, str]
    """Further problems: name -> file in KernelBench form."""
    timing_s: float
    """Seconds for the rounds of timing of one evaluation."""
    device: str
    """Where kernels run, and the references that they are compared with."""


def load_stream(partition: str, vault: Path) -> Stream:
    """Return a partition's stream.

    Raises:
        HarnessFault: no such partition, or a file that cannot be used.
    """
    if partition not in PARTITIONS:
        raise HarnessFault(f"there is no partition {partition!r}; known: {', '.join(PARTITIONS)}")
    held = _read(vault / partition / "stream.json")
    try:
        return Stream(partition, int(held["stream"]), int(held["draws"]))
    except (KeyError, TypeError, ValueError) as error:
        raise HarnessFault(f"{partition}/stream.json holds no stream: {type(error).__name__} {error}") from error


def load_task(folder: Path = HERE) -> Task:
    """Read config.json of the harness; phase 2 writes the task block into it.

    Raises:
        HarnessFault: it is missing, or a value in it cannot be used.
    """
    raw = _read(folder / "config.json")
    task: dict[str, Any] = raw.get("task", raw)
    timing_s, paths, device = task.get("timing_s", 2.0), task.get("problems") or [], task.get("device", "cpu")
    if not isinstance(device, str) or device not in BACKENDS:
        raise HarnessFault(f"config.json: device must be one of {', '.join(BACKENDS)}, not {device!r}")
    if not isinstance(timing_s, int | float) or isinstance(timing_s, bool) or not math.isfinite(timing_s) or timing_s < 0:
        raise HarnessFault(f"config.json: timing_s must be a number of seconds of at least 0, not {timing_s!r}")
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise HarnessFault(f"config.json: problems must be a list of paths, not {paths!r}")
    files = [Path(path) for path in paths]
    for file in files:
        if not file.is_absolute() or file.suffix != ".py" or not file.is_file():
            raise HarnessFault(f"config.json: problems: {file} is no .py file under an absolute path")
    if len({file.stem for file in files}) < len(files):
        raise HarnessFault("config.json: problems: two files have one name; a problem is named by its file, so rename one")
    return Task({file.stem: str(file) for file in files}, float(timing_s), device)


def harness_version(folder: Path = HERE) -> str:
    """Return a short hash of the harness files; the evaluator's own version string replaces it."""
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("*.py"), *folder.glob("config.json")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def read_space(data: Path) -> list[str]:
    """Return the families that data/explore/space.json describes; a family is a problem.

    Raises:
        HarnessFault: the file is missing or holds no object.
    """
    return list(_read(data / "space.json"))


def _read(path: Path) -> dict[str, Any]:
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise HarnessFault(f"{path.parent.name}/{path.name} is missing") from error
    except ValueError as error:
        raise HarnessFault(f"{path.parent.name}/{path.name} is not JSON: {error}") from error
    if not isinstance(held, dict):
        raise HarnessFault(f"{path.parent.name}/{path.name} must hold one object")
    return held
