"""Plant every cheat in a harness for points: `python attack.py HOME HARNESS`, one JSON line for each.

A line: name, cheat, by, killed, gain (share of the loss of the start; 1 if it is no loss that is wrong), message. Each scoring is a
process forked from this one, so that numpy is loaded once; a point holds no code, so no sandbox is needed.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import runpy
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy  # noqa: F401  (what is loaded here need not be loaded by every scoring)
import yaml

HERE = Path(__file__).resolve().parent
START_LOSS = 100.0
"""Of the point of all defaults, by the definition of the world."""
TASK = {"noise": 0.0, "effect": 1.0, "traps": True, "metric": "loss"}
STREAM = {"world": 11, "stream": 12345, "draws": 4}
Score = dict[str, Any]


def score(home: Path, name: str, row: dict[str, Any]) -> Score:
    """Score what a row describes, in a process of its own."""
    artefact, out = home / "artefacts" / name, home / f"{name}.json"
    artefact.mkdir(parents=True)
    text = json.dumps(row["point"]) if "point" in row else row.get("text")
    for file, content in {**row.get("files", {}), **({"point.json": text} if text else {})}.items():
        (artefact / file).write_text(content, encoding="utf-8")
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(BaseException):
            os.chdir(home / "shown")
            os.environ["ALPHALAB_VAULT"] = str(home / row.get("vault", "vault"))
            os.dup2(os.open(out.with_suffix(".log"), os.O_WRONLY | os.O_CREAT, 0o600), 2)
            os.dup2(2, 1)
            sys.path[0] = str(home / "shown")
            sys.argv = ["score", "--artefact", str(artefact), "--partition", row.get("partition", "search"),
                        "--seed", str(row.get("seed", 1)), "--out", str(out), *row.get("options", [])]
            runpy.run_module("harness.score", run_name="__main__", alter_sys=True)
        os._exit(0)
    os.waitpid(pid, 0)
    try:
        return json.loads(out.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {"ok": False, "label": "no score", "value": None, "units": []}


def stage(home: Path, harness: Path) -> None:
    """Lay out the harness with a world without noise, and its hidden streams."""
    place = home / "shown" / "harness"
    shutil.copytree(harness, place, ignore=shutil.ignore_patterns("__pycache__", "tests"), copy_function=shutil.copyfile)
    (place / "config.json").write_text(json.dumps(TASK), encoding="utf-8")
    for number, partition in enumerate(("search", "confirm")):
        folder = home / "vault" / partition
        folder.mkdir(parents=True)
        (folder / "stream.json").write_text(json.dumps({**STREAM, "stream": STREAM["stream"] + number}), encoding="utf-8")


# -- how a cheat is known to be dead: gain, and what is wrong ----------------------------------------------------


def no_gain(row: dict[str, Any], found: Score) -> tuple[float, str | None]:
    if not found["ok"]:
        return 0.0, _told(found) if found["label"] in ("no score", "infrastructure") else None
    gain = 1 - found["value"] / START_LOSS
    return gain, f"it looks {gain:.2%} better than the start" if gain > 1e-8 else None


def refused(row: dict[str, Any], found: Score) -> tuple[float, str | None]:
    stopped = not found["ok"] and found["label"] == row["label"]
    return float(not stopped), None if stopped else f"{_told(found)}, expected {row['label']}"


def smoke_claimed_as_full(scores: dict[str, Score]) -> str | None:
    smoke, full = scores["smoke"], scores["start"]
    if (smoke["fidelity"], full["fidelity"]) != ("smoke", "full"):
        return f"scores of fidelity smoke and full are stamped {smoke['fidelity']} and {full['fidelity']}"
    return None if len(smoke["units"]) < len(full["units"]) else "a smoke score rests on as many units as a full one"


def truth_is_not_told(scores: dict[str, Score]) -> str | None:
    told = [name for scored in ("start", "leaky") for name in scores[scored]["secondary"] if name.startswith("true")]
    return f"a score on search or confirm says what is true: {', '.join(told)}" if told else None


def start_by_hand(scores: dict[str, Score]) -> str | None:
    return _is_start(scores["start"]["value"], "the start")


def baselines_by_hand(scores: dict[str, Score]) -> str | None:
    held, known = scores["baselines"], [unit["id"] for unit in scores["start"]["units"]]
    if [unit["id"] for unit in held["units"]["default"]] != known:
        return "the baseline is not judged on the units of a point"
    return _is_start(held["baselines"]["default"], "the baseline")


def units_are_paired(scores: dict[str, Score]) -> str | None:
    ids = [{unit["id"] for unit in scores[scored]["units"]} for scored in ("start", "other")]
    return None if ids[0] == ids[1] else "two points are judged on different units, so they cannot be compared in pairs"


def _is_start(value: float | None, name: str) -> str | None:
    return None if value is not None and math.isclose(value, START_LOSS, abs_tol=1e-6) else f"{name} is {value}, by hand it is {START_LOSS}"


def _told(found: Score) -> str:
    return f"labelled {found['label']} (value {found['value']})"


def judged(name: str, row: dict[str, Any], scores: dict[str, Score]) -> tuple[float, str | None]:
    try:
        if row["stopped"] != "check":
            return {"no_gain": no_gain, "refused": refused}[row["stopped"]](row, scores[row["of"]])
        message = globals()[name](scores)
    except (KeyError, TypeError) as error:  # a score without what the contract promises
        message = f"the score cannot be read: {type(error).__name__} {error}"
    return float(message is not None), message


def main(home: Path, harness: Path) -> None:
    table = yaml.safe_load((HERE / "planted.yaml").read_text(encoding="utf-8"))
    stage(home, harness)
    scores = {name: score(home, name, row) for name, row in table["scored"].items()}
    for name, row in table["planted"].items():
        gain, message = judged(name, row, scores)
        print(json.dumps({"name": name, "cheat": row["cheat"], "by": row["by"], "killed": message is None, "gain": gain,
                          "message": message or ""}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
