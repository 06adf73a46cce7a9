"""Measure language models in a campaign: `make bench AREA=agents`, or `python -m tests.bench.agents ID ...` for some rows.

The models are scripted; the wires, the SDKs, the tools, the kernels and the processes are real.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from alphalab_nb.agents import run_agent
from alphalab_nb.agents.tasks import ImplementTask
from alphalab_nb.storage.experiment import Proposal
from tests.bench.dispatch import fresh, proven
from tests.bench.rows import Bench, Found
from tests.desk import Desk, desk
from tests.faults import outage, turns
from tests.provider.protocol import WIRES, Brain, Call, Log, Reply, Request, Wire
from tests.provider.server import Provider
from tests.provider.talk import MINDS, keys

TURNS = 20
_READ = ("../../adapter/recipes/common/series.py", "../../adapter/harness/score.py", "../../adapter/recipes/common/neural.py",
         "../../adapter/harness/data_prep.py", "../../adapter/harness/runner.py")


# -- one conversation of a worker ------------------------------------------------------------------------------


def worker(request: Request) -> Reply:
    """Play a Worker: read what there is, write and mend run.py, report after TURNS replies."""
    done = len(request.turns)
    if done >= TURNS - 1:
        return Reply("", (Call("report_to_user", {"summary": "implemented"}),))
    if done % 2 == 0:
        call = Call("read_file", {"path": _READ[done // 2 % len(_READ)], "offset": 1 + 40 * (done // 10)})
    else:
        call = Call("write_file", {"path": "run.py", "text": "\n".join(f"x_{done}_{n} = {n}  # a line of the program" for n in range(60))})
    return Reply(f"Step {done + 1}: look, then change one thing.", (call,), reasoning="The lag comes first, then the level.")


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


Held = dict[Wire, tuple[Log, Desk]]


def converse(wire: Wire) -> tuple[Log, Desk]:
    """Hold the worker's conversation on a wire; return the provider's log and the campaign's parts."""
    with remote(worker) as (address, log), keys(address):
        at = desk(fresh(f"worker_{wire}"), llm=str(MINDS[wire]), provider={"base_url": address.openai_url})
        made = at.board.add(Proposal(name="lags", family="own", hypothesis="lags help", brief="a linear model on lags"), by="bench")
        folder = at.workspace.experiment(made.id, made.name)
        task = ImplementTask(experiment=made, folder=folder, files={}, playbook=at.playbook.markdown(), learnings="- a season [cell 3]")
        run_agent("worker_implement", at.deps(folder, experiment=made.id, notebook="lags.ipynb"), task)
        return log(), at


def cache_read_share(bench: Held) -> Found:
    """Share of the input tokens that the provider reports as read from its cache; the lowest of the wires."""
    shares = {wire: sum(u.cached for u in log.usages) / sum(u.input for u in log.usages) for wire, (log, _) in bench.items()}
    prefixes = {f"{wire}: every request begins with the one before": grows(log) for wire, (log, _) in bench.items()}
    return Found(min(shares.values()), n=TURNS, also=prefixes, detail={wire: round(share, 4) for wire, share in shares.items()})


def grows(log: Log) -> bool:
    """Whether each request holds all of the one before, byte for byte, and only adds at its end."""
    return all(_same_start(a, b) for a, b in pairwise(map(_parts, log.requests)))


def _same_start(a: tuple[str, list[str]], b: tuple[str, list[str]]) -> bool:
    return a[0] == b[0] and b[1][: len(a[1])] == a[1]


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
    """Bytes on record over the bytes of what was new: prompt, replies and answers of tools, each once; the highest of the wires."""
    ratios = {wire: recorded(at) / new_content(log) for wire, (log, at) in bench.items()}
    return Found(max(ratios.values()), n=TURNS, detail={wire: round(ratio, 3) for wire, ratio in ratios.items()})


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
    """Milliseconds from the last byte of a reply to the next request; the highest median of the wires.

    The tool's own time is in it: a file of some KB is read or written, about a millisecond.
    """
    medians: dict[str, float] = {}
    for wire, (log, _) in bench.items():
        gaps = [start - end for end, start in zip(log.replied, log.arrived[1:], strict=False) if not math.isnan(end)]
        medians[wire] = 1000 * statistics.median(gaps)
    return Found(max(medians.values()), n=TURNS - 1, detail={wire: round(value, 1) for wire, value in medians.items()})


def conversations(bench: Bench) -> None:
    """Three rows from one conversation on each wire."""
    if not bench.wants("cache_read_share", "log_bytes", "turn_overhead"):
        return
    held = {wire: converse(wire) for wire in WIRES}
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
    also = {"nothing asked again": not told.asked_again, "no orphan": not told.orphans, "ten kills": len(told.phases) == 10}
    return Found(told.ok, n=len(told.phases), also=also, detail={"killed in": told.phases, "failures": told.failures})


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
