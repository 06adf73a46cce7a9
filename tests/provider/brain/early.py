"""Preflight, Customizer, Explorer and child: look before anything is built."""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

from alphalab_nb.agents.offline import POLICIES
from alphalab_nb.agents.offline.probing import cell, facts, setup
from alphalab_nb.agents.offline.sentences import sentence
from alphalab_nb.agents.tasks import ExploreTask
from alphalab_nb.llm import Result
from tests.provider.brain.pictures import colour_of, shows_something
from tests.provider.brain.replay import Missing, Seen, Step
from tests.provider.brain.rules import by_rules, report, task_block
from tests.provider.protocol import Call, Request

Steps = Generator[Step, Any, None]

_FIGURES = 6
_KNOWLEDGE = "domain_knowledge.md"
_PROBES = ("schema", "missing", "statistics", "covariates")
_CELL = re.compile(r"\[cell (\S+?)\]")


def preflight(request: Request) -> Steps:
    word: Seen = yield Call("read_file", {"path": "preflight.txt"})
    if "preflight.png" not in request.first:
        yield report(f"The file says: {word.text.strip()}.")
        return
    shown: Seen = yield Call("view_image", {"path": "preflight.png"})
    yield report(f"The file says: {word.text.strip()}. The square is {colour_of(shown.pictures[0])}.")


# -- customizer ------------------------------------------------------------------------------------------


def customize(request: Request) -> Steps:
    """Measure, and append what was measured to the domain knowledge by one patch of its last line."""
    start = setup("../data/explore", task_block(request))
    seen: list[Seen] = yield [Call(one.name, one.args) for one in (cell("setup", start), *map(cell, _PROBES))]
    lines = [f"- {text}" for one in seen for fact in facts(_result(one)) if (text := sentence(fact))]
    text = yield from whole(_KNOWLEDGE)
    if "## This data" in text:
        raise Missing("the shipped domain knowledge has a section on this data already")
    last = text.rstrip().splitlines()[-1]
    section = "\n".join([last, "", "## This data", "", *(line.replace("{", "(").replace("}", ")") for line in lines)])
    reason = "what was measured on the explore partition"
    yield Call("patch_adapter_file", {"name": _KNOWLEDGE, "old": last, "new": section, "reason": reason})
    yield report(f"{len(lines)} facts were measured and added to {_KNOWLEDGE} under 'This data'.")


def whole(name: str) -> Generator[Step, Any, str]:
    """Read a file of the adapter to its end."""
    text, offset = "", 1
    while True:
        page: Seen = yield Call("read_adapter", {"name": name, "offset": offset})
        more = re.search(r"\[lines \d+ to \d+ of \d+; read on with offset=(\d+)\]$", page.text)
        text += page.text[: more.start()] if more else page.text
        if more is None:
            return text
        offset = int(more[1])


def _result(seen: Seen) -> Result:
    return Result(seen.call.name, seen.text, ok=seen.ok)


# -- explorer --------------------------------------------------------------------------------------------


def explore(request: Request) -> Steps:
    """Work through the probes and look at their figures; in a second round mend what the review found."""
    if "The Supervisor sent the phase back" in request.first:
        yield from _mend(request)
        return
    task = ExploreTask(folder=Path("explore"), data=Path("data/explore"), task=task_block(request))
    looked, said, steps = 0, set[str](), by_rules(POLICIES["explorer"], task)
    seen: list[Seen] | None = None
    try:
        while True:
            seen = yield steps.send(seen)
            looked += _looked_at(seen)
            said |= {text for one in seen for text in one.said}
    except StopIteration as end:
        summary = end.value
    if looked < _FIGURES:
        raise Missing(f"the Explorer could look at {looked} figures only")
    child: Seen = yield Call("spawn_agent", {"task": "How many rows has the target in ../data/explore/panel.npz? Answer with the number."})
    yield Call("note", {"text": f"A side question, answered by a child: {child.text}"})
    yield Call("check_citations", {})
    yield report("\n".join([summary, *(f"Heard on the way: {text}" for text in sorted(said))]))


def _looked_at(seen: list[Seen]) -> int:
    pictures = [picture for one in seen if one.call.name == "view_image" for picture in one.pictures]
    if not all(map(shows_something, pictures)):
        raise Missing("a figure arrived empty")
    return len(pictures)


_ERROR_CODE = """\
import json, numpy as np
meta = json.load(open("../data/explore/meta.json"))
y = np.load("../data/explore/panel.npz")["target"]
season = int(meta["season"])
print("season", season)
print("error of repeating the season before", round(float(np.nanmean(np.abs(y[season:] - y[:-season]))), 4))"""


def _mend(request: Request) -> Steps:
    """Add what the finding asks for, from a cell that shows it."""
    if "learnings.md" not in request.first:
        raise Missing("the Explorer was sent back without the finding")
    before: Seen = yield Call("read_file", {"path": "learnings.md"})
    ran: Seen = yield Call("run_cell", {"reason": "The error of the seasonal naive, which the review asks for", "code": _ERROR_CODE})
    number, error = _CELL.search(ran.text), re.search(r"season before ([\d.]+)", ran.text)
    if number is None or error is None:
        raise Missing(f"the cell does not show what it printed: {ran.text}")
    last = before.text.rstrip().splitlines()[-1]
    line = f"- Repeating the season before errs by {error[1]} on average [cell {number[1]}]"
    yield Call("edit_file", {"path": "learnings.md", "old": last, "new": f"{last}\n{line}"})
    yield Call("check_citations", {})
    yield report(f"Mended as the review asked: {line[2:]}")


_ROWS_CODE = """\
import numpy as np
print("rows", np.load("../data/explore/panel.npz")["target"].shape[0])"""


def answer(request: Request) -> Steps:
    """A child answers the one question it is put."""
    if "How many rows" not in request.first:
        raise Missing(f"a child did not get its question: {request.first}")
    ran: Seen = yield Call("run_cell", {"reason": "Count the rows", "code": _ROWS_CODE})
    rows = re.search(r"rows (\d+)", ran.text)
    yield report(f"{rows[1] if rows else 'not known'} rows.")
