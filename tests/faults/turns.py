"""Kill a campaign in the middle of its agents' turns, again and again, and look what is asked of the provider afterwards.

The provider knows what it has sent whole. That, not the campaign's own record, is the measure of what must be on record.
"""

from __future__ import annotations

import json
import math
import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from alphalab_nb.campaign import Campaign
from tests.faults.kill import kill_tree, orphans
from tests.live.campaigns import ALONE, make
from tests.provider.brain.researcher import Researcher
from tests.provider.protocol import Log, Request
from tests.provider.server import Provider

_PATIENCE_S = 60.0
GRACE_S = 1.5
"""After so long a reply that was sent whole must be on record, also on a busy machine; a younger one may have been in flight."""


class Kept(NamedTuple):
    """What was on record when a process had ended."""

    at: float
    """When it was killed (time.monotonic); infinity if it came to its end."""
    place: int
    """Requests that had come by then."""
    responses: dict[str, int]
    """By the key of the conversation."""
    replies: dict[str, int]
    """Responses, and the notes that are no part of a conversation."""


@dataclass
class Told:
    """What became of a campaign that was killed."""

    phases: list[str] = field(default_factory=list[str])
    """In which each kill came."""
    asked_again: list[str] = field(default_factory=list[str])
    """Responses on record that were asked of the provider once more."""
    lost: list[str] = field(default_factory=list[str])
    """Replies that the provider had sent whole and long enough ago, and that are not on record or in the ledger."""
    orphans: list[str] = field(default_factory=list[str])
    failures: list[str] = field(default_factory=list[str])
    """Of the provider's brain, and what the campaign ended with."""
    phase: str = ""
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return self.phase == "done" and not (self.asked_again or self.lost or self.orphans or self.failures)


def killed(folder: Path, *, kills: int, seed: int) -> Told:
    """Run a campaign on the Responses wire, kill it `kills` times while a turn is under way, and run it to its end.

    Every other kill comes while a tool runs: the reply that called it has been there for a while.
    """
    told, chance, started = Told(), random.Random(seed), time.monotonic()
    with Provider(Researcher()) as provider, pytest.MonkeyPatch.context() as patch:
        root = make("responses", folder, provider, patch, approval="auto", limits=ALONE).workspace.root
        kept = [Kept(0.0, 0, {}, {})]
        while len(told.phases) < kills:
            process = run(root)
            ripe = partial(_waits, provider.log, root) if len(told.phases) % 2 else _at_once
            if not _in_a_turn(provider, process, chance.uniform(0.0, 12.0), ripe):
                break
            told.phases.append(Campaign.open(root).phase())
            at = time.monotonic()
            kill_tree(process)
            kept.append(_kept(root, provider.log, at))
            told.orphans += orphans(root)
        if run(root).wait() != 0:
            told.failures.append((root / "faults.log").read_text(encoding="utf-8")[-2000:])
        kept.append(_kept(root, provider.log, math.inf))
        told.failures += [str(failure) for failure in provider.log.failures]
        told.asked_again = [repeat for then in kept for repeat in repeats(provider.log.requests[then.place :], then.responses)]
        told.lost = losses(provider.log, kept, charged(root))
        told.phase, told.seconds = Campaign.open(root).phase(), time.monotonic() - started
    return told


def run(root: Path, *options: str) -> subprocess.Popen[bytes]:
    """Run all phases as a person would, in a session of its own."""
    with (root / "faults.log").open("ab") as log:
        command = [sys.executable, "-m", "alphalab_nb.cli", "run", str(root), *options]
        return subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)


def _in_a_turn(provider: Provider, process: subprocess.Popen[bytes], wait_s: float, ripe: Callable[[], bool]) -> bool:
    """Wait until the campaign has asked something, then for a while more, and for the moment; False if it has ended."""
    before, end = len(provider.log.requests), time.monotonic() + _PATIENCE_S
    while len(provider.log.requests) == before and process.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    time.sleep(wait_s)
    while not ripe() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    return process.poll() is None


def _waits(log: Log, root: Path) -> bool:
    """Whether the last reply of an open conversation was sent whole a while ago: a tool runs."""
    last = {key_of(request): (place, request.number) for place, request in enumerate(list(log.requests))}
    over, whole, long_ago = ended(root), set(log.whole), time.monotonic() - GRACE_S
    return any(log.replied[place] < long_ago for key, (place, number) in last.items() if key not in over and number in whole)


def _at_once() -> bool:
    return True


def _kept(root: Path, log: Log, at: float) -> Kept:
    return Kept(at, len(log.requests), responses(root), on_record(root, "response", "note"))


def on_record(root: Path, *kinds: str) -> dict[str, int]:
    """Return how many turns of some kinds each conversation has on record, by the key that its requests carry."""
    rows = _rows(root, "select c.key, count(*) from turns t join conversations c on c.id = t.conversation"
                       f" where t.kind in ({','.join('?' * len(kinds))}) group by c.key", *kinds)
    return {_sent(key): count for key, count in rows}


def responses(root: Path) -> dict[str, int]:
    """Return how many responses of each conversation are on record, by the key that its requests carry."""
    return on_record(root, "response")


def ended(root: Path) -> set[str]:
    return {_sent(key) for key, in _rows(root, "select key from conversations where ended != ''")}


def charged(root: Path) -> int:
    """Return for how many responses the ledger has a row."""
    return _rows(root, "select count(*) from ledger where conversation is not null")[0][0]


def _rows(root: Path, query: str, *values: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(root / "board.sqlite3", timeout=30) as sql:
        return sql.execute(query, values).fetchall()


def _sent(key: str) -> str:
    return f"small/{key}"[-64:]


def key_of(request: Request) -> str:
    return json.loads(request.body).get("prompt_cache_key", "")


def losses(log: Log, kept: list[Kept], charged: int) -> list[str]:
    """Return which replies that were sent whole are missing; at each kill one of each conversation may have been in flight."""
    whole, found, excused = set(log.whole), list[str](), 0
    for before, after in pairwise(kept):
        replies = [n for n in range(before.place, after.place) if log.requests[n].number in whole]
        sent = Counter(key_of(log.requests[n]) for n in replies)
        young = {key_of(log.requests[n]) for n in replies if log.replied[n] > after.at - GRACE_S}
        for key, count in sent.items():
            missing = count - (after.replies.get(key, 0) - before.replies.get(key, 0))
            excused += missing if missing == 1 and key in young else 0
            if missing > (key in young):
                found.append(f"{key}: {missing} of {count} replies that were sent whole are not on record")
    if charged < len(whole) - excused:
        found.append(f"the ledger has {charged} rows for {len(whole)} replies sent whole, {excused} of them in flight at a kill")
    return found


def repeats(requests: list[Request], known: dict[str, int]) -> list[str]:
    """Return the requests that ask for a response which was on record already."""
    found: list[str] = []
    for request in requests:
        key = key_of(request)
        if len(request.turns) < known.get(key, 0):
            found.append(f"{key}: response {len(request.turns) + 1} of {known[key]} on record")
    return found
