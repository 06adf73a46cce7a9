"""Plant every cheat in a harness for kernels: `python attack.py HOME HARNESS [NAME ...]`, one JSON line for each.

A line: name, cheat, by, killed, gain (1 if it was believed, or if something else is wrong than a score), message. What is right and fast is
asked of the real lab; what the harness makes of an answer, of a lab that answers by a script (probes/_scripted_lab.py).
"""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "probes"))

from _lab import noisy, script, verdict  # noqa: E402

Score = dict[str, Any]
SECRET = 711000017
TASK = {"problems": [], "device": "cpu", "timing_s": 0.5, "metric": "speedup"}
DRAWS = {"search": 2, "confirm": 1}
ONE_S = 90
"""Seconds for one scoring; a few are usual."""
CALM = 3.0
"""Speedup that the scripted lab measures of every kernel, unless the script says otherwise."""
TOLD = '{"ok": true, "label": "ok", "metric": "speedup", "value": 1000.0, "fidelity": "full"}'
_FAILED = {"ok": False, "ranks": False, "headline": None}
SCRIPTS: dict[str, dict[str, Any]] = {
    "calm": script(verdict(CALM)),
    "two_and_eight": script(verdict(2.0), verdict(8.0)),
    "noisy": script(noisy(50.0)),
    "lucky": script(verdict(9.0, ranks=False, quarantine={"reason": "9 times faster: more than 2", "reproduced": False, "value": 1.02})),
    "below_floor": script(verdict(40.0, **_FAILED, label="gate_missed", check="below_floor", message="1 us; this machine needs 40 us")),
    "broken": {**script(), "verdicts": [{}]},
    "lost": script(verdict(**_FAILED, label="infrastructure", check="worker", message="the candidate's process is gone")),
    "strays": script(trials=(0.5, 2.0)),
}
"""What a scripted lab says."""


class Stage:
    """The harness, its vaults and its artefacts."""

    def __init__(self, home: Path, harness: Path) -> None:
        self.home = home
        place = home / "shown" / "harness"
        shutil.copytree(harness, place, ignore=shutil.ignore_patterns("__pycache__", "tests"), copy_function=shutil.copyfile)
        _write(place / "config.json", TASK)
        for number, (partition, draws) in enumerate(DRAWS.items()):
            _write(home / "vault" / partition / "stream.json", {"partition": partition, "stream": SECRET + number, "draws": draws})
        _write(home / "data" / "space.json", {"swish": {}, "softmax": {}})
        double = home / "scripted" / "kernels_lab"
        double.mkdir(parents=True)
        (double / "__init__.py").touch()
        shutil.copyfile(HERE.parent / "probes" / "_scripted_lab.py", double / "__main__.py")

    def score(self, name: str, row: dict[str, Any]) -> Score:
        """Score what a row describes, in a process of its own as the evaluator starts one."""
        artefact, out = self.home / "artefacts" / name, self.home / f"{name}.json"
        self._artefact(artefact, row)
        given = {key: value for key, value in os.environ.items() if not key.startswith("ALPHALAB_")}
        env = {**given, "ALPHALAB_VAULT": str(self.home / row.get("vault", "vault")), "ALPHALAB_DATA": str(self.home / "data")}
        options = row.get("options", [])
        if "lab" in row:
            told = self.home / "told" / f"{name}.json"
            _write(told, SCRIPTS[row["lab"]])
            env |= {"PYTHONPATH": str(self.home / "scripted"), "SCRIPTED_LAB": str(told)}
        else:
            options = ["--fidelity", "smoke"]
        what = [] if "--baselines" in options else ["--artefact", str(artefact)]
        argv = [sys.executable, "-m", "harness.score", *what, "--partition", "search", "--seed", "1", *options, "--out", str(out)]
        try:
            subprocess.run(argv, cwd=self.home / "shown", env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, timeout=ONE_S, check=False)
            return json.loads(out.read_text(encoding="utf-8"))
        except (OSError, ValueError, subprocess.TimeoutExpired):
            return {"ok": False, "label": "no score", "value": None, "units": []}

    def _artefact(self, artefact: Path, row: dict[str, Any]) -> None:
        artefact.mkdir(parents=True)
        if "problem" in row or "text" in row:
            named = {"problem": str(row.get("problem")).format(artefact=artefact), "backend": row.get("backend", "cpp")}
            (artefact / "kernel.json").write_text(row.get("text") or json.dumps(named), encoding="utf-8")
        if source := self._source(row):
            place = artefact / ("kernel.py" if source.suffix == ".py" else "kernel.cpp")
            if row.get("linked") == place.name:
                place.symlink_to(source)
            else:
                shutil.copyfile(source, place)
        for file, held in row.get("files", {}).items():
            text = TOLD if held == "score" else (HERE / "planted" / held).read_text(encoding="utf-8")
            (artefact / file).write_text(text, encoding="utf-8")

    def _source(self, row: dict[str, Any]) -> Path | None:
        if "hack" in row:
            suffix = ".py" if row.get("backend") == "torch" else ".cpp"
            return Path(str(files("kernels_lab"))) / "hacks" / f"{row['hack']}{suffix}"
        return HERE / "planted" / row["source"] if "source" in row else None

    def asked(self, name: str) -> list[list[str]]:
        """Return what the scripted lab was asked in one scoring."""
        log = self.home / "told" / f"{name}.log"
        return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.is_file() else []


def _write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


# -- how a cheat is known to be dead: what is wrong, or None -----------------------------------------------------


def refused(row: dict[str, Any], found: Score) -> str | None:
    stopped = not found["ok"] and found["label"] == row["label"] and found.get("error", "").startswith(row.get("says", ""))
    return None if stopped else f"{_told(found)}, expected {row['label']} {row.get('says', '')}".rstrip()


def accepted(row: dict[str, Any], found: Score) -> str | None:
    believed = found["ok"] and found["value"] is not None and found["value"] > 0
    return None if believed and all(gate["slack"] >= 0 for gate in found["gates"]) else f"an honest kernel is {_told(found)}"


def leaves_a_score(scores: dict[str, Score], stage: Stage) -> str | None:
    return _is(scores["beside"]["value"], CALM, "a kernel with a score of its own beside it")


def smoke_claimed_as_full(scores: dict[str, Score], stage: Stage) -> str | None:
    smoke, full = scores["smoke"], scores["full"]
    if (smoke["fidelity"], full["fidelity"]) != ("smoke", "full"):
        return f"scores of fidelity smoke and full are stamped {smoke['fidelity']} and {full['fidelity']}"
    if {*_ids(smoke)} & {*_ids(full)}:
        return "a smoke score can be paired with a full one"
    over = [question[question.index("--baselines") + 1] for name in ("smoke", "full") for question in stage.asked(name)]
    return None if over == ["eager", "all", "all"] else f"smoke and full are measured over {', '.join(over)}"


def seeds_are_not_told(scores: dict[str, Score], stage: Stage) -> str | None:
    seeds = [question[question.index("--seed") + 1] for question in stage.asked("full")]
    text = json.dumps([scores["full"], scores["baselines"]])
    if not seeds or any(int(seed) < 1 << 32 for seed in seeds):
        return f"the seeds {', '.join(seeds)} of the lab can be guessed"
    told = [number for number in (*seeds, str(SECRET)) if number in text]
    return f"a score tells {told[0]}, with which a kernel can be written for its inputs" if told else None


def draws_by_hand(scores: dict[str, Score], stage: Stage) -> str | None:
    return _is(scores["draws"]["value"], 4.0, "a kernel of speedups 2 and 8")


def baselines_by_hand(scores: dict[str, Score], stage: Stage) -> str | None:
    held = scores["baselines"]
    for name in ("swish", "softmax"):
        losses = [unit["value"] for unit in held["units"][name]]
        if wrong := _is(held["baselines"][name], math.exp(-sum(losses) / len(losses)), f"the baseline of {name}"):
            return wrong
        if sorted({round(abs(loss), 9) for loss in losses}) != [round(math.log(2), 9)]:
            return f"the units of a reference that strays from itself by 2 are {losses}"
    return None if _ids(scores["full"]) == [unit["id"] for unit in held["units"]["swish"]] else "a baseline has other units than a kernel"


def units_are_paired(scores: dict[str, Score], stage: Stage) -> str | None:
    mine, theirs = _ids(scores["full"]), _ids(scores["other"])
    return None if mine == theirs and len({*mine}) == DRAWS["search"] else f"two kernels of one problem have the units {mine} and {theirs}"


def _ids(score: Score) -> list[str]:
    return [unit["id"] for unit in score["units"]]


def _is(value: float | None, known: float, name: str) -> str | None:
    return None if value is not None and math.isclose(value, known, rel_tol=1e-9) else f"{name} scores {value}, by hand it is {known:.6g}"


def _told(found: Score) -> str:
    return f"labelled {found['label']} (value {found['value']}) {found.get('error', '')[:200]}".strip()


def judged(name: str, row: dict[str, Any], scores: dict[str, Score], stage: Stage) -> str | None:
    try:
        if row["stopped"] == "check":
            return globals()[name](scores, stage)
        return {"refused": refused, "accepted": accepted}[row["stopped"]](row, scores[row["of"]])
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:  # a score without what the contract promises
        return f"the score cannot be read: {type(error).__name__} {error}"


def main(home: Path, harness: Path, chosen: list[str]) -> None:
    table = yaml.safe_load((HERE / "planted.yaml").read_text(encoding="utf-8"))
    planted = {name: row for name, row in table["planted"].items() if name in chosen or not chosen}
    # what a check compares with is scored in any case
    wanted = {row["of"] for row in planted.values()} | {"full", "baselines"}
    stage = Stage(home, harness)
    scores = {name: stage.score(name, row) for name, row in table["scored"].items() if name in wanted}
    for name, row in planted.items():
        message = judged(name, row, scores, stage)
        print(json.dumps({"name": name, "cheat": row["cheat"], "by": row["by"], "killed": message is None,
                          "gain": float(message is not None), "message": message or ""}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
