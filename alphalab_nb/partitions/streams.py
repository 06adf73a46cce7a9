"""The rule "streams": a domain whose data is noise that a program draws. Each hidden partition is a stream of draws of its own.

There is no data file. explore describes the space of points and holds no draw; what the world is made of (a secret number) and the
streams lie in vault/, which only the evaluator opens.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alphalab_nb.config import nearest
from alphalab_nb.errors import ConfigError, DataError
from alphalab_nb.partitions.base import HIDDEN
from alphalab_nb.partitions.vault import install, installed
from alphalab_nb.workspace import Workspace

RULE = "streams"
DRAWS: dict[str, int] = {"search": 1, "confirm": 4, "sealed": 16}
"""Default number of noise draws that a full score on a partition is the mean of: those that are opened seldom may be dear."""
_SECRET_BITS = 62


@dataclass(frozen=True)
class StreamsReport:
    """What was split; shown in the notebook. Says nothing of the secret."""

    draws: dict[str, int]
    families: int
    """Families of points that explore describes."""
    rule: str = RULE

    def as_dict(self) -> dict[str, object]:
        """Return plain values for JSON."""
        return asdict(self)

    def to_markdown(self) -> str:
        """Return a table of the partitions."""
        rows = [f"| {name} | {count} draws of a stream of its own |" for name, count in self.draws.items()]
        explored = f"| explore | a description of the space: {self.families} families, no draw |"
        return "\n".join(["| partition | holds |", "|---|---|", explored, *rows])

    def _repr_markdown_(self) -> str:
        return self.to_markdown()


def draws_of(split: Mapping[str, object]) -> dict[str, int]:
    """Return how many draws each hidden partition holds, as the `partitions:` block says.

    Raises:
        ConfigError: unknown key, or no whole number of at least one.
    """
    known = [*HIDDEN, "rule"]
    counts = dict(DRAWS)
    for key, value in split.items():
        if key not in known:
            raise ConfigError(f"unknown key 'partitions.{key}'{nearest(str(key), known)}")
        if key == "rule" and value != RULE:
            raise ConfigError(f"'partitions.rule' must be {RULE} in this domain, not {value!r}")
        if key != "rule" and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
            raise ConfigError(f"'partitions.{key}' must be a number of draws of at least 1, not {value!r}")
        if isinstance(value, int):
            counts[key] = value
    return counts


def secret_of(data: Mapping[str, object]) -> int | None:
    """Return the seed that the `data:` block fixes; None: a new one is drawn.

    Raises:
        ConfigError: unknown key, or a seed that is no whole number.
    """
    for key in data:
        if key != "seed":
            raise ConfigError(f"unknown key 'data.{key}'{nearest(str(key), ['seed'])}; this domain reads no file")
    seed = data.get("seed")
    if seed is not None and (not isinstance(seed, int) or isinstance(seed, bool) or seed < 0):
        raise ConfigError(f"'data.seed' must be a whole number of at least 0, not {seed!r}")
    return seed


def make_streams(data: Mapping[str, object], split: Mapping[str, object], space: Mapping[str, Any], root: Path) -> StreamsReport:
    """Write data/explore (the space) and vault/ (a seed of the world, and one of its own for each stream).

    Raises:
        ConfigError: see `draws_of` and `secret_of`.
        DataError: the workspace was made with other streams.
    """
    workspace = Workspace(root)
    draws, secret = draws_of(split), secret_of(data)
    report = StreamsReport(draws, len(space))
    found = installed(workspace)
    if found is not None:
        return _finished(workspace, found, report, secret)
    world = secret if secret is not None else secrets.randbits(_SECRET_BITS)
    install(workspace, report.as_dict(), lambda explore, vault: _write(explore, vault, report, space, world))
    return report


def _finished(workspace: Workspace, found: Mapping[str, Any], report: StreamsReport, secret: int | None) -> StreamsReport:
    held = json.loads((workspace.vault / "search" / "stream.json").read_text(encoding="utf-8"))
    if found["draws"] != report.draws or secret not in (None, held["world"]):
        raise DataError(f"{workspace.root} was made with other streams; restore `partitions:` and `data:` in campaign.yaml, or create a "
                        "new workspace (scores would not be comparable)")
    return StreamsReport(**found)


def _write(explore: Path, vault: Path, report: StreamsReport, space: Mapping[str, Any], world: int) -> None:
    about = {"rule": RULE, "partition": "explore", "draws": report.draws, "families": report.families}
    _write_json(explore / "meta.json", about)
    _write_json(explore / "space.json", dict(space))
    for number, name in enumerate(HIDDEN):
        # disjoint: children of one seed sequence are independent streams
        stream = int(np.random.SeedSequence(entropy=world, spawn_key=(number,)).generate_state(1, np.uint64)[0])
        (vault / name).mkdir()
        _write_json(vault / name / "stream.json", {"partition": name, "world": world, "stream": stream, "draws": report.draws[name]})


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
