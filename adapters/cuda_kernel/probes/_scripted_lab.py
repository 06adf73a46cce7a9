"""A kernel lab that says what it is told: copied as kernels_lab/__main__.py to a folder that PYTHONPATH names first.

SCRIPTED_LAB names a JSON file: problems (names), verdicts and trials (each problem gets them in turn, the last for ever), forms. What was
asked is kept beside it, a JSON line per question. Standard library only.
"""

from __future__ import annotations

import json
import os
import sys
from itertools import takewhile
from pathlib import Path
from typing import Any


def answer(script: dict[str, Any], question: list[str], before: list[list[str]]) -> dict[str, Any]:
    """Return what the lab says, given what it was asked before."""
    command = question[0]
    if command == "list":
        return {"problems": [{"name": name} for name in script["problems"]]}
    named = problems_of(question)
    if unknown := [name for name in named if name not in script["problems"] and not name.endswith(".py")]:
        return {"error": "UnknownProblem", "message": f"no problem {unknown[0]!r}"}
    if command == "baselines":
        return {"problems": dict.fromkeys(named, script["forms"])}
    rows, seed = script["trials" if command == "aa" else "verdicts"], int(question[question.index("--seed") + 1])
    turns = [sum(asked[0] == command and name in problems_of(asked) for asked in before) for name in named]
    said = [{**rows[min(turn, len(rows) - 1)], "seed": seed} for turn in turns]
    return {"trials": said} if command == "aa" else said[0]


def problems_of(question: list[str]) -> list[str]:
    """Return the problems that a question names: what stands before its options; evaluate has one, and a source."""
    named = list(takewhile(lambda word: not word.startswith("--"), question[1:]))
    return named[:1] if question[0] == "evaluate" else named


def main() -> None:
    place = Path(os.environ["SCRIPTED_LAB"])
    log = place.with_suffix(".log")
    before = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.is_file() else []
    said = answer(json.loads(place.read_text(encoding="utf-8")), sys.argv[1:], before)
    with log.open("a", encoding="utf-8") as file:
        file.write(json.dumps(sys.argv[1:]) + "\n")
    print(json.dumps(said))
    sys.exit(2 if "error" in said else 0)


if __name__ == "__main__":
    main()
