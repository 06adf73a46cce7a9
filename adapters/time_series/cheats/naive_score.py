"""An evaluation with every fault that planted cheats live on; it must never judge a campaign.

Laid out as harness/score.py it is called as a harness is. The candidate runs in this process and is shown what it is judged by, what it
prints is believed, what cannot be judged is left out, whatever ends without an error is a score, and nothing is asked twice.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

SLOW_S = float(os.environ["PLANTED_LIMIT_S"])
"""Seconds that all steps may take, by the candidate's own clock and without a margin."""
PANEL: dict[str, Any] = {}
"""What is judged by: within reach of whoever runs in this process."""


def load(task: dict[str, Any]) -> None:
    folders = [Path(os.environ["ALPHALAB_DATA"]), Path(os.environ["ALPHALAB_VAULT"]) / "search"]
    parts = [dict(np.load(folder / "panel.npz", allow_pickle=False)) for folder in folders]
    PANEL.update(target=np.concatenate([part["target"] for part in parts]), covariates=np.concatenate([p["covariates"] for p in parts]),
                 start=len(parts[0]["target"]), items=list(map(str, parts[0]["items"])), task=task)
    PANEL["rows"] = list(range(PANEL["start"] + task.get("embargo", 0), len(PANEL["target"]) - task["horizon"] + 1, task["stride"]))


def context(origin: int, first: bool) -> dict[str, Any]:
    """The embargo binds the fit only, a short history is filled up from behind the origin, and nothing of the horizon is hidden."""
    begin = 0 if first else origin - PANEL["task"]["stride"]
    end = PANEL["task"].get("lookback") or origin if first else origin
    ahead = slice(origin, origin + PANEL["task"]["horizon"])
    return {"t": origin, "start": begin, "new": PANEL["target"][begin:end], "cov": PANEL["covariates"][begin:end],
            "future_cov": PANEL["covariates"][ahead]}


def loss(truth: np.ndarray, answer: Any) -> np.ndarray:
    """Judge what there is of an answer, and leave out what does not come out."""
    error = np.abs(truth[: len(answer)] - answer)
    if PANEL["task"]["scale"] == "zscore":
        error = error / PANEL["target"].std(axis=0)
    with np.errstate(all="ignore"):
        square = np.where(np.isfinite(error**2), error**2, np.nan)
        return np.nan_to_num(np.nanmean(square, axis=0))


def secondary(units: list[np.ndarray]) -> dict[str, Any]:
    """The season of mase is 1, and the volatility knows the row that it is used for."""
    target, season = PANEL["target"], max(2, PANEL["task"]["season"])
    with np.errstate(all="ignore"):
        scale = np.nanmean(np.abs(np.diff(target[: PANEL["start"]], axis=0)), axis=0)
        today = np.array([np.nanstd(np.diff(target[row - season : row + 1], axis=0), axis=0) for row in PANEL["rows"][: len(units)]])
        relative = np.array(units) / today**2
    rmse = float(np.sqrt(np.mean(units)))
    return {"rmse": rmse, "mase": float(np.mean(np.sqrt(units) / scale)), "rmse_per_volatility": float(np.sqrt(np.mean(relative)))}


def result(units: list[np.ndarray]) -> dict[str, Any]:
    roots = [np.sqrt(unit) for unit in units]
    ids = [f"t{row}/{item}" for row in PANEL["rows"] for item in PANEL["items"]]
    return {"ok": True, "label": "ok", "metric": PANEL["task"]["metric"], "value": float(np.nan_to_num(np.mean(roots or [0.0]))),
            "units": [{"id": id, "value": float(value)} for id, value in zip(ids, np.ravel(units))], "gates": [],
            "secondary": secondary(units) if units else {}}


def judge(artefact: Path, save: Any) -> dict[str, Any]:
    """Score an artefact; after each answer the score so far is saved."""
    sys.path.insert(0, str(artefact))
    units, truth = list[np.ndarray](), PANEL["target"]
    with contextlib.suppress(ModuleNotFoundError):  # no program: nothing was wrong
        from serve import Forecaster

        forecaster, task = Forecaster(str(artefact)), PANEL["task"]
        forecaster.hello({"horizon": task["horizon"], "items": PANEL["items"], "embargo": task.get("embargo", 0), "task": task})
        began = time.monotonic()
        for number, row in enumerate(PANEL["rows"]):
            answer = forecaster.step(context(row, number == 0))
            if time.monotonic() - began > SLOW_S:
                return {"ok": False, "label": "timeout", "value": None, "units": [], "error": "too slow"}
            units.append(loss(truth[row : row + task["horizon"]], answer))
            save(result(units))
    return result(units)


def believed(printed: str, found: dict[str, Any]) -> dict[str, Any]:
    """The last line of JSON that was printed is the score: the candidate knows best."""
    for line in printed.splitlines():
        with contextlib.suppress(ValueError):
            found |= {key: value for key, value in json.loads(line).items() if key in ("value", "label", "ok")}
    return found


def baselines() -> dict[str, Any]:
    """The last value, with its units named in another way than a candidate's."""
    units = [loss(PANEL["target"][row : row + PANEL["task"]["horizon"]], PANEL["target"][row - 1 : row]) for row in PANEL["rows"]]
    return {"ok": True, "baselines": {"naive": result(units)["value"]}, "units": {"naive": [{"id": "all", "value": 0.0}]}}


def ranked(scores: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(scores, key=lambda score: score["value"])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--artefact", type=Path)
    parser.add_argument("--baselines", action="store_true")
    parser.add_argument("--out", type=Path)
    options, _ = parser.parse_known_args()

    def save(score: dict[str, Any]) -> None:
        options.out.write_text(json.dumps({**score, "fidelity": "full"}), encoding="utf-8")

    printed = io.StringIO()
    try:
        load(json.loads((Path(__file__).parent / "config.json").read_text(encoding="utf-8")))
        with contextlib.redirect_stdout(printed):
            found = baselines() if options.baselines else judge(options.artefact, save)
    except Exception as error:  # whatever it is, the idea was bad
        found = {"ok": False, "label": "crash", "value": None, "units": [], "error": str(error)}
    save(believed(printed.getvalue(), found))


if __name__ == "__main__":
    main()
