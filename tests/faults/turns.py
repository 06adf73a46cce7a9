"""Kill a campaign in the middle of its agents' turns, again and again, and look what is asked of the provider afterwards."""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from alphalab_nb.campaign import Campaign
from tests.faults.kill import kill_tree, orphans
from tests.live.campaigns import ALONE, make
from tests.provider.brain.researcher import Researcher
from tests.provider.protocol import Request
from tests.provider.server import Provider

_PATIENCE_S = 60.0


@dataclass
class Told:
    """What became of a campaign that was killed."""

    phases: list[str] = field(default_factory=list[str])
    """In which each kill came."""
    asked_again: list[str] = field(default_factory=list[str])
    """Responses on record that were asked of the provider once more."""
    orphans: list[str] = field(default_factory=list[str])
    failures: list[str] = field(default_factory=list[str])
    """Of the provider's brain, and what the campaign ended with."""
    phase: str = ""
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return self.phase == "done" and not (self.asked_again or self.orphans or self.failures)


def killed(folder: Path, *, kills: int, seed: int) -> Told:
    """Run a campaign on the Responses wire, kill it `kills` times while a turn is under way, and run it to its end."""
    told, chance, started = Told(), random.Random(seed), time.monotonic()
    with Provider(Researcher()) as provider, pytest.MonkeyPatch.context() as patch:
        root = make("responses", folder, provider, patch, approval="auto", limits=ALONE).workspace.root
        records: list[tuple[int, dict[str, int]]] = []
        while len(told.phases) < kills:
            process = run(root)
            if not _in_a_turn(provider, process, chance.uniform(0.0, 12.0)):
                break
            told.phases.append(Campaign.open(root).phase())
            kill_tree(process)
            records.append((len(provider.log.requests), responses(root)))
            told.orphans += orphans(root)
        if run(root).wait() != 0:
            told.failures.append((root / "faults.log").read_text(encoding="utf-8")[-2000:])
        told.failures += [str(failure) for failure in provider.log.failures]
        told.asked_again = [repeat for place, known in records for repeat in repeats(provider.log.requests[place:], known)]
        told.phase, told.seconds = Campaign.open(root).phase(), time.monotonic() - started
    return told


def run(root: Path, *options: str) -> subprocess.Popen[bytes]:
    """Run all phases as a person would, in a session of its own."""
    with (root / "faults.log").open("ab") as log:
        command = [sys.executable, "-m", "alphalab_nb.cli", "run", str(root), *options]
        return subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)


def _in_a_turn(provider: Provider, process: subprocess.Popen[bytes], wait_s: float) -> bool:
    """Wait until the campaign has asked something, then for a while more; False if it has ended."""
    before, end = len(provider.log.requests), time.monotonic() + _PATIENCE_S
    while len(provider.log.requests) == before and process.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    time.sleep(wait_s)
    return process.poll() is None


def responses(root: Path) -> dict[str, int]:
    """Return how many responses of each conversation are on record, by the key that its requests carry."""
    with sqlite3.connect(root / "board.sqlite3") as sql:
        rows = sql.execute("select c.key, count(*) from turns t join conversations c on c.id = t.conversation where t.kind = 'response'"
                           " group by c.key").fetchall()
    return {f"small/{key}"[-64:]: count for key, count in rows}


def repeats(requests: list[Request], known: dict[str, int]) -> list[str]:
    """Return the requests that ask for a response which was on record already."""
    found: list[str] = []
    for request in requests:
        key = json.loads(request.body).get("prompt_cache_key", "")
        if len(request.turns) < known.get(key, 0):
            found.append(f"{key}: response {len(request.turns) + 1} of {known[key]} on record")
    return found
