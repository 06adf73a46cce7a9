"""`python -m harness.score`: judge one kernel, or the references, on one partition and write score.json.

What is right and how fast it is says the kernel lab, which runs a candidate in confined processes of its own; here nothing of it is loaded.
A score with a label is written whatever happens, and atomically.
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
from pathlib import Path
from types import FrameType
from typing import Any

from . import kernels, references
from .artefact import Refused, read_kernel
from .cores import one_core
from .lab import Lab
from .stream import HarnessFault, harness_version, load_stream, load_task


def score_artefact(options: argparse.Namespace) -> dict[str, Any]:
    """Judge the kernel of an artefact."""
    stream, task = load_stream(options.partition, _folder("ALPHALAB_VAULT")), load_task()
    kernel = read_kernel(options.artefact.resolve(), task.device, task.problems)
    with one_core(), Lab(task) as lab:
        if options.fidelity == "smoke":
            return kernels.smoke(lab, kernel, stream, options.seed)
        return kernels.full(lab, kernel, stream, task, options.seed)


def score_baselines(options: argparse.Namespace) -> dict[str, Any]:
    """Judge the reference of every problem by the same draws as a kernel."""
    stream, task = load_stream(options.partition, _folder("ALPHALAB_VAULT")), load_task()
    with Lab(task) as lab:
        return references.judged(lab, task, stream, _folder("ALPHALAB_DATA"), options.seed)


def _folder(variable: str) -> Path:
    value = os.environ.get(variable)
    if not value:
        raise HarnessFault(f"{variable} is not set; the evaluator names a folder of the campaign in it")
    return Path(value)


def failed(label: str, error: str, **known: Any) -> dict[str, Any]:
    """Return the measured part of a score that could not be measured."""
    return {"ok": False, "label": label, "metric": kernels.METRIC, "value": None, "units": [], "gates": [], "secondary": {},
            "error": error[-4000:], **known}


def measured_or_failed(options: argparse.Namespace) -> dict[str, Any]:
    """Return a score whatever happens; a fault of ours is labelled infrastructure."""
    try:
        return score_baselines(options) if options.baselines else score_artefact(options)
    except Refused as refused:
        return failed(refused.label, str(refused), gates=refused.gates, secondary=refused.secondary)
    except HarnessFault as fault:
        return failed("infrastructure", str(fault))
    except _Terminated:
        return failed("timeout", "ended by SIGTERM")
    except Exception:  # the last edge: whatever is wrong here, the kernel is not to blame
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
    arguments.add_argument("--baselines", action="store_true", help="judge the references instead of an artefact")
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
    # a kernel that fails is a result; references that fail mean that there is no evaluation
    return 1 if options.baselines and not score["ok"] else 0


if __name__ == "__main__":
    sys.exit(main())
