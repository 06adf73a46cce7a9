"""Supervisor, Reporter and Guide."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from typing import Any

from tests.provider.brain.early import whole
from tests.provider.brain.pictures import shows_something
from tests.provider.brain.replay import Missing, Seen, Step
from tests.provider.brain.rules import report
from tests.provider.protocol import Call, Request

Steps = Generator[Step, Any, None]

KNOWLEDGE = "domain_knowledge.md"
INSTRUCTION = "- numpy's functions take `axis`, never `axes`: an argument that does not exist ends the run at once."
_PHASE = re.compile(r"^Review what the phase `(\w+)` has left", re.MULTILINE)
_PATH = re.compile(r"^- (\S+/\S+)$", re.MULTILINE)
_LACKING = {"severity": "blocking", "file": "explore/learnings.md", "line": 0,
            "message": "nothing says how far repeating the last season errs; measure it in a cell and cite it"}
_FAILED = re.compile(r"^#(\d+) (\w+) \((\w+)\), (\w+):$", re.MULTILINE)
_BEST = re.compile(r"## Best so far\n(.*?)(?=\n## |\Z)", re.DOTALL)
_FILE = re.compile(r"^Write (reports/(milestone_(\d+)\.md))\.", re.MULTILINE)
_ROW = re.compile(r"^\d+\. #(\d+) \S+ \(\w+\):? (?:\w+ )?([\d.e+-]+)", re.MULTILINE)


def supervise(request: Request) -> Steps:
    phase = _PHASE.search(request.first)
    yield from _review(request, phase[1]) if phase else _diagnose(request)


def _review(request: Request, phase: str) -> Steps:
    """Read every artefact; the exploration is sent back once, for it does not say how far the naive errs."""
    paths = _PATH.findall(request.first)
    if not paths:
        raise Missing(f"the review of {phase} names no artefacts")
    yield [Call("read_file", {"path": f"../{path}", "limit": 60}) for path in paths]
    if phase == "explore":
        listed: Seen = yield Call("read_file", {"path": "../explore/plots"})
        figure: Seen = yield Call("view_image", {"path": f"../explore/plots/{listed.text.splitlines()[0]}"})
        if not shows_something(figure.pictures[0]):
            raise Missing("the figure arrived empty")
    findings = [_LACKING] if phase == "explore" else []
    yield Call("verdict", {"passed": not findings, "findings": findings})
    yield report(f"{phase}: {len(paths)} artefacts read, {len(findings)} blocking finding(s).")


def _diagnose(request: Request) -> Steps:
    """Find the wrong keyword in the failures and add one line against it, unless it stands there."""
    failed = _FAILED.findall(request.first)
    if not failed:
        raise Missing(f"the diagnosis names no failures: {request.first[:500]}")
    id, name, *_ = failed[0]
    board: Seen = yield Call("read_board", {})
    if any(f"#{one}" not in board.text for one, *_ in failed):
        raise Missing(f"the board does not show what failed: {board.text}")
    yield Call("read_file", {"path": f"../experiments/{int(id):03d}_{name}/run.py"})
    text = yield from whole(KNOWLEDGE)
    ids = ", ".join(f"#{one}" for one, *_ in failed)
    if "unexpected keyword argument" not in request.first or INSTRUCTION in text:
        yield report(f"No cause that an instruction could still prevent; {ids} failed.")
        return
    last = text.rstrip().splitlines()[-1]
    yield Call("patch_adapter_file", {"name": KNOWLEDGE, "old": last, "new": f"{last}\n{INSTRUCTION}",
                                      "reason": f"a wrong keyword argument ended {ids}"})
    yield report(f"A wrong keyword argument explains {len(failed)} failure(s) ({ids}); one line of {KNOWLEDGE} forbids it.")


# -- reporter --------------------------------------------------------------------------------------------

_FIGURE = """\
import matplotlib
matplotlib.use("agg")
import matplotlib.pyplot as plt
from pathlib import Path
scores = {scores}
Path("plots").mkdir(exist_ok=True)
figure, axes = plt.subplots()
axes.plot(range(1, len(scores) + 1), scores, "o-")
figure.savefig("plots/milestone_{number}.png")
print(len(scores), "scores")"""


def tell(request: Request) -> Steps:
    """Draw the scores of the board, look at the figure, and write the milestone around the draft."""
    file, lessons = _FILE.search(request.first), request.first.partition("## Debriefs since the last milestone")[2].strip()
    if file is None or not lessons:
        raise Missing(f"the Reporter is not told what to write, or has no debriefs: {request.first[:500]}")
    seen: list[Seen] = yield [Call("read_board", {"section": "leaderboard"}), Call("read_playbook", {})]
    scores = [float(score) for _, score in _ROW.findall(seen[0].text)]
    if len(scores) < len(_ROW.findall(_best(request))):
        raise Missing(f"the leaderboard lacks experiments of the draft: {seen[0].text}")
    code = _FIGURE.format(scores=json.dumps(scores), number=file[3])
    yield Call("run_cell", {"reason": "The scores so far", "code": code})
    figure: Seen = yield Call("view_image", {"path": f"plots/milestone_{file[3]}.png"})
    if not shows_something(figure.pictures[0]):
        raise Missing("the figure arrived empty")
    said = f"{len(scores)} experiments have full scores."
    text = "\n\n".join([f"# Milestone {file[3]}", said, f"![scores](plots/milestone_{file[3]}.png)", seen[1].text])
    yield Call("write_file", {"path": file[2], "text": text})
    yield report(said)


def _best(request: Request) -> str:
    """Return the lines of the draft that name the best experiments."""
    found = _BEST.search(request.first)
    if found is None:
        raise Missing(f"the draft of the milestone does not say what is best: {request.first[:800]}")
    return found[1]


# -- guide -----------------------------------------------------------------------------------------------


def guide(request: Request) -> Steps:
    """Look at the board, and answer with its best experiment."""
    asked, _, facts = request.first.partition("## What the board says now")
    if "asks:" not in asked or "Experiments:" not in facts:
        raise Missing(f"the Guide is not told what is asked, or how the campaign stands: {request.first[:500]}")
    seen: list[Seen] = yield [Call("read_board", {"section": "leaderboard"}), Call("read_playbook", {})]
    best = _ROW.search(seen[0].text)
    yield report(f"The best so far is #{best[1]} with {best[2]}." if best else "Nothing has a full score yet.")
