"""The Worker's three tasks: write or take over a program and check it, mend one that failed, write down what was measured."""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

from tests.provider.brain.replay import Missing, Seen, Step, Try
from tests.provider.brain.rules import report
from tests.provider.protocol import Call, Request

Steps = Generator[Step, Any, None]

_EXPERIMENT = re.compile(r"experiment #(\d+) `(\w+)`, family (\w+)")
_READY = re.compile(r"^A recipe is ready for this family\..* are in your working folder: (.+)\.$", re.MULTILINE)
_CARELESS = frozenset({"median_change"})
"""Programs that are handed in without a check: a model forgets it, and the smoke run finds out."""
_MEASURED = re.compile(r"^Measured: (\w+) (\S+) .*, verdict (\w+)\.$", re.MULTILINE)
_KEYWORD = re.compile(r"got an unexpected keyword argument '(\w+)'")


def implement(request: Request) -> Steps:
    """Take over the recipe's files, or write run.py and serve.py from the brief; check; report."""
    _, name, family = _experiment(request)
    ready = _READY.search(request.first)
    if ready:
        paths = ready[1].split(", ")
        seen: list[Seen] = yield [Call("read_playbook", {}), *(Call("read_file", {"path": path}) for path in paths)]
        if not all(one.text.strip() for one in seen):
            raise Missing(f"the recipe's files of {name} are empty")
    else:
        if len(request.first.partition("Configuration:")[2].partition("## Playbook")[0]) < 100:
            raise Missing(f"the Worker of {name} has no recipe and no brief: {request.first[:500]}")
        yield [Call("read_playbook", {}), Call("read_board", {})]
        yield [Call("write_file", {"path": path, "text": _program(source)}) for path, source in (("run.py", name), ("serve.py", "serve"))]
    if name not in _CARELESS:
        yield Call("reality_check", {})
    yield report(f"{name}: {'the recipe as rendered' if ready else f'written from the brief, family {family}'}.")


def fix(request: Request) -> Steps:
    """Find the keyword that the error names, take it out of the code, and check."""
    _, name, _ = _experiment(request)
    wrong = _KEYWORD.search(request.first)
    if wrong is None:
        raise Missing(f"the error of {name} is not one that this model has made: {request.first[:1500]}")
    again: Seen = yield Try("reality_check", {})
    if wrong[1] not in again.text:
        raise Missing(f"the reality check does not show the error of {name}: {again.text}")
    found: Seen = yield Call("grep_file", {"pattern": rf"\b{wrong[1]}=", "path": "."})
    place = re.search(rf"^(\S+?):\d+: (.*\b{wrong[1]}=.*)$", found.text, re.MULTILINE)
    if place is None:
        raise Missing(f"'{wrong[1]}=' stands nowhere: {found.text}")
    mended = place[2].replace(f"{wrong[1]}=", f"{wrong[1].replace('axes', 'axis')}=")
    yield Call("edit_file", {"path": place[1], "old": place[2], "new": mended})
    yield Call("reality_check", {})
    yield report(f"{name}: `{wrong[1]}` is no argument; it is `axis`. The check runs through.")


def analyze(request: Request) -> Steps:
    """Write the debrief from the numbers of the task, and a lesson if it was measured."""
    id, name, family = _experiment(request)
    seen: list[Seen] = yield [Call("read_playbook", {}), Call("read_file", {"path": "run.py"})]
    measured = _MEASURED.search(request.first)
    if measured is None and "No score:" not in request.first:
        raise Missing(f"the task has neither a score nor a reason why there is none: {request.first[:500]}")
    if "a variant of #" in request.first and not re.search(r"^Parent: [\d.]+ \(#\d+\)\.$", request.first, re.MULTILINE):
        raise Missing(f"the task does not say what the parent scored: {request.first[:800]}")
    result = measured[0] if measured else next(line for line in request.first.splitlines() if line.startswith("No score:"))
    text = "\n".join([f"# Debrief of #{id} {name}", "", "## What was implemented", "", seen[1].text.splitlines()[0], "", "## Result", "",
                      f"- {result}", "", "## Why", "", "Not known.", ""])
    written: Seen = yield Call("write_file", {"path": "debrief.md", "text": text})
    if measured and f"{family} gives" not in seen[0].text:
        yield Call("update_playbook", {"claim": f"{family} gives {measured[1]} {measured[2]} at its first try", "kind": "insight",
                                       "evidence": [int(id)]})
    heard = [text for one in (*seen, written) for text in one.said if text.startswith("A person (")]
    yield report("\n".join([f"#{id} {name}: {result}", *(f"Heard on the way: {text}" for text in heard)]))


def _experiment(request: Request) -> tuple[str, str, str]:
    found = _EXPERIMENT.search(request.first)
    if found is None:
        raise Missing(f"the task names no experiment: {request.first[:300]}")
    return found[1], found[2], found[3]


def _program(name: str) -> str:
    return (Path(__file__).parent / "programs" / f"{name}.py").read_text(encoding="utf-8")
