"""RUN: how much of the last month's move of each currency comes back, by least squares; the forecast undoes that share."""

from __future__ import annotations

import argparse
import json
import os
import shutil
from pathlib import Path

import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("--out", type=Path, required=True)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--fidelity", choices=["smoke", "full"], default="full")
parser.add_argument("--budget-s", type=float, default=60.0)
args = parser.parse_args()

horizon = int(json.loads(os.environ["ALPHALAB_TASK"])["horizon"])
with np.load(Path(os.environ["ALPHALAB_DATA"]) / "panel.npz", allow_pickle=False) as panel:
    levels = np.log(panel["target"])
levels = levels[-1500 if args.fidelity == "smoke" else 0 :]
past = levels[horizon:-horizon] - levels[: -2 * horizon]
future = levels[2 * horizon :] - levels[horizon:-horizon]
share = np.nansum(past * future, axis=0) / np.maximum(np.nansum(past**2, axis=0), 1e-12)
share = np.clip(share, a_min=-0.5, a_max=0.5)

artefact = args.out / "artefact"
artefact.mkdir(parents=True, exist_ok=True)
shutil.copy(Path(__file__).with_name("serve.py"), artefact)
(artefact / "share.json").write_text(json.dumps(share.tolist()), encoding="utf-8")
