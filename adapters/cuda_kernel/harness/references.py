"""The baselines: of each problem the reference next to itself, by the units of a kernel. How it strays from 1 is what measuring does."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from .cores import keep_to, mine
from .kernels import METRIC, TRIES, interval_of, loss_of, value_of
from .lab import Answer, Lab
from .stream import HarnessFault, Stream, Task, read_space

AT_A_TIME = 2
BUDGET_S = 1.0
"""For the rounds of timing of one comparison."""


def judged(lab: Lab, task: Task, stream: Stream, data: Path, seed: int) -> dict[str, Any]:
    """Judge the reference of every problem of the campaign; see `problems_of`."""
    names = problems_of(lab, task, data)
    found = _side_by_side(names, lambda hand: _problems(lab, hand, stream, seed))
    by_name = {what: {name: score[key] for name, score in found.items()}
               for what, key in (("baselines", "value"), ("units", "units"), ("secondary", "secondary"), ("gates", "gates"))}
    return {"ok": True, "label": "ok", "metric": METRIC, "value": None, **by_name}


def problems_of(lab: Lab, task: Task, data: Path) -> list[str]:
    """Return the problems of a campaign: its families that the lab knows, and the further ones of the task.

    Raises:
        HarnessFault: there are none.
    """
    known, families = lab.names(), read_space(data)
    names = [name for name in known if name in families or name in task.problems]
    if not names:
        raise HarnessFault("no family of data/explore/space.json is a problem of the lab; a family is named as its problem")
    return names


def _problems(lab: Lab, names: Sequence[str], stream: Stream, seed: int) -> dict[str, dict[str, Any]]:
    forms = lab.forms(names)
    draws = [_calmest(lab, names, stream, seed, str(draw)) for draw in range(stream.draws)]
    return {name: _score(name, forms[name], [draw[name] for draw in draws], stream, seed) for name in names}


def _score(name: str, forms: Answer, trials: Sequence[Answer], stream: Stream, seed: int) -> dict[str, Any]:
    units = [{"id": stream.unit(name, seed, str(draw)), "value": loss_of(trial["value"])} for draw, trial in enumerate(trials)]
    fastest = forms["forms"][forms["fastest"]]
    about = {"problem": name, "baseline": forms["fastest"], "gains": {form: row["gain"]["value"] for form, row in forms["forms"].items()},
             "graph_breaks": fastest["graph_breaks"], "failed": forms["failed"], "interval": interval_of(trials),
             "noisy": any(trial["noisy"] for trial in trials)}
    return {"value": value_of([unit["value"] for unit in units]), "units": units, "gates": [], "secondary": about}


def _calmest(lab: Lab, names: Sequence[str], stream: Stream, seed: int, draw: str) -> dict[str, Answer]:
    """Return of each the first comparison that is not noisy; if all are, the narrowest: chosen by width, never by value."""
    trials: dict[str, list[Answer]] = {name: [] for name in names}
    for attempt in range(TRIES):
        if noisy := [name for name in names if all(trial["noisy"] for trial in trials[name])]:
            for name, trial in lab.references(noisy, seed=stream.seed(seed, draw, attempt), budget_s=BUDGET_S).items():
                trials[name].append(trial)
    return {name: min(of_name, key=_restlessness) for name, of_name in trials.items()}


def _restlessness(trial: Answer) -> tuple[bool, float]:
    return trial["noisy"], math.log(trial["high"] / trial["low"])


def _side_by_side(names: Sequence[str], work: Callable[[Sequence[str]], dict[str, Any]]) -> dict[str, Any]:
    """Return what the work says of each name. It is given a hand of names for each core, as a slot of the campaign has one.

    A hand and not one: the lab takes longer to start than to compare one reference with itself, and is asked about many at once.
    """
    free = mine()[:AT_A_TIME]
    cores: SimpleQueue[int] = SimpleQueue()
    for core in free:
        cores.put(core)
    hands = [names[start :: len(free)] for start in range(min(len(free), len(names)))]
    pool = ThreadPoolExecutor(len(free), initializer=lambda: keep_to(cores.get()))
    try:
        said = {name: answer for part in pool.map(work, hands) for name, answer in part.items()}
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # leaving the lab ends what still runs
    return {name: said[name] for name in names}
