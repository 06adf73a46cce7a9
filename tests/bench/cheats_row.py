"""Row `cheats`: planted cheats in the harness of every built-in adapter, and honest experiments through the same harness."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from alphalab_nb.adapter import load_builtin
from alphalab_nb.judge.cheats import Row, kill_matrix, survivors
from alphalab_nb.resources import shipped
from alphalab_nb.sandbox import Sandbox
from alphalab_nb.storage.experiment import Score
from tests.bench.rows import Found
from tests.cheats import honest

HONEST = 20
EXPERIMENTS: dict[str, Callable[[Path, int], dict[str, Score]]] = {
    "cuda_kernel": honest.kernels, "simulator": honest.simulator, "time_series": honest.time_series,
}
"""How honest experiments of an adapter are made."""


def cheats() -> Found:
    """Return the kill rate over all built-in adapters that bring planted cheats; each must also pass its honest experiments."""
    found, killed, planted = Found(None, n=0), 0, 0
    for folder in sorted(path.parent for path in shipped("adapters").glob("*/cheats/attack.py")):
        name, started = folder.parent.name, time.monotonic()
        rows = attacked(name, folder)
        honest_ones = planted_honestly(folder)
        tried = [row for row in rows if row.killed is not None and row.cheat not in honest_ones]
        planted, killed = planted + len(tried), killed + sum(bool(row.killed) for row in tried)
        found.detail[name] = f"{len(tried)} planted in {time.monotonic() - started:.1f} s, alive: {_names(survivors(rows))}"
        found.also[f"{name}: every cheat gains from the naive evaluation"] = all(row.naive_gain for row in tried)
        found.also[f"{name}: what is planted beside them and honest passes"] = all(row.killed for row in rows if row.cheat in honest_ones)
        found.also[f"{name}: 0 false alarms on {HONEST} honest experiments"] = not false_alarms(name)
    found.value, found.n = killed / planted if planted else None, planted
    return found


def planted_honestly(folder: Path) -> set[str]:
    """Return what an attack plants that does not cheat: it is to have a score, and so gains nothing from a naive evaluation."""
    planted: dict[str, dict[str, str]] = yaml.safe_load((folder / "planted.yaml").read_text(encoding="utf-8"))["planted"]
    return {name for name, row in planted.items() if row["stopped"] == "accepted"}


def attacked(name: str, folder: Path) -> list[Row]:
    """Return the kill matrix of the adapter's reference harness."""
    kind = load_builtin(name).manifest.made_of
    return kill_matrix(shipped("adapters", name, "harness"), folder, kind=kind, sandbox=Sandbox("auto"))


def false_alarms(name: str) -> list[str]:
    """Return the honest experiments that were refused; an adapter for which there are none is an alarm, too."""
    if name not in EXPERIMENTS:
        return [f"no honest experiments are written for {name}"]
    with tempfile.TemporaryDirectory() as folder:
        scores = EXPERIMENTS[name](Path(folder), HONEST)
    refused = [f"{experiment}: {score.label}" for experiment, score in scores.items() if not score.ok]
    return refused if len(scores) == HONEST else [*refused, f"only {len(scores)} experiments"]


def _names(rows: list[Row]) -> str:
    return ", ".join(row.cheat for row in rows) or "none"
