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
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from . import metrics
from .baseline_train import BASELINES, fitted
from .config import HarnessFault, Task, harness_version, load_task
from .data_prep import Scene, load_scene, origins, thin
from .gates import gates
from .runner import Forecaster, ForecastFailure, ServedChild, walk
from .trading import Book, last_seen, positions, trade

GATE_ORIGINS = 3
"""Questions that a second process answers again: the first ones, so that both have seen the same."""
COSTS_BP = (0, 1)
"""Costs per unit traded at which the Sharpe is stated, in basis points."""


def measure(scene: Scene, rows: np.ndarray, task: Task, answers: np.ndarray) -> dict[str, Any]:
    """Return metric, value, units and secondary metrics of all answers (K, H, N).

    The units are what two candidates are paired by: the negated mean daily PnL of one origin and item, a loss in log return per day.
    The value is the Sharpe of the days of all of them; its direction stands in the manifest.

    Raises:
        ForecastFailure: the answers are so large that their error overflows.
        HarnessFault: the data lets no Sharpe be computed.
    """
    book = trade(scene.panel.target, rows, task, answers)
    if not book.known.any():
        raise HarnessFault("no window of the partition holds a rate to judge a forecast by")
    try:
        value = metrics.sharpe(book.daily())
        secondary = _secondary(scene, rows, task, answers, book)
    except metrics.Undefined as undefined:
        raise HarnessFault(str(undefined)) from undefined
    names = [f"t{scene.panel.t0 + row}/{item}" for row in rows for item in scene.panel.items]
    units = [{"id": name, "value": loss} for name, loss in zip(names, book.losses().ravel().tolist()) if loss == loss]
    return {"metric": task.metric, "value": value, "units": units, "secondary": secondary}


def _secondary(scene: Scene, rows: np.ndarray, task: Task, answers: np.ndarray, book: Book) -> dict[str, Any]:
    truth = scene.panel.target[rows[:, None] + np.arange(task.horizon)]  # (K, H, N)
    error = float(metrics.rmse(truth, answers))
    if math.isinf(error):
        raise ForecastFailure("invalid_output", "the error overflows: the answers are absurdly large")
    daily, items = book.daily(), np.eye(len(scene.panel.items), dtype=bool)
    return {
        "interval": metrics.sharpe_interval(daily, lag=task.horizon),
        "sharpe_without_pegged": _without_pegged(book, scene.panel.items, task),
        **{f"sharpe_{cost}bp": metrics.sharpe(book.daily(cost_bp=cost)) for cost in COSTS_BP},
        "rmse": _finite(error), "max_drawdown": metrics.max_drawdown(daily), "direction_accuracy": _direction_accuracy(book),
        "by_step": [_finite(value) for value in metrics.rmse(truth, answers, axis=(0, 2)).tolist()],
        "sharpe_by_item": {name: _sharpe(book.daily(items=one)) for name, one in zip(scene.panel.items, items)},
        "trades": int(np.abs(book.positions).sum()), "days": len(daily), "origins": len(rows),
    }


def _without_pegged(book: Book, items: tuple[str, ...], task: Task) -> float | None:
    if task.pegged is None:
        return None
    if task.pegged not in items:
        raise HarnessFault(f"config.json: pegged item {task.pegged!r} is none of {', '.join(items)}; make it null if no item is pegged")
    return _sharpe(book.daily(items=np.array([item != task.pegged for item in items])))


def _sharpe(daily: np.ndarray) -> float | None:
    """Return the Sharpe of a part of the items, None where it has none: a secondary number must not fail the score."""
    try:
        return metrics.sharpe(daily)
    except metrics.Undefined:
        return None


def _direction_accuracy(book: Book) -> float | None:
    """Return the share of positions whose item moved their way over the window; windows without a move decide nothing."""
    moved = positions(np.exp(book.returns.sum(axis=1)), np.ones_like(book.positions))
    decided = (book.positions != 0) & (moved != 0)
    return float((book.positions == moved)[decided].mean()) if decided.any() else None


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


def judge(scene: Scene, rows: np.ndarray, task: Task, forecaster: Forecaster, *, seed: int) -> tuple[dict[str, Any], np.ndarray]:
    """Return the measured part of a score and the forecaster's first answers (k, H, N)."""
    answers = np.stack(list(walk(scene.panel, rows, task, forecaster, seed=seed)))
    return measure(scene, rows, task, answers), answers[:GATE_ORIGINS]


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
    asked = rows[:GATE_ORIGINS]
    with _served(artefact, scene, task, options, ends_at) as child:
        again = np.stack(list(walk(scene.panel, asked, task, child, seed=options.seed)))
    passed = gates(first, again, last_seen(scene.panel.target, asked, task))
    missed = [gate["name"] for gate in passed if gate["slack"] < 0]
    if missed:
        error = f"gate {', '.join(missed)}: a second process answered the first questions differently; fix seeds when serving"
        return {**measured, "ok": False, "label": "gate_missed", "gates": passed, "error": error}
    return {**measured, "ok": True, "label": "ok", "gates": passed}


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
