"""RUN: forecast the log return over the horizon by ridge on past log returns, one set of weights for all items."""

from __future__ import annotations

import argparse
import json
import os
import shutil
from pathlib import Path

import numpy as np
from serve import SPANS, features, known_log

PENALTY = 10.0
"""In units of the mean square of a feature times the rows: heavy, for the signal is small."""
CLIP = 4.0
"""Standard deviations at which returns are cut off: bad ticks would decide the fit."""
SMOKE_ROWS = 1500


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fidelity", choices=["smoke", "full"], default="full")
    parser.add_argument("--budget-s", type=float, default=60.0)
    return parser.parse_args()


def examples(returns: np.ndarray, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """Return features [rows * items, F] and the return over the horizon after each of those rows."""
    total = np.cumsum(np.vstack([np.zeros(returns.shape[1]), returns]), axis=0)
    ends = np.arange(max(SPANS), len(returns) - horizon + 1)  # the target begins where the features end
    rows = [features(returns[:end]) for end in ends]
    return np.concatenate(rows), (total[ends + horizon] - total[ends]).ravel()


def fit(returns: np.ndarray, horizon: int) -> np.ndarray:
    """Return the weights of the ridge without a constant: a drift of the past is no forecast."""
    x, y = examples(returns, horizon)
    gram = x.T @ x
    return np.linalg.solve(gram + PENALTY * np.diag(np.diag(gram)), x.T @ y)


def main() -> None:
    args = arguments()
    horizon = int(json.loads(os.environ["ALPHALAB_TASK"])["horizon"])
    with np.load(Path(os.environ["ALPHALAB_DATA"]) / "panel.npz", allow_pickle=False) as panel:
        target = panel["target"]
    returns = np.diff(known_log(target), axis=0)
    scale = np.maximum(returns.std(axis=0), 1e-8)
    returns = np.clip(returns / scale, -CLIP, CLIP)[-SMOKE_ROWS if args.fidelity == "smoke" else 0 :]
    weights = fit(returns, horizon)
    artefact = args.out / "artefact"
    artefact.mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(__file__).with_name("serve.py"), artefact)
    np.savez(artefact / "model.npz", weights=weights, scale=scale, clip=CLIP)
    print("weights", dict(zip(map(str, SPANS), weights.round(4).tolist())))


if __name__ == "__main__":
    main()
