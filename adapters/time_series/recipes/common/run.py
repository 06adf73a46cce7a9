"""RUN: fit the model of this folder on the rows it is given and leave an artefact that can be served."""

from __future__ import annotations

import os
import pickle
import shutil
from pathlib import Path
from typing import Any

from command import SMOKE_BUDGET_S, arguments, smoke_start
from model import Model
from series import load_panel, read_config, read_task


def leave(model: Any, artefact: Path) -> None:
    """Write the fitted model and the code that serves it."""
    artefact.mkdir(parents=True, exist_ok=True)
    for source in Path().glob("*.py"):
        if source.name != "run.py":
            shutil.copy(source, artefact)
    (artefact / "model.pkl").write_bytes(pickle.dumps(model))


def main() -> None:
    """Fit and leave `artefact/` under --out."""
    args, task = arguments(), read_task()
    panel, budget_s = load_panel(os.environ["ALPHALAB_DATA"], task), args.budget_s
    if args.fidelity == "smoke":
        first = smoke_start(panel, int(task["horizon"]))
        panel, budget_s = panel.part(first, panel.rows), min(budget_s, SMOKE_BUDGET_S)
    model = Model(read_config(), {**task, "horizon": int(task["horizon"]) + int(task.get("embargo") or 0)})
    model.fit(panel, budget_s=budget_s, seed=args.seed)
    leave(model, args.out / "artefact")


if __name__ == "__main__":
    main()
