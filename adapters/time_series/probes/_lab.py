"""What every probe shares: a copy of the harness under attack, panels with known answers, candidates, findings.

Nothing here imports the harness: it is run as the evaluator runs it. Standard library and numpy only.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

HOUR = 3600
FORECASTER = """
import json, os
from pathlib import Path
import numpy as np

class Forecaster:
    def __init__(self, artefact_dir):
        self.folder = Path(artefact_dir)
    def hello(self, meta):
        self.meta = meta
    def step(self, context):
        shape = (self.meta["horizon"], len(self.meta["items"]))
        t = context["t"]
{body}
"""


@dataclass
class World:
    """A panel whose rows are all known to the probe, split into explore and the vault."""

    target: np.ndarray
    """float64 [T, N]"""
    rows: tuple[int, int] = (60, 40)
    """Rows of explore and of search; what is left is not written."""
    covariates: np.ndarray | None = None
    known: tuple[bool, ...] = ()
    task: dict[str, Any] = field(default_factory=dict)
    """Added to horizon 4, stride 3, season 1, metric rmse."""


class Lab:
    """A private copy of the harness, and a place for its data."""

    def __init__(self, home: Path) -> None:
        self.home, self._count = home, 0

    def score(self, world: World, body: str, *options: str) -> dict[str, Any]:
        """Score a candidate whose step() has this body on the search partition of a world."""
        folder = self._lay_out(world)
        artefact = folder / "artefact"
        artefact.mkdir()
        lines = "\n".join("        " + line for line in body.strip("\n").splitlines())
        (artefact / "serve.py").write_text(FORECASTER.format(body=lines), encoding="utf-8")
        return self._run(folder, "--artefact", str(artefact), *options)

    def baselines(self, world: World) -> dict[str, Any]:
        """Score the harness's own baselines."""
        return self._run(self._lay_out(world), "--baselines")

    def shown(self, world: World, *options: str) -> list[dict[str, Any]]:
        """Return every context that a candidate is shown, as plain lists."""
        body = """
plain = {k: (np.asarray(v).tolist() if hasattr(v, "shape") else v) for k, v in context.items()}
with open(self.folder / f"shown-{os.getpid()}.jsonl", "a") as file:
    file.write(json.dumps(plain) + "\\n")
return np.zeros(shape)
"""
        score = self.score(world, body, *options)
        if not score["ok"]:
            raise RuntimeError(f"a harmless candidate was not scored: {score.get('error')}")
        files = sorted((self._last() / "artefact").glob("shown-*.jsonl"))
        return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]

    def call(self, code: str) -> Any:
        """Run code that imports the harness, in its own process; return what it printed as JSON."""
        done = subprocess.run([sys.executable, "-c", code], cwd=self.home, env=_environment(), capture_output=True, text=True,
                              timeout=60, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr.strip().rsplit("\n", 1)[-1])
        return json.loads(done.stdout)

    def place(self, text: str) -> tuple[str, int]:
        """Return file and line where a text first stands in the harness: where to look."""
        for path in sorted((self.home / "harness").glob("*.py")):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if text in line:
                    return f"harness/{path.name}", number
        return "harness/score.py", 1

    def _last(self) -> Path:
        return self.home / f"world-{self._count}"

    def _lay_out(self, world: World) -> Path:
        self._count += 1
        folder = self._last()
        explore, search = world.rows
        _write_panel(folder / "explore", world, 0, explore)
        _write_panel(folder / "vault" / "search", world, explore, explore + search)
        task = {"horizon": 4, "stride": 3, "season": 1, "metric": "rmse", "scale": "none", **world.task}
        (self.home / "harness" / "config.json").write_text(json.dumps(task), encoding="utf-8")
        return folder

    def _run(self, folder: Path, *options: str) -> dict[str, Any]:
        out = folder / "score.json"
        env = {**_environment(), "ALPHALAB_DATA": str(folder / "explore"), "ALPHALAB_VAULT": str(folder / "vault")}
        argv = [sys.executable, "-m", "harness.score", *options, "--partition", "search", "--out", str(out)]
        done = subprocess.run(argv, cwd=self.home, env=env, capture_output=True, text=True, timeout=120, check=False)
        if not out.is_file():
            raise RuntimeError(f"no score was written (exit {done.returncode}): {done.stderr.strip()[-300:]}")
        return json.loads(out.read_text(encoding="utf-8"))


def _environment() -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("ALPHALAB_")}
    return {**own, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def _write_panel(folder: Path, world: World, first: int, end: int) -> None:
    folder.mkdir(parents=True)
    items = [f"item{n}" for n in range(world.target.shape[1])]
    rows = end - first
    covariates = np.zeros((len(world.target), 1, 0)) if world.covariates is None else world.covariates
    np.savez(folder / "panel.npz", target=world.target[first:end], times=np.arange(first, end) * HOUR, t0=np.int64(first),
             items=np.array(items), covariates=covariates[first:end], known=np.array(world.known, dtype=bool),
             covariate_names=np.array([f"cov{c}" for c in range(covariates.shape[2])], dtype=np.str_))
    meta = {"freq": "h", "season": 1, "seasons": [1], "partition": folder.name, "rows": rows, "items": len(items), "t0": first}
    (folder / "meta.json").write_text(json.dumps(meta), encoding="utf-8")


def row_numbers(rows: int, items: int = 2) -> np.ndarray:
    """Return a panel that says of each value which row it stands in: value = row + 1000 * item."""
    return np.arange(rows)[:, None] + 1000.0 * np.arange(items)


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
