"""Take the provider of a running campaign away, once for a while and once for good."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from alphalab_nb.campaign import Campaign
from alphalab_nb.storage.experiment import State
from tests.faults.turns import repeats, responses, run
from tests.live.campaigns import ALONE, make
from tests.provider.brain.researcher import Researcher
from tests.provider.server import Provider

_PATIENCE_S = 180.0


@dataclass
class Told:
    """What the campaign did."""

    said_s: float = 0.0
    """Seconds from the end of the provider until `status` said so."""
    back_s: float = 0.0
    """Seconds from its return until the next request."""
    exit_code: int | None = None
    """Of the run that met the outage without end."""
    ended_s: float = 0.0
    """Seconds from the end of the provider until that exit."""
    resumed: int | None = None
    """Exit code of the run after it."""
    events: list[str] = field(default_factory=list[str])
    burnt: list[str] = field(default_factory=list[str])
    """Experiments that failed for the provider's sake."""
    asked_again: list[str] = field(default_factory=list[str])
    phase: str = ""

    @property
    def ok(self) -> bool:
        kept = not self.burnt and not self.asked_again and {"outage", "back"} <= set(self.events)
        return kept and (self.exit_code, self.resumed, self.phase) == (3, 0, "done")


def outage(folder: Path, *, max_outage_s: float) -> Told:
    """Run a campaign whose provider goes and comes back in phase 1, and goes for good in phase 3; then run it to its end."""
    told = Told()
    with Provider(Researcher()) as provider, pytest.MonkeyPatch.context() as patch:
        root = make("responses", folder, provider, patch, approval="auto", limits=ALONE).workspace.root
        first = run(root, "--max-outage", f"{max_outage_s:g}")
        _wait(lambda: Campaign.open(root).phase() == "explore" and len(provider.log.requests) > 12, first)
        told.said_s = _gone(provider, root, first)
        told.back_s = _back(provider, first)
        _wait(lambda: bool(Campaign.open(root).board.list(State.ANALYZED)), first)
        provider.stop()
        stopped = time.monotonic()
        told.exit_code, told.ended_s = first.wait(timeout=max_outage_s + _PATIENCE_S), time.monotonic() - stopped
        place, known = len(provider.log.requests), responses(root)
        provider.start()
        told.resumed = run(root).wait()
        told.asked_again = repeats(provider.log.requests[place:], known)
    campaign = Campaign.open(root)
    told.events = [event["kind"] for event in campaign.board.events()]
    told.burnt = [e.name for e in campaign.board.list() if e.error.startswith("worker:")]
    told.phase = campaign.phase()
    return told


def _gone(provider: Provider, root: Path, process: subprocess.Popen[bytes]) -> float:
    started = time.monotonic()
    provider.stop()
    _wait(lambda: Campaign.open(root).status()["outage"] is not None, process)
    return time.monotonic() - started


def _back(provider: Provider, process: subprocess.Popen[bytes]) -> float:
    before, started = len(provider.log.requests), time.monotonic()
    provider.start()
    _wait(lambda: len(provider.log.requests) > before, process)
    return time.monotonic() - started


def _wait(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _PATIENCE_S
    while not condition():
        if process.poll() is not None or time.monotonic() > end:
            raise AssertionError(f"the campaign ended with {process.poll()} or nothing happened within {_PATIENCE_S:g} s")
        time.sleep(0.2)
