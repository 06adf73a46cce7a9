"""RUN: fit the model of this folder on the rows it is given and leave an artefact that can be served."""

from __future__ import annotations

import argparse
import os
import pickle
import shutil
from pathlib import Path
from typing import Any

from model import Model
from series import Panel, load_panel, read_config, read_task

SMOKE_CELLS = 12_000
SMOKE_BUDGET_S = 1.0


def arguments() -> argparse.Namespace:
    """Parse the command line that every experiment answers to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fidelity", choices=["smoke", "full"], default="full")
    parser.add_argument("--budget-s", type=float, default=60.0)
    return parser.parse_args()


def smoke_tail(panel: Panel, horizon: int) -> Panel:
    """Return the latest rows: few cells, yet enough for six short seasons, three longest ones and the horizon."""
    least = max(6 * panel.shortest, 3 * max(panel.seasons)) + 3 * horizon
    return panel.part(max(0, panel.rows - max(least, SMOKE_CELLS // panel.items)), panel.rows)


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
        panel, budget_s = smoke_tail(panel, int(task["horizon"])), min(budget_s, SMOKE_BUDGET_S)
    model = Model(read_config(), {**task, "horizon": int(task["horizon"]) + int(task.get("embargo") or 0)})
    model.fit(panel, budget_s=budget_s, seed=args.seed)
    leave(model, args.out / "artefact")


if __name__ == "__main__":
    main()
