"""What a model writes of the domain exchange rates, and what it copies from the reference adapter: the parts of a whole adapter."""

from __future__ import annotations

import shutil
from pathlib import Path

from alphalab_nb.resources import shipped

HERE = Path(__file__).resolve().parent
ADAPTER = HERE / "adapter"
WRITTEN: tuple[str, ...] = tuple(
    sorted(path.relative_to(ADAPTER).as_posix() for path in ADAPTER.rglob("*") if path.suffix in (".py", ".md", ".yaml"))
)
"""Files written by the model; their text is below adapter/."""
COPIED: tuple[str, ...] = (
    "harness/baseline.py", "harness/baseline_ridge.py", "harness/protocol.py", "harness/runner.py", "harness/serve.py",
    "harness/tests/conftest.py", "harness/tests/panels.py", "probes/_lab.py",
)
"""Files of the reference that this domain takes as they are: how a forecaster is asked does not depend on the metric."""
REFERENCE = "time_series"
DATA = "exchange_rate/exchange_rate.txt.gz"
"""The real file, below the folder of the shared data sets."""
DATA_BLOCK = {"header": False, "freq": "B", "start": "1990-01-01"}
"""How to read it: `data:` of campaign.yaml, without the path. Its items are named by their columns, 0 to 7."""


def assemble(folder: Path) -> Path:
    """Write the whole adapter into a folder and return it."""
    for root, names in ((ADAPTER, WRITTEN), (shipped("adapters", REFERENCE), COPIED)):
        for name in names:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, target)
    return folder


def cell(name: str) -> str:
    """Return the source of an exploration cell: correlation, peg."""
    return (HERE / "cells" / f"{name}.py").read_text(encoding="utf-8")


def experiment(name: str) -> dict[str, str]:
    """Return the files of an experiment: ridge, broken (its RUN crashes), repaired (what mends broken)."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted((HERE / "experiment" / name).glob("*.py"))}
