"""RUN: carry on the median share of the level's change that was seen from season to season."""

from __future__ import annotations

import argparse
import json
import os
import shutil
from pathlib import Path

import numpy as np

RECENT = 8


def share_of_change(y: np.ndarray, season: int) -> float:
    """Return the median, over the rows, of the share of the change that lasted."""
    change = y[season:] - y[:-season]
    ratio = change[RECENT:] / np.where(np.abs(change[:-RECENT]) > 1e-9, change[:-RECENT], np.nan)
    return float(np.clip(np.nanmedian(ratio, axes=0).mean(), 0.0, 1.0))


def main() -> None:
    parser = argparse.ArgumentParser()
    for name, kind in (("--out", Path), ("--seed", int), ("--fidelity", str), ("--budget-s", float)):
        parser.add_argument(name, type=kind, required=True)
    args = parser.parse_args()
    data, task = Path(os.environ["ALPHALAB_DATA"]), json.loads(os.environ["ALPHALAB_TASK"])
    season = int(task.get("season") or json.loads((data / "meta.json").read_text())["season"])
    y = np.load(data / "panel.npz")["target"]
    artefact = args.out / "artefact"
    artefact.mkdir(parents=True)
    shutil.copy("serve.py", artefact)
    model = {"season": season, "recent": RECENT, "share": share_of_change(y, season)}
    (artefact / "model.json").write_text(json.dumps(model))


if __name__ == "__main__":
    main()
