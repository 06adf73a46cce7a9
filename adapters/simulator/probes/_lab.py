"""What every probe shares: a copy of the harness under attack, worlds whose secrets are known, findings.

Nothing here imports the harness: it is run as the evaluator runs it. Standard library only.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

STREAMS = {"search": 11, "confirm": 12, "sealed": 13}
"""The secret of each partition."""


class Lab:
    """A private copy of the harness, and a place for its worlds."""

    def __init__(self, home: Path) -> None:
        self.home, self._count = home, 0

    def score(self, point: object, *options: str, world: int = 5, draws: int = 2, partition: str = "search", **task: Any) -> dict[str, Any]:
        """Score a point; a text is written as it is."""
        self._count += 1
        folder = self.home / f"world-{self._count}"
        artefact = folder / "artefact"
        artefact.mkdir(parents=True)
        (artefact / "point.json").write_text(point if isinstance(point, str) else json.dumps(point), encoding="utf-8")
        for name, stream in STREAMS.items():
            (folder / "vault" / name).mkdir(parents=True)
            held = {"partition": name, "world": world, "stream": stream, "draws": draws}
            (folder / "vault" / name / "stream.json").write_text(json.dumps(held), encoding="utf-8")
        settings = {"noise": 1.0, "effect": 1.0, "traps": True, "metric": "loss", **task}
        (self.home / "harness" / "config.json").write_text(json.dumps(settings), encoding="utf-8")
        return self._run(folder, artefact, partition, options)

    def place(self, text: str) -> tuple[str, int]:
        """Return file and line where a text first stands in the harness: where to look."""
        for path in sorted((self.home / "harness").glob("*.py")):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if text in line:
                    return f"harness/{path.name}", number
        return "harness/score.py", 1

    def _run(self, folder: Path, artefact: Path, partition: str, options: tuple[str, ...]) -> dict[str, Any]:
        out = folder / "score.json"
        own = {name: value for name, value in os.environ.items() if not name.startswith("ALPHALAB_")}
        env = {**own, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1",
               "ALPHALAB_VAULT": str(folder / "vault")}
        argv = [sys.executable, "-m", "harness.score", "--artefact", str(artefact), "--partition", partition, *options, "--out", str(out)]
        done = subprocess.run(argv, cwd=self.home, env=env, capture_output=True, text=True, timeout=60, check=False)
        if not out.is_file():
            raise RuntimeError(f"no score was written (exit {done.returncode}): {done.stderr.strip()[-300:]}")
        return json.loads(out.read_text(encoding="utf-8"))


Check = Callable[[Lab], str | None]
"""Returns what is wrong, or None."""


def attack(checks: dict[str, tuple[str, str, Check]]) -> None:
    """Run each check (severity, text that stands at the guilty line, function) and print one JSON line for it.

    Arguments of the program: the folder that holds harness/, then names of checks; none means all.
    """
    source = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve() / "harness"
    chosen = set(sys.argv[2:]) or set(checks)
    with tempfile.TemporaryDirectory(prefix="probe-") as home:
        # without modes: a frozen harness is read-only, its copy gets other tasks
        unwanted = shutil.ignore_patterns("__pycache__", "tests")
        shutil.copytree(source, Path(home) / "harness", ignore=unwanted, copy_function=shutil.copyfile)
        lab = Lab(Path(home))
        for name, (severity, text, check) in checks.items():
            if name not in chosen:
                continue
            message = _answered(check, lab)
            file, line = lab.place(text)
            print(json.dumps({"check": name, "ok": message is None, "severity": severity, "file": file, "line": line,
                              "message": message or "survived"}), flush=True)


def _answered(check: Check, lab: Lab) -> str | None:
    try:
        return check(lab)
    except Exception as error:  # a harness that cannot be attacked is a finding, not an accident of the probe
        return f"the check could not run: {type(error).__name__}: {error}"
