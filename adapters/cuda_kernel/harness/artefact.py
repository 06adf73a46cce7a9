"""What a candidate hands in: kernel.json and one source. Each is read once, no link is followed, and nothing else in the folder counts."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DESCRIPTION = "kernel.json"
NOTE = "experiment.json"
"""What the campaign writes into a snapshot of an experiment: its name, family, hypothesis."""
SOURCES = {"cpp": "kernel.cpp", "cuda": "kernel.cu", "torch": "kernel.py", "torch_cuda": "kernel.py", "triton": "kernel.py"}
"""Backend -> name of its source."""
BACKENDS = {"cpu": ("cpp", "torch"), "cuda": ("cuda", "triton", "torch_cuda")}
"""Device of a campaign -> backends whose kernels run there. Times on two devices do not compare."""
LARGEST_BYTES = {DESCRIPTION: 4096, **dict.fromkeys(SOURCES.values(), 1 << 20)}
_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)


class Refused(Exception):
    """A candidate has no score: it cannot be judged, or it failed.

    Args:
        label: of the contract: crash, timeout, oom, invalid_output, gate_missed.
        gates: rows of the gates that were judged.
        secondary: what was measured all the same.
    """

    def __init__(self, label: str, message: str, *, gates: list[dict[str, Any]] | None = None,
                 secondary: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.label, self.gates, self.secondary = label, gates or [], secondary or {}


@dataclass(frozen=True)
class Kernel:
    """One candidate."""

    problem: str
    backend: str
    source: bytes

    @property
    def file(self) -> str:
        """Name of its source."""
        return SOURCES[self.backend]


def read_kernel(folder: Path, device: str, further: Collection[str] = ()) -> Kernel:
    """Return the kernel of an artefact.

    Args:
        device: of the campaign.
        further: names of problems beside the lab's own. Of others only the form of the name is looked at here, and that it is no path: a
            candidate that could name a file as its problem would write its own.

    Raises:
        Refused: crash where a file is missing; invalid_output where one is a link, too large, no text or not what is asked for.
    """
    try:
        given = json.loads(_text(folder / DESCRIPTION))
    except (ValueError, RecursionError) as error:
        raise Refused("invalid_output", f"{DESCRIPTION} is not JSON: {error}") from error
    if not isinstance(given, dict) or given.keys() != {"problem", "backend"}:
        raise Refused("invalid_output", f'{DESCRIPTION} must hold exactly {{"problem": NAME, "backend": NAME}}; no score and nothing else')
    problem, backend = given["problem"], given["backend"]
    if backend not in BACKENDS[device]:
        raise Refused("invalid_output", f"this campaign measures on {device}; backend {backend!r} is none of {', '.join(BACKENDS[device])}")
    if not isinstance(problem, str) or (problem not in further and not _NAME.fullmatch(problem)):
        raise Refused("invalid_output", f"{problem!r} is no name of a problem")
    if (family := _family(folder)) not in ("", problem):
        raise Refused("invalid_output", f"the experiment is of family {family} and its kernel is for {problem}; a family is a problem")
    return Kernel(problem, backend, _text(folder / SOURCES[backend]).encode())


def _family(folder: Path) -> str:
    """Return the family that the campaign's own note in a snapshot names; empty where there is no such note."""
    try:
        return str(json.loads((folder / NOTE).read_text(encoding="utf-8"))["family"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _text(path: Path) -> str:
    """Return a file of the artefact; opened once, so that it cannot be exchanged between a look at it and its use."""
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if path.is_symlink():
            raise Refused("invalid_output", f"{path.name} is a link; put the file itself there") from error
        raise Refused("crash", f"the artefact holds no {path.name} that can be read") from error
    most = LARGEST_BYTES[path.name]
    try:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            raise Refused("invalid_output", f"{path.name} is no file")
        held = os.read(opened, most + 1)
    finally:
        os.close(opened)
    if len(held) > most:
        raise Refused("invalid_output", f"{path.name} is larger than {most} bytes")
    try:
        return held.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("invalid_output", f"{path.name} is not UTF-8 text: {error}") from error
