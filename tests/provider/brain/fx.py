"""The scripted language model in a domain that has no adapter: it writes one for exchange rates, and trades by it.

Only what differs from the ready domains is here: Generator, Explorer, Strategist and Worker.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.fx import content
from tests.provider.brain import early, worker
from tests.provider.brain.audit import audit, role_of, section
from tests.provider.brain.replay import FINAL, Missing, Script, Seen, Step, Try, replay
from tests.provider.brain.researcher import SCRIPTS
from tests.provider.brain.rules import report, task_block
from tests.provider.protocol import Call, Reply, Request

Steps = Generator[Step, Any, None]

METRIC = "sharpe"
_OF_REFERENCE = "rmse"
"""Metric of the adapter whose prompts the Generator is given as examples."""
SETTINGS = {"horizon": 30, "stride": 30, "metric": METRIC, "pegged": "4"}
"""What the campaign sets of its task."""


@dataclass(frozen=True)
class Trader:
    """A Brain: see `Researcher`, whose other roles it plays, too."""

    def __call__(self, request: Request) -> Reply:
        role = role_of(request)
        audit(request, _OF_REFERENCE if role == "generator" else METRIC)
        calls = replay(request, OWN.get(role) or SCRIPTS[role])
        names = ", ".join(call.name for call in calls)
        return Reply(text=f"Next: {names}.", calls=tuple(calls), reasoning=f"Turn {len(request.turns) + 1} of the {role}: {names}.")


# -- generator -------------------------------------------------------------------------------------------

FORGOTTEN = "phase3_supervisor.md"
"""File that the first draft lacks."""
MISSPELT, UNKNOWN = "phase2_critic.md", "{{ harness_version }}"
"""Prompt of the first draft that asks for what no campaign knows."""
_MOST_ROUNDS = 3
_BATCH = 8
_READ = ("manifest.yaml", "domain_knowledge.md", "phase3_worker.md", "harness/score.py", "harness/baseline_train.py", "probes/future.py")


def generate(request: Request) -> Steps:
    """Look at the data, read the reference, write every file, and mend what the refusal of the report names."""
    task = task_block(request)
    if "fx_trading" not in request.first or {key: task.get(key) for key in SETTINGS} != SETTINGS:
        raise Missing(f"the Generator is not told what it is to write: {request.first[:500]}")
    measured = yield from _measure()
    read: list[Seen] = yield [Call("read_reference_adapter", {"name": name}) for name in (".", *_READ)]
    if not all(name in read[0].text for name in ("harness/", "probes/", "manifest.yaml")):
        raise Missing(f"the list of the reference adapter is incomplete: {read[0].text}")
    yield [Call("copy_reference_folder", {"name": name}) for name in ("harness", "probes")]
    names = [name for name in content.WRITTEN if name != FORGOTTEN]
    for first in range(0, len(names), _BATCH):
        yield [_written(name, _drafted(name, measured)) for name in names[first : first + _BATCH]]
    for _ in range(_MOST_ROUNDS):
        refused: Seen = yield Try(FINAL, {"summary": f"{len(content.WRITTEN)} files are written, {len(content.COPIED)} copied."})
        yield _mended(refused.text, measured)
    raise Missing(f"the draft was refused {_MOST_ROUNDS} times, though each refusal was followed")


def _measure() -> Generator[Step, Any, list[str]]:
    """Run the cells whose output becomes the section on this data; each prints what it found, a line per fact."""
    seen: list[Seen] = yield [_cell(name) for name in ("correlation", "peg")]
    return [line for one in seen for line in _printed(one)]


def _drafted(name: str, measured: list[str]) -> str:
    """Return a file as it is first written: one prompt asks for a variable that does not exist."""
    return _right(name, measured) + (f"Harness: {UNKNOWN}\n" if name == MISSPELT else "")


def _right(name: str, measured: list[str]) -> str:
    text = (content.ADAPTER / name).read_text(encoding="utf-8")
    if name != "domain_knowledge.md":
        return text
    return "\n".join([text.rstrip(), "", "## This data", *(f"- {line}" for line in measured), ""])


def _mended(refusal: str, measured: list[str]) -> list[Call]:
    """Write the files that a refusal names as they should be."""
    named = [name for name in content.WRITTEN if re.search(rf"(?<![\w/]){re.escape(name)}\b", refusal)]
    if not named:
        raise Missing(f"the refusal names no file of the draft: {refusal}")
    return [_written(name, _right(name, measured)) for name in named]


def _written(name: str, text: str) -> Call:
    return Call("write_adapter_file", {"name": name, "text": text})


# -- explorer --------------------------------------------------------------------------------------------


def explore(request: Request) -> Steps:
    """Work through the probes, then put how the items hang together and which one stands still on top of the findings."""
    steps, answer = early.explore(request), None
    while True:
        step = steps.send(answer)
        if isinstance(step, Call) and step.name == FINAL:
            break
        answer = yield step
    if "The Supervisor sent the phase back" not in request.first:
        yield from _trade_cells()
    yield step


def _trade_cells() -> Steps:
    for name in ("correlation", "peg"):
        seen: Seen = yield _cell(name)
        lines = "\n".join(f"- {line} [cell {_number(seen)}]" for line in _printed(seen))
        yield Call("write_file", {"path": f"scripts/{name}.py", "text": content.cell(name)})
        yield [Call("edit_file", {"path": path, "old": f"{title}\n", "new": f"{title}\n\n{lines}\n"})
               for path, title in (("learnings.md", "# Learnings"), ("data_report/findings.md", "# Findings"))]
    yield Call("check_citations", {})


def _cell(name: str) -> Call:
    code = content.cell(name)
    return Call("run_cell", {"reason": code.splitlines()[0].strip('"'), "code": code})


def _printed(seen: Seen) -> list[str]:
    """Return what a cell printed, without the line on how it ended."""
    return [line.strip() for line in seen.text.splitlines()[1:] if line.strip() and not line.startswith("[")]


def _number(seen: Seen) -> str:
    found = re.match(r"\[cell (\S+?)\]", seen.text)
    if found is None:
        raise Missing(f"the answer does not say which cell ran: {seen.text}")
    return found[1]


# -- strategist ------------------------------------------------------------------------------------------

_SPANS, _SLOW = "SPANS = (5, 21, 63, 252)\n", "SPANS = (63, 126, 252)\n"
IDEAS: tuple[Mapping[str, str], ...] = (
    {"name": "ridge", "family": "ridge", "hypothesis": "momentum over a week to a year, shared by all items, forecasts the sign a little",
     "brief": "Ridge on past log returns: features are the sums over 5, 21, 63 and 252 rows in standard deviations, pooled over all items, "
              "returns clipped at 4 standard deviations, a heavy penalty, no constant. The path is a straight line in logarithms."},
    {"name": "reversal", "family": "reversal", "hypothesis": "part of the last month's move of each currency comes back",
     "brief": "For each item regress the log return over the next horizon on that over the last horizon by least squares; clip the share "
              "to -0.5 to 0.5 and forecast the last rate times the exponential of the share of its last move."},
    {"name": "ridge_slow", "family": "ridge", "hypothesis": "what lasts a quarter or longer is less noisy than the last weeks",
     "brief": "Like the ridge on momenta, pooled over all items and clipped, but with the sums over 63, 126 and 252 rows only; nothing "
              "else changes, so that the difference is that of the short spans alone."},
)
_WANTED = re.compile(r"^Propose about (\d+) experiment\(s\)\.", re.MULTILINE)


def strategize(request: Request) -> Steps:
    """Propose the next ideas, as long as the learnings say what they rest on."""
    learnt = section(request, "strategist", "Learnings about the data")
    if not re.search(r"maximum absolute correlation 0\.\d+.* \[cell \S+\]", learnt):
        raise Missing(f"the Strategist does not read what the Explorer found: {learnt[:500]}")
    seen: list[Seen] = yield [Call("read_board", {"section": "leaderboard"}), Call("read_file", {"path": "../experiments"})]
    wanted = _WANTED.search(request.first)
    known = seen[1].text + section(request, "strategist", "Waiting or running")
    ideas = [idea for idea in IDEAS if not re.search(rf"[_ ]{idea['name']}[/ ]", known)][: int(wanted[1]) if wanted else 0]
    if ideas:
        yield [Call("propose_experiment", dict(idea)) for idea in ideas]
    yield report(f"Proposed {', '.join(idea['name'] for idea in ideas) or 'nothing'}.")


# -- worker ----------------------------------------------------------------------------------------------

_FOLDERS = {"ridge": "ridge", "ridge_slow": "ridge", "reversal": "broken"}
"""Whose files an experiment is written from."""
_NAMED = re.compile(r"experiment #\d+ `(\w+)`, family \w+")


def implement(request: Request) -> Steps:
    """Write the program of the brief; the one that is broken is handed in without a check."""
    name = _experiment(request)
    yield [Call("write_file", {"path": path, "text": text}) for path, text in _program(name).items()]
    if name != "reversal":
        yield Call("reality_check", {})
    yield report(f"{name}: written from the brief.")


def _program(name: str) -> dict[str, str]:
    files = content.experiment(_FOLDERS[name])
    if name == "ridge_slow":
        if _SPANS not in files["serve.py"]:
            raise Missing("the ridge has no spans that could be changed")
        files["serve.py"] = files["serve.py"].replace(_SPANS, _SLOW)
    return files


def fix(request: Request) -> Steps:
    """Find the keyword that the error names, and write the arguments as numpy knows them."""
    name, wrong = _experiment(request), re.search(r"got an unexpected keyword argument '(\w+)'", request.first)
    if wrong is None:
        raise Missing(f"the error of {name} is not the one that this model has made: {request.first[:1500]}")
    found: Seen = yield Call("grep_file", {"pattern": rf"\b{wrong[1]}=", "path": "run.py"})
    both = zip(content.experiment("broken")["run.py"].splitlines(), content.experiment("repaired")["run.py"].splitlines(), strict=True)
    [(old, new)] = [(old, new) for old, new in both if old != new]
    if old not in found.text:
        raise Missing(f"'{wrong[1]}=' does not stand where the error says: {found.text}")
    yield Call("edit_file", {"path": "run.py", "old": old, "new": new})
    yield Call("reality_check", {})
    yield report(f"{name}: numpy's clip knows no `{wrong[1]}`; the check runs through.")


def _experiment(request: Request) -> str:
    found = _NAMED.search(request.first)
    if found is None or found[1] not in _FOLDERS:
        raise Missing(f"the task names no experiment that was proposed: {request.first[:300]}")
    return found[1]


OWN: Mapping[str, Script] = {
    "generator": generate, "explorer": explore, "strategist": strategize, "worker_implement": implement, "worker_fix": fix,
    "worker_analyze": worker.analyze,
}
