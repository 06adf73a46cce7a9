"""Which problems of a KernelBench checkout load, run and pass the lint on this machine, and why the others do not.

Each file is tried in a process of its own, under a limit of time and of memory:

    for verdict in survey(Path("KernelBench")):
        print(verdict.problem, verdict.runs, verdict.reason)

The files are used unchanged but for their sizes. They run with the rights of this process: survey what you would run yourself.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kernels_lab.errors import ProblemError

if TYPE_CHECKING:
    from kernels_lab.problem import Problem

LEVELS = (1, 2)
"""Single operators and short chains; the other levels are whole networks."""


@dataclass(frozen=True)
class Limits:
    """Of one problem's process."""

    seconds: float = 120.0
    memory_gib: float = 8.0
    """Address space; torch alone maps about 2."""


@dataclass(frozen=True)
class Verdict:
    """What is known of one problem of a checkout."""

    problem: str
    """As level1/23_Softmax."""
    loads: bool = False
    runs: bool = False
    """At CPU scale: with the sizes given here."""
    lint_ok: bool = False
    sizes: dict[str, int] = field(default_factory=dict[str, int])
    """Constants that were replaced, at their new values."""
    seconds: float | None = None
    """Of one call of the eager model, one thread."""
    reason: str = ""
    """Why it does not load, run or pass the lint."""


def files(folder: Path, levels: tuple[int, ...] = LEVELS) -> list[Path]:
    """The problems of a checkout, by level and number; the folder is the checkout, its KernelBench folder, or one like it.

    Raises:
        ProblemError: there are none.
    """
    home = folder / "KernelBench" if (folder / "KernelBench").is_dir() else folder
    found = [path for level in levels for path in sorted((home / f"level{level}").glob("*.py"), key=_number)]
    if not found:
        raise ProblemError(f"no problems under {folder}: expected level1/1_Name.py, level2/1_Name.py, as in a checkout of KernelBench")
    return found


def survey(folder: Path, levels: tuple[int, ...] = LEVELS, limits: Limits | None = None) -> Iterator[Verdict]:
    """Try every problem, one after the other."""
    for path in files(folder, levels):
        yield tried(path, limits or Limits())


def tried(path: Path, limits: Limits) -> Verdict:
    """Try one problem in a process of its own."""
    command = [sys.executable, "-m", "kernels_lab.survey", str(path.resolve()), str(limits.memory_gib)]
    child = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    try:
        output, errors = child.communicate(timeout=limits.seconds)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        return Verdict(_name(path), reason=f"no verdict within {limits.seconds:g} s")
    if child.returncode:
        return Verdict(_name(path), reason=_end(child.returncode, errors, limits))
    return Verdict(**json.loads(output))


def at_cpu_scale(path: Path, limits: Limits | None = None) -> Problem:
    """The problem at sizes that run on one CPU thread, found in a process of its own and kept: every evaluation gets the same ones.

    Raises:
        ProblemError: it does not run at any; the message says why.
    """
    from kernels_lab import machine
    from kernels_lab.problem import load_file

    key = f"sizes-{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"
    if (known := machine.kept(key)) is None:
        verdict = tried(path, limits or Limits())
        if not verdict.runs:
            raise ProblemError(f"{verdict.problem} does not run: {verdict.reason}")
        machine.keep(key, known := verdict.sizes)
    return load_file(path, sizes=known)


def _end(code: int, errors: str, limits: Limits) -> str:
    last = (errors.strip().splitlines() or [""])[-1][:300]
    how = f"ended by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    return f"{how} under a limit of {limits.memory_gib:g} GiB; last line: {last}"


def _number(path: Path) -> tuple[int, str]:
    digits = re.match(r"\d+", path.stem)
    return (int(digits[0]) if digits else 0, path.stem)


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def _judge(path: Path) -> Verdict:
    """Load, run and lint one problem in this process."""
    import torch

    from kernels_lab.lint import lint
    from kernels_lab.problem import load_file
    from kernels_lab.shrink import fitted

    torch.set_num_threads(1)
    name, known = _name(path), dict[str, Any]()
    try:
        load_file(path).init_inputs(1)
        known |= {"loads": True}
        found = fitted(path)
        known |= {"runs": True, "sizes": found.sizes, "seconds": found.seconds}
        messages = lint(found.problem).messages
    except Exception as e:  # noqa: BLE001 — the text is not ours: whatever it raises is the answer
        return Verdict(name, **known, reason=str(e) if isinstance(e, ProblemError) else f"{type(e).__name__}: {str(e).strip()[:300]}")
    return Verdict(name, **known, lint_ok=not messages, reason="; ".join(messages))


def _main(path: str, memory_gib: str) -> None:
    """The child: its standard output is for the verdict alone, whatever the problem prints."""
    verdicts = os.dup(1)
    os.dup2(2, 1)
    limit = int(float(memory_gib) * 2**30)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    text = json.dumps(asdict(_judge(Path(path))))
    with os.fdopen(verdicts, "w") as channel:
        channel.write(text)


if __name__ == "__main__":
    _main(*sys.argv[1:])
