"""`python -m harness.score`: judge one point, or the baselines, on one partition and write score.json.

A point holds no code, so nothing of a candidate runs here. Only this process knows the world, and only on the sealed partition does it
say what is true. It writes a score with a label whatever happens, and it writes it atomically.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from .stream import HarnessFault, Stream, harness_version, load_stream
from .world import TRAPS, Fidelity, World

METRIC = "loss"
POINT = "point.json"
LARGEST_BYTES = 65536
NEIGHBOURS = 3
"""Baselines beside the default point."""


class InvalidPoint(Exception):
    """The candidate's point cannot be judged.

    Args:
        label: crash (there is none) or invalid_output.
    """

    def __init__(self, label: str, message: str) -> None:
        super().__init__(message)
        self.label = label


def read_point(artefact: Path, space: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Return the point of an artefact; choices that it leaves out are at their defaults.

    Raises:
        InvalidPoint: no file, no JSON object, or a choice or level that the space does not have.
    """
    path = artefact / POINT
    if path.is_symlink() or not path.is_file():
        raise InvalidPoint("crash", f"the artefact holds no {POINT}")
    if path.stat().st_size > LARGEST_BYTES:
        raise InvalidPoint("invalid_output", f"{POINT} is larger than {LARGEST_BYTES} bytes")
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InvalidPoint("invalid_output", f"{POINT} is not JSON: {error}") from error
    if not isinstance(given, dict):
        raise InvalidPoint("invalid_output", f"{POINT} must hold one object: choice -> level")
    for name, level in given.items():
        if name not in space:
            raise InvalidPoint("invalid_output", f"unknown choice {name!r}; known: {', '.join(space)}")
        if level not in space[name]:
            raise InvalidPoint("invalid_output", f"{name} has no level {level!r}; known: {', '.join(space[name])}")
    return {name: given.get(name, levels[0]) for name, levels in space.items()}


def judge(stream: Stream, point: Mapping[str, str], seed: int, fidelity: Fidelity) -> dict[str, Any]:
    """Return the measured part of a score."""
    run = stream.measure(point, seed, fidelity)
    gates = [{"name": gate.name, "value": gate.value, "limit": gate.limit, "slack": gate.slack} for gate in run.gates]
    measured = {"metric": METRIC, "value": run.value, "units": [{"id": id, "value": loss} for id, loss in run.units],
                "secondary": {"cost": stream.world.cost(point), **_truth(stream, point)}, "gates": gates}
    missed = next((gate for gate in gates if gate["slack"] < 0), None)
    if missed is not None:
        error = f"gate {missed['name']}: {missed['value']:.6g} is over the limit {missed['limit']:.6g}"
        return {**measured, "ok": False, "label": "gate_missed", "value": None, "error": error}
    return {**measured, "ok": True, "label": "ok"}


def _truth(stream: Stream, point: Mapping[str, str]) -> dict[str, float]:
    """Return what is true of a point, in the last opening only: before it, no score may tell."""
    if stream.partition != "sealed":
        return {}
    world = stream.world
    return {"true_value": world.true_value(point), "true_default": world.true_value(world.start()), "true_best": world.best()[1]}


def score_artefact(options: argparse.Namespace) -> dict[str, Any]:
    """Judge the point of an artefact."""
    stream = load_stream(options.partition, _folder("ALPHALAB_VAULT"))
    return judge(stream, read_point(options.artefact.resolve(), stream.world.space()), options.seed, options.fidelity)


def baseline_points(world: World) -> dict[str, dict[str, str]]:
    """Return the default point and a few one honest change away: how their difference moves with the seed is the noise of a comparison."""
    start = world.start()
    near = [{**start, name: levels[1]} for name, levels in world.space().items() if name not in TRAPS]
    return {"default": start, **{f"neighbour_{n}": point for n, point in enumerate(filter(world.valid, near), 1) if n <= NEIGHBOURS}}


def score_baselines(options: argparse.Namespace) -> dict[str, Any]:
    """Judge the baselines by the same draws as a candidate."""
    stream = load_stream(options.partition, _folder("ALPHALAB_VAULT"))
    scores = {name: judge(stream, point, options.seed, options.fidelity) for name, point in baseline_points(stream.world).items()}
    by_name = {what: {name: score[key] for name, score in scores.items()}
               for what, key in (("baselines", "value"), ("units", "units"), ("secondary", "secondary"), ("gates", "gates"))}
    return {"ok": True, "label": "ok", "metric": METRIC, "value": None, **by_name}


def _folder(variable: str) -> Path:
    value = os.environ.get(variable)
    if not value:
        raise HarnessFault(f"{variable} is not set; the evaluator names the folder of the streams in it")
    return Path(value)


def failed(label: str, error: str) -> dict[str, Any]:
    """Return the measured part of a score that could not be measured."""
    return {"ok": False, "label": label, "metric": METRIC, "value": None, "units": [], "gates": [], "secondary": {}, "error": error[-4000:]}


def measured_or_failed(options: argparse.Namespace) -> dict[str, Any]:
    """Return a score whatever happens; a fault of ours is labelled infrastructure."""
    try:
        return score_baselines(options) if options.baselines else score_artefact(options)
    except InvalidPoint as error:
        return failed(error.label, str(error))
    except HarnessFault as fault:
        return failed("infrastructure", str(fault))
    except _Terminated:
        return failed("timeout", "ended by SIGTERM")
    except Exception:  # the last edge: whatever is wrong here, the point is not to blame
        return failed("infrastructure", traceback.format_exc())


def _spent(began: float) -> dict[str, float]:
    own = resource.getrusage(resource.RUSAGE_SELF)
    return {"wall_s": round(time.monotonic() - began, 4), "cpu_s": round(own.ru_utime + own.ru_stime, 4),
            "peak_mib": round(own.ru_maxrss / 1024, 1)}


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
    arguments.add_argument("--baselines", action="store_true", help="judge the default point and its neighbours instead of an artefact")
    arguments.add_argument("--partition", required=True)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--fidelity", choices=("smoke", "full"), default="full")
    arguments.add_argument("--out", type=Path, required=True)
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
    # a point that fails is a result; a baseline that fails means that there is no evaluation
    return 1 if options.baselines and not score["ok"] else 0


if __name__ == "__main__":
    sys.exit(main())
