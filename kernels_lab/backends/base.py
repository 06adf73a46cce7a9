"""What the lab asks of a backend: build a candidate's file, and say how a process that runs it is started.

    setup = BACKENDS["cpp"].build(Path("softmax.cpp"), folder)    # raises Failure with the compiler's message
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Protocol

from kernels_lab import sandbox
from kernels_lab.failure import Failure, Label
from kernels_lab.process import Setup

_MESSAGE_CHARACTERS = 3000
_FLAGS = re.compile(r"^//\s*flags:(?P<flags>.*)$", re.MULTILINE)
_ALLOWED_FLAG = re.compile(r"-(?:[fm][\w=,-]+|O[0-3s]|Ofast|std=[\w+]+|DNDEBUG|D\w+=?\w*)$")
_NOISE = re.compile(r"In file included from|^\s+from |: note: |^ninja: |^FAILED: ")


class Backend(Protocol):
    """One way to write a kernel."""

    @property
    def name(self) -> str: ...

    @property
    def device(self) -> str:
        """Where its tensors live: cpu or cuda."""
        ...

    @property
    def suffix(self) -> str:
        """Of a candidate's file."""
        ...

    def strided(self, candidate: Path) -> bool:
        """Whether it is given inputs that are not contiguous, as the reference is."""
        ...

    def missing(self) -> str:
        """Say what this machine lacks to build and run it; empty if nothing."""
        ...

    def build(self, candidate: Path, folder: Path) -> Setup:
        """Build the candidate inside the folder. Raises Failure: compile_error with the compiler's message, or not_run with what lacks."""
        ...


def compiled(command: list[str], candidate: Path, folder: Path, *, timeout_s: float) -> str:
    """Run a compiler in the sandbox and return what it said. Raises Failure with its message, trimmed."""
    view = sandbox.View(read_only=(candidate.parent,), read_write=(folder,))
    variables = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder), "LANG": "C", "TMPDIR": str(folder)}
    try:
        done = subprocess.run(
            sandbox.wrapped(command, view, variables), env=variables, capture_output=True, text=True, errors="replace",
            timeout=timeout_s, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Failure(Label.TIMEOUT, "compile_error", f"the compiler took longer than {timeout_s:.0f} s") from None
    if done.returncode:
        raise Failure(Label.CRASH, "compile_error", trimmed(done.stderr + done.stdout, candidate.parent, folder))
    return done.stderr + done.stdout


def trimmed(message: str, *folders: Path) -> str:
    """Keep of a compiler's message what its reader acts on: errors with their lines, no chains of includes, no paths of this machine."""
    for folder in folders:
        message = message.replace(f"{folder}/", "")
    lines = [line for line in message.splitlines() if not _NOISE.search(line)]
    first = next((number for number, line in enumerate(lines) if "error" in line), 0)
    text = "\n".join(lines[first:])
    more = len(text) - _MESSAGE_CHARACTERS
    return text if more <= 0 else f"{text[:_MESSAGE_CHARACTERS]}\n... {more} more characters"


def own_flags(source: str) -> list[str]:
    """Options that a source asks for in a line `// flags: ...`; only those that change how code is generated."""
    found = _FLAGS.search(source)
    flags = found["flags"].split() if found else []
    if refused := [flag for flag in flags if not _ALLOWED_FLAG.match(flag)]:
        raise Failure(Label.CRASH, "compile_error", f"options {' '.join(refused)} are not allowed; only -f..., -m..., -O..., -std= and -D")
    return flags
