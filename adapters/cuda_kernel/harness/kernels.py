"""What the verdicts of the lab make of a kernel: its speedup with units, gates and what else a reader asks; or why it has none."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from .artefact import Kernel, Refused
from .lab import Answer, Lab
from .stream import HarnessFault, Stream, Task

METRIC = "speedup"
TRIES = 3
"""Evaluations of one draw, each with a seed of its own, before the machine counts as too busy to rank it."""
ANOTHER_TIME = 0.08
"""Half-width, as a logarithm, of what the ratio of two different programs differs by from one time to another. Vector units that run slower
and neighbours on the host weigh on each in their own way; the reference next to itself shows none of it. 54 kernels measured 2 to 7 times
within half an hour: standard deviation 0.062, where the lab's own intervals say 0.048 (a GEMM: 0.13 and 0.04)."""
SMOKE = "smoke"
"""Stands for the number of the draw in seed and unit of a smoke score: it can be paired with no full one."""
_LABELS = ("crash", "timeout", "oom", "invalid_output", "gate_missed")

Measured = dict[str, Any]


def full(lab: Lab, kernel: Kernel, stream: Stream, task: Task, seed: int) -> Measured:
    """Judge a kernel by every draw of a partition against the fastest baseline."""
    verdicts = [_ranked(lab, kernel, stream, task, seed, str(draw)) for draw in range(stream.draws)]
    units = [{"id": stream.unit(kernel.problem, seed, str(draw)), "value": loss_of(verdict["headline"]["value"])}
             for draw, verdict in enumerate(verdicts)]
    return _score(kernel, verdicts, units)


def smoke(lab: Lab, kernel: Kernel, stream: Stream, seed: int) -> Measured:
    """Judge whether a kernel is right, with a short look at its speed next to the reference as it is; comparable with nothing else."""
    verdict = lab.verdict(kernel, seed=stream.seed(seed, SMOKE), baselines="eager", budget_s=0)
    _refuse(kernel, verdict)
    unit = {"id": stream.unit(kernel.problem, seed, SMOKE), "value": loss_of(verdict["headline"]["value"])}
    return _score(kernel, [verdict], [unit])


def loss_of(speedup: float) -> float:
    """Return the loss of a unit: the negative logarithm, so that the mean of losses is a geometric mean of speedups.

    Raises:
        HarnessFault: it is no speedup.
    """
    if not (math.isfinite(speedup) and speedup > 0):
        raise HarnessFault(f"the lab measured a speedup of {speedup}")
    return -math.log(speedup)


def value_of(losses: Sequence[float]) -> float:
    """Return the metric of these losses."""
    return math.exp(-math.fsum(losses) / len(losses))


def interval_of(ratios: Sequence[Answer]) -> list[float]:
    """Return the 95 % interval of the geometric mean of ratios {value, low, high} that were measured one after the other."""
    losses = [loss_of(ratio["value"]) for ratio in ratios]
    down, up = (math.hypot(*((loss_of(ratio[end]) - loss) / len(ratios) for ratio, loss in zip(ratios, losses)), ANOTHER_TIME)
                for end in ("low", "high"))
    middle = value_of(losses)
    return [middle * math.exp(-down), middle * math.exp(up)]


# -- one draw --------------------------------------------------------------------------------------------------


def _ranked(lab: Lab, kernel: Kernel, stream: Stream, task: Task, seed: int, draw: str) -> Answer:
    """Return a verdict that can be ranked.

    Raises:
        Refused: the kernel failed, or what was too good could not be reproduced.
        HarnessFault: the machine is too busy.
    """
    ends: list[str] = []
    for attempt in range(TRIES):
        verdict = lab.verdict(kernel, seed=stream.seed(seed, draw, attempt), baselines="all", budget_s=task.timing_s)
        _refuse(kernel, verdict)
        if verdict["timing"]["noisy"]:
            ends.append(f"{verdict['headline']['low']:.3g} to {verdict['headline']['high']:.3g}")
            continue
        if verdict["quarantine"] and not verdict["quarantine"]["reproduced"]:
            found = verdict["quarantine"]
            message = f"quarantine: {found['reason']}, and a second pair of processes found {found['value']:.3g}"
            raise Refused("gate_missed", message, gates=gates_of(verdict), secondary=_about(kernel, [verdict]))
        if not verdict["ranks"]:
            raise HarnessFault("the lab does not rank what is right, calm and reproduced")
        return verdict
    raise HarnessFault(f"too noisy to rank: {TRIES} evaluations of draw {draw} put the speedup at {', '.join(ends)}")


def _refuse(kernel: Kernel, verdict: Answer) -> None:
    """Raise what a verdict says against a kernel."""
    if not verdict["ok"]:
        message = f"{verdict['check']}: {verdict['message']}"
        if verdict["label"] not in _LABELS:
            raise HarnessFault(message)
        raise Refused(verdict["label"], message, gates=gates_of(verdict), secondary=_about(kernel, [verdict]))
    if verdict["headline"] is None:  # a backend that this machine can build and not run
        raise HarnessFault(f"the lab cannot time backend {kernel.backend} on this machine; see `python -m kernels_lab doctor`")


def gates_of(verdict: Answer) -> list[dict[str, Any]]:
    """Return the gates that a verdict got as far as: error (in units of the bound), floor (us), reproduced (1 or 0; what was too good)."""
    rows = []
    if verdict["correctness"]:
        rows.append(_below("error", verdict["correctness"]["worst"], 1.0))
    if verdict["timing"]:
        rows.append(_above("floor", verdict["timing"]["candidate_us"], verdict["timing"]["floor_us"]))
    if verdict["quarantine"]:
        rows.append(_above("reproduced", float(verdict["quarantine"]["reproduced"]), 1.0))
    return rows


def _below(name: str, value: float, limit: float) -> dict[str, Any]:
    return {"name": name, "value": value, "limit": limit, "slack": limit - value}


def _above(name: str, value: float, limit: float) -> dict[str, Any]:
    return {"name": name, "value": value, "limit": limit, "slack": value - limit}


# -- a score ---------------------------------------------------------------------------------------------------


def _score(kernel: Kernel, verdicts: Sequence[Answer], units: list[dict[str, Any]]) -> Measured:
    return {"ok": True, "label": "ok", "metric": METRIC, "value": value_of([unit["value"] for unit in units]), "units": units,
            "gates": _tightest(row for verdict in verdicts for row in gates_of(verdict)), "secondary": _about(kernel, verdicts)}


def _tightest(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each gate once: the row with the least slack."""
    tightest: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row["name"] not in tightest or row["slack"] < tightest[row["name"]]["slack"]:
            tightest[row["name"]] = row
    return [*tightest.values()]


def _about(kernel: Kernel, verdicts: Sequence[Answer]) -> dict[str, Any]:
    """Return what a reader of a report asks. No seed is in it: whoever knew one could write a kernel for its inputs."""
    first, timed = verdicts[0], [verdict["timing"] for verdict in verdicts if verdict["timing"]]
    about = {"problem": kernel.problem, "rewrite": first["rewrite"], "backend": kernel.backend, "machine": first["machine"],
             "lab": first["lab"], "sandbox": first["sandbox"]}
    if first["headline"]:
        about |= {"baseline": first["headline"]["baseline"], "interval": interval_of([verdict["headline"] for verdict in verdicts]),
                  "speedup": _speedups(verdicts)}
    if timed:
        about |= {"cold": _geometric([each["cold"] for each in timed if each["cold"]]), "candidate_us": timed[0]["candidate_us"],
                  "eager_us": timed[0]["baseline_us"], "floor_us": timed[0]["floor_us"], "clock": timed[0]["clock"],
                  "load": timed[0]["load"], "peak_mib": max(each["peak_mib"] for each in timed)}
    if first["correctness"]:
        about |= {"cases": len(first["correctness"]["cases"]), "deterministic": all(v["correctness"]["deterministic"] for v in verdicts)}
    return about


def _speedups(verdicts: Sequence[Answer]) -> dict[str, float | None]:
    """Return the geometric mean over the draws of the speedup over each form that all draws have."""
    forms = [form for form in verdicts[0]["speedup"] if all(form in verdict["speedup"] for verdict in verdicts)]
    return {form: _geometric([verdict["speedup"][form]["value"] for verdict in verdicts]) for form in forms}


def _geometric(ratios: Sequence[float]) -> float | None:
    return value_of([loss_of(ratio) for ratio in ratios]) if ratios else None
