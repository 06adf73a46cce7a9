"""`python -m harness.score`: judge one artefact, or the baselines, on one partition and write score.json.

Only this process sees the truth. It writes a score with a label whatever happens, and it writes it atomically.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from . import metrics
from .baseline_train import BASELINES, fitted
from .config import HarnessFault, Task, harness_version, load_task
from .data_prep import Scene, load_scene, origins, thin, trailing_volatility
from .runner import Forecaster, ForecastFailure, ServedChild, reproducible_gate, walk

GATE_ORIGINS = 3
"""Questions that a second process answers again: the first ones, so that both have seen the same."""
CHUNK_CELLS = 2_000_000
"""Answers are judged in chunks of about this many values, so that memory stays bounded."""


class Tally:
    """Judges answers by the truth, chunk by chunk, into unit losses and secondary metrics."""

    def __init__(self, scene: Scene, rows: np.ndarray, task: Task) -> None:
        self._truth = np.lib.stride_tricks.sliding_window_view(scene.panel.target, task.horizon, axis=0)
        self._rows, self._task, self._panel = rows, task, scene.panel
        self._pending: list[np.ndarray] = []
        self._done = 0
        items = len(scene.panel.items)
        self._chunk = max(1, CHUNK_CELLS // (task.horizon * items))
        self._square, self._absolute = np.empty((2, len(rows), items))
        self._step_square, self._step_known = np.zeros((2, task.horizon, items))
        deviation = np.sqrt(metrics.mean_known((scene.explore - metrics.mean_known(scene.explore, axis=0)) ** 2, axis=0))
        self._unit = np.where(deviation > 0, deviation, 1.0) if task.scale == "zscore" else np.ones(items)
        self._mase_scale = metrics.seasonal_scale(scene.explore, season=task.season)

    def add(self, answer: np.ndarray) -> None:
        self._pending.append(answer)
        if len(self._pending) >= self._chunk:
            self._judge()

    def _judge(self) -> None:
        forecast = np.stack(self._pending)  # (k, H, N)
        at = slice(self._done, self._done + len(forecast))
        truth = self._truth[self._rows[at]].transpose(0, 2, 1)
        with np.errstate(over="ignore"):
            square = metrics.squared_error(truth, forecast)
            self._square[at] = metrics.mean_known(square, axis=1)
            self._absolute[at] = metrics.mean_known(metrics.absolute_error(truth, forecast), axis=1)
            known = np.isfinite(truth)
            self._step_square += np.where(known, square, 0.0).sum(axis=0)
        self._step_known += known.sum(axis=0)
        self._done += len(forecast)
        self._pending = []

    def finish(self) -> dict[str, Any]:
        """Return metric, value, units and secondary metrics of all answers.

        Raises:
            ForecastFailure: the answers are so large that the loss overflows.
        """
        if self._pending:
            self._judge()
        losses = self._absolute / self._unit if self._task.metric == "mae" else self._square / self._unit**2
        value = _pooled(losses, root=self._task.metric == "rmse")
        if not math.isfinite(value):
            raise ForecastFailure("invalid_output", "the loss overflows: the answers are absurdly large")
        return {"metric": self._task.metric, "value": value, "units": self._units(losses), "secondary": self._secondary(losses)}

    def _units(self, losses: np.ndarray) -> list[dict[str, Any]]:
        """One unit per origin and item; windows without any known truth are no unit."""
        names = [f"t{self._panel.t0 + row}/{item}" for row in self._rows for item in self._panel.items]
        return [{"id": name, "value": loss} for name, loss in zip(names, losses.ravel().tolist()) if loss == loss]

    def _secondary(self, losses: np.ndarray) -> dict[str, Any]:
        root = self._task.metric == "rmse"
        volatility = trailing_volatility(self._panel.target, max(2, self._task.season))[self._rows]
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = np.where(volatility > 0, self._square / volatility**2, np.nan)
            steps = np.where(self._step_known > 0, self._step_square / self._step_known, np.nan)
        by_item = [_pooled(column, root=root) for column in losses.T]
        return {
            "rmse": _finite(_pooled(self._square, root=True)), "mae": _finite(_pooled(self._absolute)),
            "mase": _finite(_pooled(self._absolute / self._mase_scale)),
            "rmse_per_volatility": _finite(_pooled(relative, root=True)),
            "by_step": [_finite(_pooled(row / self._unit**2, root=True)) for row in steps],
            "by_item": dict(zip(self._panel.items, map(_finite, by_item))),
            "origins": len(self._rows),
        }


def _pooled(losses: np.ndarray, *, root: bool = False) -> float:
    mean = float(metrics.mean_known(losses))
    return math.sqrt(mean) if root else mean


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def scored_origins(scene: Scene, task: Task, fidelity: str) -> np.ndarray:
    """Return the origins of a score: all of them, or a few at fidelity smoke.

    Raises:
        HarnessFault: the partition is too short for one window.
    """
    rows = origins(scene.start, scene.panel.rows, task)
    if not len(rows):
        raise HarnessFault(f"the partition has {scene.panel.rows - scene.start} rows: too short for one window of {task.horizon}")
    return thin(rows, task.smoke_origins) if fidelity == "smoke" else rows


def judge(scene: Scene, rows: np.ndarray, task: Task, forecaster: Forecaster, *, seed: int) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Return the measured part of a score and the forecaster's first answers."""
    tally, first = Tally(scene, rows, task), list[np.ndarray]()
    for answer in walk(scene.panel, rows, task, forecaster, seed=seed):
        first += [answer] if len(first) < GATE_ORIGINS else []
        tally.add(answer)
    return tally.finish(), first


def score_artefact(options: argparse.Namespace) -> dict[str, Any]:
    """Judge the served forecaster of an artefact."""
    scene = load_scene(options.partition, _folder("ALPHALAB_DATA"), _folder("ALPHALAB_VAULT"))
    task = load_task(scene.panel.meta)
    rows = scored_origins(scene, task, options.fidelity)
    artefact = options.artefact.resolve()
    if not (artefact / "serve.py").is_file():
        raise ForecastFailure("crash", "the artefact holds no serve.py; RUN must leave one that defines `class Forecaster`")
    ends_at = time.monotonic() + options.timeout_s
    with _served(artefact, scene, task, options, ends_at) as child:
        measured, first = judge(scene, rows, task, child, seed=options.seed)
    with _served(artefact, scene, task, options, ends_at) as child:
        again = list(walk(scene.panel, rows[:GATE_ORIGINS], task, child, seed=options.seed))
    gate = reproducible_gate(first, again)
    if gate["slack"] < 0:
        return {**measured, "ok": False, "label": "gate_missed", "gates": [gate],
                "error": "gate reproducible: a second process answered the first questions differently; fix seeds when serving"}
    return {**measured, "ok": True, "label": "ok", "gates": [gate]}


@contextlib.contextmanager
def _served(artefact: Path, scene: Scene, task: Task, options: argparse.Namespace, ends_at: float) -> Iterator[ServedChild]:
    shape = (task.horizon, len(scene.panel.items))
    with ServedChild(artefact, shape=shape, start_timeout_s=options.start_timeout_s, step_timeout_s=options.step_timeout_s,
                     ends_at=ends_at) as child, _explained(child):
        yield child


@contextlib.contextmanager
def _explained(child: ServedChild) -> Iterator[None]:
    """Add what the child wrote to stderr to its failure."""
    try:
        yield
    except ForecastFailure as failure:
        child.close()
        tail = child.stderr_tail()
        raise ForecastFailure(failure.label, f"{failure}\n{tail}" if tail else str(failure)) from failure


def score_baselines(options: argparse.Namespace) -> dict[str, Any]:
    """Judge every baseline by the same windows as a candidate."""
    scene = load_scene(options.partition, _folder("ALPHALAB_DATA"), _folder("ALPHALAB_VAULT"))
    task = load_task(scene.panel.meta)
    rows = scored_origins(scene, task, options.fidelity)
    measured = {name: judge(scene, rows, task, fitted(name, scene, int(rows[0]), task), seed=0)[0] for name in BASELINES}
    return {
        "ok": True, "label": "ok", "metric": task.metric, "value": None,
        "baselines": {name: score["value"] for name, score in measured.items()},
        "units": {name: score["units"] for name, score in measured.items()},
        "secondary": {name: score["secondary"] for name, score in measured.items()},
    }


def ranked(scores: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the scores that may be compared, best first: full ones that passed. Every metric here is a loss."""
    comparable = [score for score in scores if score["ok"] and score["fidelity"] == "full"]
    return sorted(comparable, key=lambda score: score["value"])


def _folder(variable: str) -> Path:
    value = os.environ.get(variable)
    if not value:
        raise HarnessFault(f"{variable} is not set; the evaluator names the folder of the data in it")
    return Path(value)


def failed(label: str, error: str) -> dict[str, Any]:
    """Return the measured part of a score that could not be measured."""
    return {"ok": False, "label": label, "metric": None, "value": None, "units": [], "gates": [], "secondary": {}, "error": error[-4000:]}


def measured_or_failed(options: argparse.Namespace) -> dict[str, Any]:
    """Return a score whatever happens; a fault of ours is labelled infrastructure."""
    try:
        return score_baselines(options) if options.baselines else score_artefact(options)
    except ForecastFailure as failure:
        return failed(failure.label, str(failure))
    except HarnessFault as fault:
        return failed("infrastructure", str(fault))
    except _Terminated:
        return failed("timeout", "ended by SIGTERM")
    except MemoryError:
        return failed("infrastructure", "the harness ran out of memory")
    except Exception:  # the last edge: whatever is wrong here, the idea is not to blame
        return failed("infrastructure", traceback.format_exc())


def _spent(began: float) -> dict[str, float]:
    own, child = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "wall_s": round(time.monotonic() - began, 4),
        "cpu_s": round(own.ru_utime + own.ru_stime + child.ru_utime + child.ru_stime, 4),
        "peak_mib": round(max(own.ru_maxrss, child.ru_maxrss) / 1024, 1),
    }


class _Terminated(BaseException):
    """SIGTERM: the executor wants us to end."""


def _on_sigterm(signum: int, frame: FrameType | None) -> None:
    raise _Terminated


def write_atomically(path: Path, score: dict[str, Any]) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(score, allow_nan=False), encoding="utf-8")
    partial.replace(path)


def parser() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(prog="harness.score")
    arguments.add_argument("--artefact", type=Path)
    arguments.add_argument("--baselines", action="store_true", help="judge the baselines instead of an artefact")
    arguments.add_argument("--partition", required=True)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--fidelity", choices=("smoke", "full"), default="full")
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--timeout-s", type=float, default=600.0, help="seconds for the whole score")
    arguments.add_argument("--start-timeout-s", type=float, default=60.0, help="seconds to import, load and answer hello")
    arguments.add_argument("--step-timeout-s", type=float, default=30.0, help="seconds for one answer")
    return arguments


def main(argv: list[str] | None = None) -> int:
    began = time.monotonic()
    options = parser().parse_args(argv)
    if options.artefact is None and not options.baselines:
        parser().error("give --artefact or --baselines")
    with contextlib.suppress(ValueError):  # not the main thread (tests call us in one)
        signal.signal(signal.SIGTERM, _on_sigterm)
    score = measured_or_failed(options)
    score |= {
        "fidelity": options.fidelity, "partition": options.partition, "seed": options.seed,
        "resources": _spent(began), "harness": os.environ.get("ALPHALAB_HARNESS") or harness_version(),
    }
    write_atomically(options.out, score)
    if not score["ok"]:
        print(score["error"], file=sys.stderr)
    # a candidate that fails is a result; baselines that fail mean that there is no evaluation
    return 1 if options.baselines and not score["ok"] else 0


if __name__ == "__main__":
    sys.exit(main())
