"""The command line that every experiment answers to, and what fidelity `smoke` means here."""

from __future__ import annotations

import argparse
from pathlib import Path

from series import Panel

SMOKE_CELLS = 12_000
SMOKE_BUDGET_S = 1.0


def arguments() -> argparse.Namespace:
    """Parse --out, --seed, --fidelity and --budget-s."""
    parser = argparse.ArgumentParser(description="Fit on ALPHALAB_DATA and leave artefact/ under --out.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fidelity", choices=["smoke", "full"], default="full")
    parser.add_argument("--budget-s", type=float, default=60.0)
    return parser.parse_args()


def smoke_start(panel: Panel, horizon: int) -> int:
    """Return the first of the latest rows: few cells, yet enough for six short seasons, three longest ones and the horizon."""
    least = max(6 * panel.shortest, 3 * max(panel.seasons)) + 3 * horizon
    return max(0, panel.rows - max(least, SMOKE_CELLS // panel.items))
