"""Weights of an ensemble, fitted on rows that its members were not fitted on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from member import Member
from series import Panel

MOST_ORIGINS = 60
STEPS = 2000


def cut(source: Path, target: Path, first: int, end: int) -> Path:
    """Write rows first..end-1 of a folder of data as a folder of their own."""
    target.mkdir(parents=True)
    with np.load(source / "panel.npz", allow_pickle=False) as held:
        arrays = {name: held[name] for name in held.files}
    for name in {"target", "times", "covariates"} & set(arrays):
        arrays[name] = arrays[name][first:end]
    arrays["t0"] = arrays.get("t0", np.int64(0)) + first
    np.savez(target / "panel.npz", **arrays)
    meta = json.loads((source / "meta.json").read_text(encoding="utf-8"))
    meta |= {"rows": len(arrays["target"]), "t0": int(arrays["t0"])}
    (target / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
    return target


def held_back(panel: Panel, share: float, horizon: int) -> int:
    """Return the first row of the part that weights are fitted on; `panel.rows` if the panel is too short for one."""
    length = max(int(share * panel.rows), 2 * horizon)
    return panel.rows - length if panel.rows >= 3 * length else panel.rows


def fit_weights(members: Sequence[Member], panel: Panel, first: int, task: dict[str, Any], shrink: float) -> np.ndarray:
    """Return weights that are not negative and sum to one, drawn to equal ones by `shrink`."""
    horizon, count = int(task["horizon"]), len(members)
    origins = np.unique(np.linspace(first + int(task.get("embargo") or 0), panel.rows - horizon, MOST_ORIGINS).astype(int))
    truth = np.stack([panel.target[o : o + horizon] for o in origins])
    unit = np.nanstd(panel.target, axis=0) if task.get("scale") == "zscore" else np.ones(panel.items)
    unit = np.where(unit > 0, unit, 1.0)
    forecasts = [np.stack([member.step(context) for context in contexts(panel, origins, task)]) for member in members]
    errors = np.stack([np.nan_to_num((forecast - truth) / unit).ravel() for forecast in forecasts])
    equal = np.full(count, 1 / count)
    return shrink * equal + (1 - shrink) * smallest_error(errors @ errors.T)


def smallest_error(gram: np.ndarray) -> np.ndarray:
    """Return the point of the simplex with the smallest w' gram w (exponentiated gradient: it never leaves the simplex)."""
    weights = np.full(len(gram), 1 / len(gram))
    rate = 1 / (np.abs(gram).max() + 1e-300)
    for _ in range(STEPS):
        weights = weights * np.exp(-rate * (gram @ weights - weights @ gram @ weights))
        weights /= weights.sum()
    return weights


def contexts(panel: Panel, origins: np.ndarray, task: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what SCORE would show at each origin, in time order."""
    horizon, embargo, seen = int(task["horizon"]), int(task.get("embargo") or 0), None
    times = panel.times[:, 0] if panel.times.shape[1] == 1 else panel.times
    for origin in map(int, origins):
        end = max(0, origin - embargo)
        first = max(0, end - int(task["lookback"])) if seen is None and task.get("lookback") else (seen or 0)
        ahead, seen = slice(origin, origin + horizon), end
        yield {
            "t": panel.start + origin, "start": panel.start + first, "new": panel.target[first:end], "times": times[first:end],
            "cov": panel.covariates[first:end], "future_times": times[ahead],
            "future_cov": np.where(panel.known, panel.covariates[ahead], np.nan),
        }
