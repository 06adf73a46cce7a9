"""One member of an ensemble: the program of another experiment, run and served as it would be alone."""

from __future__ import annotations

import contextlib
import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np


class Member:
    """A served artefact. Every member has modules named `model` or `series`; each sees only its own."""

    def __init__(self, artefact: Path) -> None:
        self.artefact = artefact.resolve()
        self._names = {path.stem for path in artefact.glob("*.py")}
        self._modules: dict[str, ModuleType] = {}
        with self._own_modules():
            self._forecaster = importlib.import_module("serve").Forecaster(str(self.artefact))

    def hello(self, meta: dict[str, Any]) -> None:
        with self._own_modules():
            self._forecaster.hello(meta)

    def step(self, context: dict[str, Any]) -> np.ndarray:
        with self._own_modules():
            return np.asarray(self._forecaster.step(dict(context)), float)

    @contextlib.contextmanager
    def _own_modules(self) -> Iterator[None]:
        others = {name: sys.modules.pop(name) for name in self._names if name in sys.modules}
        path = sys.path[:]
        sys.path.insert(0, str(self.artefact))
        sys.modules.update(self._modules)
        try:
            yield
        finally:
            self._modules = {name: sys.modules.pop(name) for name in self._names if name in sys.modules}
            sys.modules.update(others)
            sys.path[:] = path


def run_member(code: Path, out: Path, data: Path, *, seed: int, fidelity: str, budget_s: float) -> Path:
    """RUN a member's program on a folder of data and return its artefact."""
    options = ["--out", str(out.resolve()), "--seed", str(seed), "--fidelity", fidelity, "--budget-s", str(budget_s)]
    environment = {**os.environ, "ALPHALAB_DATA": str(data.resolve())}
    done = subprocess.run([sys.executable, "run.py", *options], cwd=code, env=environment, capture_output=True, text=True, check=False)
    if done.returncode or not (out / "artefact" / "serve.py").is_file():
        raise RuntimeError(f"member {code.name} left no artefact (exit code {done.returncode}):\n{done.stderr[-2000:]}")
    return out / "artefact"
