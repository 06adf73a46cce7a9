"""Measure language models in a campaign: `make bench AREA=agents`, or `python -m tests.bench.agents ID ...` for some rows.

The models are scripted; the wires, the SDKs, the tools, the kernels and the processes are real.
"""

from __future__ import annotations

import functools
import json
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from alphalab_nb.agents import run_agent
from alphalab_nb.agents.tasks import ImplementTask
from alphalab_nb.storage.board import Board
from alphalab_nb.storage.database import Database
from alphalab_nb.storage.experiment import Proposal
from alphalab_nb.tools import TOOLS, Tool
from alphalab_nb.workspace import Workspace
from tests.bench.dispatch import fresh, proven
from tests.bench.rows import Bench, Found
from tests.desk import Desk, desk
from tests.faults import outage, turns
from tests.provider.protocol import WIRES, Brain, Call, Log, Reply, Request, Wire
from tests.provider.server import Provider
from tests.provider.talk import MINDS, keys

TURNS = 20
"""Replies of a Worker's conversation that the share of the cache is measured on."""
LONG = 60
"""Replies of the whole conversation: what grows with it shows in its last quarter."""
TIMES = 5
"""How often it is held: what else a machine does only adds to its times."""
_GROWTH = 2.0
"""By how much the last quarter of its turns may be slower than the first: pydantic-ai 2.68 goes through all messages some ten times
before each request, which gives 1.3 to 1.6 on a quiet machine and up to 1.9 on a busy one."""
_SHORT = 3
"""Replies of the second conversation."""
_SAID, _MUSED = 6, 9
"""Replies after which a person says something, and before which the model muses instead of calling a tool."""
_NOTE = "look at the level, too"
_READ = ("../../adapter/recipes/common/series.py", "../../adapter/harness/score.py", "../../adapter/recipes/common/neural.py",
         "../../adapter/harness/data_prep.py", "../../adapter/harness/runner.py")


# -- conversations of a worker ---------------------------------------------------------------------------------


def worker(request: Request) -> Reply:
    """Play a Worker: read what there is, write and mend run.py, report after LONG replies, or soon in the second conversation."""
    done = len(request.turns)
    if done >= (_SHORT if "levels help" in request.first else LONG) - 1:
        return Reply("", (Call("report_to_user", {"summary": "implemented"}),))
    if done == _MUSED:
        return Reply("The lag comes first; then I look at the level.")
    if done % 2 == 0:
        call = Call("read_file", {"path": _READ[done // 2 % len(_READ)], "offset": 1 + 40 * (done // 10)})
    else:
        call = Call("write_file", {"path": "run.py", "text": "\n".join(f"x_{done}_{n} = {n}  # a line of the program" for n in range(60))})
    return Reply(f"Step {done + 1}: look, then change one thing.", (call,), reasoning="The lag comes first, then the level.")


def interrupted(root: Path) -> Brain:
    """Return the Worker, in the middle of whose first conversation a person leaves a note on the board of a campaign."""

    def brain(request: Request) -> Reply:
        if len(request.turns) == _SAID and "levels help" not in request.first:
            Board(Database.open(Workspace(root).database)).note(_NOTE, by="ada")
        return worker(request)

    return brain


@contextmanager
def remote(brain: Brain) -> Iterator[tuple[Any, Callable[[], Log]]]:
    """Run a provider in a process of its own, so that it does not compete for our interpreter; yield its addresses and its log."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=_serve, args=(brain, theirs), daemon=True)
    process.start()
    address = ours.recv()

    def log() -> Log:
        ours.send("log")
        found: Log = ours.recv()
        return found

    try:
        yield address, log
    finally:
        process.terminate()
        process.join()


class _Address:
    """What `keys` needs of a provider."""

    def __init__(self, openai_url: str, anthropic_url: str) -> None:
        self.openai_url, self.anthropic_url = openai_url, anthropic_url


def _serve(brain: Brain, pipe: Any) -> None:
    with Provider(brain) as provider:
        pipe.send(_Address(provider.openai_url, provider.anthropic_url))
        while True:
            pipe.recv()
            pipe.send(provider.log)


class Ran(NamedTuple):
    """One run of a tool; `time.monotonic`, which all processes of a machine share."""

    begun: float
    seconds: float


@contextmanager
def timed_tools() -> Iterator[list[Ran]]:
    """Note how long the functions of the tools themselves take."""
    ran: list[Ran] = []

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            begun = time.monotonic()
            try:
                return function(*args, **kwargs)
            finally:
                ran.append(Ran(begun, time.monotonic() - begun))

        return run

    with pytest.MonkeyPatch.context() as patch:
        for name, tool in TOOLS.items():
            patch.setitem(TOOLS, name, Tool(timed(tool.function), tool.slow, tool.remembers))
        yield ran


class Spoken(NamedTuple):
    """Two conversations of one role on a wire, a long and a short one, in the order of their requests."""

    log: Log
    long: list[int]
    """Places of its requests in the log."""
    short: list[int]
    at: Desk
    ran: list[Ran]


Held = dict[Wire, list[Spoken]]
"""By wire, the same again and again: what else the machine does takes time from some of them."""


def converse(wire: Wire, number: int) -> Spoken:
    """Hold two conversations of a Worker on a wire."""
    root = fresh(f"worker_{wire}_{number}")
    with remote(interrupted(root)) as (address, log), keys(address), timed_tools() as ran:
        at = desk(root, llm=str(MINDS[wire]), provider={"base_url": address.openai_url})
        for name in ("lags", "levels"):
            _implement(at, name)
        seen = log()
    firsts = [request.first for request in seen.requests]
    long, short = ([n for n, first in enumerate(firsts) if (first == firsts[0]) is whole] for whole in (True, False))
    return Spoken(seen, long, short, at, ran)


def _implement(at: Desk, name: str) -> None:
    made = at.board.add(Proposal(name=name, family="own", hypothesis=f"{name} help", brief=f"a linear model on {name}"), by="bench")
    folder = at.workspace.experiment(made.id, made.name)
    task = ImplementTask(experiment=made, folder=folder, files={}, playbook=at.playbook.markdown(), learnings="- a season [cell 3]")
    run_agent("worker_implement", at.deps(folder, experiment=made.id, notebook=f"{name}.ipynb"), task)


def cache_read_share(bench: Held) -> Found:
    """Share of the input tokens of TURNS replies that the provider reports as read from its cache; the lowest of the wires."""
    shares = {wire: read_share(spoken) for wire, (spoken, *_) in bench.items()}
    also = {f"{wire}: {what}": holds for wire, (spoken, *_) in bench.items() for what, holds in _prefixes(spoken).items()}
    return Found(min(shares.values()), n=TURNS, also=also, detail={wire: round(share, 4) for wire, share in shares.items()})


def read_share(spoken: Spoken) -> float:
    first = {spoken.log.requests[place].number for place in spoken.long[:TURNS]}
    usages = [usage for number, usage in zip(spoken.log.whole, spoken.log.usages, strict=True) if number in first]
    return sum(usage.cached for usage in usages) / sum(usage.input for usage in usages)


def _prefixes(spoken: Spoken) -> dict[str, bool]:
    """Return what must hold of the prompts so that a cache can serve them."""
    requests = [spoken.log.requests[place] for place in spoken.long]
    others = [spoken.log.requests[place] for place in spoken.short]
    said = [text for turn in requests[-1].turns for text in turn.said]
    return {
        "every request begins with the one before": grows(requests) and grows(others),
        "a note and a nudge are among them": any(_NOTE in text for text in said) and any(_NOTE not in text for text in said),
        "two conversations share tools and system": bool(others) and len({_shared(request) for request in (*requests, *others)}) == 1,
    }


def grows(requests: list[Request]) -> bool:
    """Whether each request holds all of the one before, byte for byte, and only adds at its end."""
    return all(_same_start(a, b) for a, b in pairwise(map(_parts, requests)))


def _same_start(a: tuple[str, list[str]], b: tuple[str, list[str]]) -> bool:
    return a[0] == b[0] and b[1][: len(a[1])] == a[1]


def _shared(request: Request) -> str:
    """Return what all conversations of a role have in common; on the Chat wire the system prompt is one of the messages."""
    return _parts(request)[0] + request.system


def _parts(request: Request) -> tuple[str, list[str]]:
    """Return what stands before the conversation (tools, system), and its items, as JSON text."""
    body = json.loads(request.body)
    items = [_unmarked(item) for item in body.get("input") or body["messages"]]
    return json.dumps([body.get("tools"), body.get("instructions"), _unmarked(body.get("system"))]), [json.dumps(item) for item in items]


def _unmarked(value: Any) -> Any:
    """Leave out the marks of cache breakpoints: they move, and are no part of the prompt."""
    if isinstance(value, list):
        return [_unmarked(item) for item in value]
    if isinstance(value, dict):
        return {key: _unmarked(item) for key, item in value.items() if key != "cache_control"}
    return value


def log_bytes(bench: Held) -> Found:
    """Bytes on record over the bytes of what was new: prompt, replies and answers of tools, each once; the highest of the wires.

    Answers of tools that are stored twice give 1.96 in this conversation, which the promise would allow.
    """
    ratios = {wire: recorded(spoken.at) / new_content(spoken.log) for wire, (spoken, *_) in bench.items()}
    detail = {wire: round(ratio, 3) for wire, ratio in ratios.items()}
    return Found(max(ratios.values()), n=LONG, also={"nothing is on record twice (<= 1.5)": max(ratios.values()) <= 1.5}, detail=detail)


def recorded(at: Desk) -> int:
    """Return the bytes that conversations and events take on the board and beside it."""
    sql = at.board.database.connection()
    texts = sql.execute("select (select coalesce(sum(length(cast(body_json as blob))), 0) from turns)"
                        " + (select coalesce(sum(length(cast(instructions as blob))), 0) from conversations)"
                        " + (select coalesce(sum(length(cast(text as blob))), 0) from events)").fetchone()[0]
    return int(texts) + sum(path.stat().st_size for path in (at.workspace.agents / "images").glob("*"))


def new_content(log: Log) -> int:
    """Return the bytes of the last request of each conversation: it holds all that came before, once. Tools are not content."""
    last: dict[str, int] = {}
    for request in log.requests:
        _, items = _parts(request)
        own = len(request.system.encode()) + sum(len(item.encode()) for item in items)
        last[request.first] = max(own, last.get(request.first, 0))
    return sum(last.values())


def turn_overhead(bench: Held) -> Found:
    """Milliseconds from the last byte of a reply to the next request, less the tool's own; the highest median of the wires.

    Other work of the machine only adds: of the same conversation held TIMES times the quickest counts.
    """
    spent = {wire: [gaps_ms(spoken) for spoken in times] for wire, times in bench.items()}
    medians = {wire: min(map(statistics.median, gaps)) for wire, gaps in spent.items()}
    growth = {wire: round(_growth(gaps), 2) for wire, gaps in spent.items()}
    also = {f"{wire}: the last quarter to the first <= {_GROWTH:g}": growth[wire] <= _GROWTH for wire in spent}
    detail: dict[str, Any] = {wire: round(value, 1) for wire, value in medians.items()}
    return Found(max(medians.values()), n=TIMES * (LONG - 1), also=also, detail={**detail, "last quarter / first": growth})


def gaps_ms(spoken: Spoken) -> list[float]:
    """Return what our side spends between each two replies of the long conversation."""
    spans = [(spoken.log.replied[a], spoken.log.arrived[b]) for a, b in pairwise(spoken.long)]
    return [1000 * (end - begun - sum(run.seconds for run in spoken.ran if begun <= run.begun < end)) for begun, end in spans]


def _growth(times: list[list[float]]) -> float:
    """Return by how much the last quarter is slower than the first; of each turn, the quickest time counts."""
    quickest = [min(gaps) for gaps in zip(*times, strict=True)]
    quarter = len(quickest) // 4
    return statistics.median(quickest[-quarter:]) / statistics.median(quickest[:quarter])


def conversations(bench: Bench) -> None:
    """Three rows from the same conversations on each wire."""
    if not bench.wants("cache_read_share", "log_bytes", "turn_overhead"):
        return
    held: Held = {wire: [converse(wire, number) for number in range(TIMES)] for wire in WIRES}
    bench.measure("cache_read_share", unit="fraction of input tokens", must=">= 0.9", of=lambda: cache_read_share(held))
    bench.measure("log_bytes", unit="times the new content", must="<= 2", of=lambda: log_bytes(held))
    bench.measure("turn_overhead", unit="ms, median", must="<= 25", of=lambda: turn_overhead(held))


# -- campaigns -------------------------------------------------------------------------------------------------


def outages() -> Found:
    """A provider that goes and comes back, then goes for good."""
    told = outage.outage(fresh("outage"), max_outage_s=60)
    detail = {name: getattr(told, name) for name in ("said_s", "back_s", "exit_code", "ended_s", "resumed", "phase")}
    return Found(told.ok, detail=detail, also={"burnt no attempt": not told.burnt, "no response asked again": not told.asked_again})


def crash_turns() -> Found:
    """Kills at random moments of agents' turns; at least ten."""
    told = turns.killed(fresh("crash_turns"), kills=10, seed=11)
    also = {"nothing asked again": not told.asked_again, "nothing lost": not told.lost, "no orphan": not told.orphans,
            "ten kills": len(told.phases) == 10}
    return Found(told.ok, n=len(told.phases), also=also, detail={"killed in": told.phases, "lost": told.lost, "failures": told.failures})


def main() -> None:
    bench = Bench("agents")
    conversations(bench)
    bench.measure("scripted_campaign", unit="ends normally on every wire, cost = sum of responses", must="true",
                  of=lambda: proven("tests/live/test_campaign.py"))
    bench.measure("outage", unit="pauses, says so, resumes; exit 3 and nothing lost", must="true", of=outages)
    bench.measure("crash_turns", unit="resumes, no response on record asked again", must="true", of=crash_turns)
    bench.measure("fx", unit="a generated adapter that is valid, its harness, the findings", must="true",
                  of=lambda: proven("tests/live/test_fx.py"))
    bench.measure("faults", unit="every row of the fault table ends as it should", must="true",
                  of=lambda: proven("tests/faults/test_provider_faults.py"))
    print(json.dumps([{key: row[key] for key in ("id", "value", "must", "ok")} for row in bench.rows], indent=1))


if __name__ == "__main__":
    main()
