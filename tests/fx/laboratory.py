"""A workspace with exchange rates and the frozen harness of the domain, in which experiments are run and scored as a campaign does it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alphalab_nb.adapter import Adapter
from alphalab_nb.evaluator import Evaluator
from alphalab_nb.executors import Command, Exit, Limits
from alphalab_nb.executors.inline import InlineExecutor
from alphalab_nb.partitions import Panel, SeriesSpec, load_series, make_partitions
from alphalab_nb.sandbox import Sandbox
from alphalab_nb.storage.experiment import Score
from alphalab_nb.workspace import Workspace
from tests.fx.content import DATA, DATA_BLOCK, assemble

LIMITS = Limits(wall_s=60)


def real_rates(shared_data: Path) -> Panel:
    """Return the eight real exchange rates."""
    return load_series(SeriesSpec.from_config({"path": DATA, **DATA_BLOCK}, shared_data), shared_data)


def on_business_days(target: np.ndarray) -> Panel:
    """Return a panel of these rates [T, N]; its items are 0, 1, ..."""
    days = np.arange("1990-01-01", "2000-01-01", dtype="datetime64[D]")
    stamps = days[np.is_busday(days)][: len(target)].astype("datetime64[s]").astype(np.int64)
    return Panel(target, stamps, tuple(map(str, range(target.shape[1]))), "B", seasons=(5,), season=5)


def random_rates(rows: int = 1500, seed: int = 0) -> Panel:
    """Return eight random walks; item 4 mostly stands still."""
    returns = np.random.default_rng(seed).normal(0, 0.006, (rows, 8))
    returns[np.arange(rows) % 7 > 0, 4] = 0.0
    return on_business_days(np.exp(np.cumsum(returns, axis=0)))


@dataclass(frozen=True)
class Laboratory:
    """Made by `open_laboratory`."""

    workspace: Workspace
    evaluator: Evaluator
    task: dict[str, Any]

    def baselines(self, partition: str = "search") -> dict[str, Any]:
        """Return what the harness says of its baselines."""
        out = self.workspace.root / f"baselines_{partition}.json"
        end = _execute(self.evaluator.baselines_command(partition=partition, folder=self._folder("base"), out=out, limits=LIMITS))
        assert end.label == "ok", (self.workspace.root / "base" / "stderr.log").read_text(encoding="utf-8")
        return json.loads(out.read_text(encoding="utf-8"))

    def run(self, files: Mapping[str, str], name: str, fidelity: str = "full") -> tuple[Exit, Path]:
        """RUN an experiment on explore; return how it ended and where its artefact is."""
        code, out = self._folder(name, "code"), self._folder(name, "out")
        for file, text in files.items():
            (code / file).write_text(text, encoding="utf-8")
        env = {"ALPHALAB_DATA": str(self.workspace.explore_data), "ALPHALAB_TASK": json.dumps(self.task)}
        argv = (sys.executable, "run.py", "--out", str(out), "--seed", "0", "--fidelity", fidelity, "--budget-s", "5")
        end = _execute(Command(argv=argv, cwd=code, folder=self._folder(name, "run"), env=env, limits=LIMITS, name="run"))
        return end, out / "artefact"

    def score(self, artefact: Path, name: str, fidelity: str = "full", partition: str = "search") -> Score:
        """SCORE an artefact in the sandbox and read the score as the evaluator does."""
        child, child_env = Sandbox("auto").command([sys.executable], cwd=artefact, read_only=[artefact, self.workspace.harness])
        folder = self._folder(name, f"score-{fidelity}")
        command = self.evaluator.score_command(
            artefact=artefact, folder=folder, limits=LIMITS, child=child, child_env=child_env, partition=partition, seed=0,
            fidelity=fidelity,
        )
        return self.evaluator.read(folder, _execute(command))

    def stderr(self, name: str) -> str:
        return (self.workspace.root / name / "run" / "stderr.log").read_text(encoding="utf-8")

    def _folder(self, *names: str) -> Path:
        folder = self.workspace.root.joinpath(*names)
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def open_laboratory(folder: Path, panel: Panel, **task: Any) -> Laboratory:
    """Split the rates, take the harness of the adapter, write its task and freeze it."""
    workspace, adapter = Workspace(folder), Adapter(assemble(folder / "adapter"))
    settled = {**adapter.manifest.task, "season": panel.season, **task}
    make_partitions(panel, {}, settled["horizon"], workspace.root)
    (folder / "adapter" / "harness").rename(workspace.harness)
    (workspace.harness / "config.json").write_text(json.dumps(settled), encoding="utf-8")
    evaluator = Evaluator(workspace.harness, workspace.root)
    evaluator.freeze()
    return Laboratory(workspace, evaluator, settled)


def _execute(command: Command) -> Exit:
    with InlineExecutor() as executor:
        return executor.submit(command).result(None)
