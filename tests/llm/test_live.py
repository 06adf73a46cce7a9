"""LiveModel waits when it is told to, ends within two seconds when it is told to, and bears an outage."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alphalab_nb.agents import run_agent
from alphalab_nb.agents.pulse import BoardPulse
from alphalab_nb.agents.tasks import PreflightTask
from alphalab_nb.errors import ProviderOutage, Stopped
from tests.desk import desk
from tests.provider import faults
from tests.provider.faults import Fault, Schedule, first, rate_limit
from tests.provider.protocol import WIRES, Reply, Request, Wire
from tests.provider.server import Provider
from tests.provider.talk import SWIFT, Desk, Seat, adder, keys

every_wire = pytest.mark.parametrize("wire", WIRES)


def until(holds: Callable[[], Any], seconds: float = 10.0) -> None:
    """Wait until something holds."""
    ends_at = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends_at, "it did not come to hold"
        time.sleep(0.01)


def in_thread(work: Callable[[], Any]) -> Future[Any]:
    """Run something meanwhile."""
    pool = ThreadPoolExecutor(1)
    future = pool.submit(work)
    pool.shutdown(wait=False)
    return future


def watched(desk: Desk, wire: Wire, key: str = "test/one", **patience: float) -> Seat:
    """Return a conversation that feels the switches of its campaign's board."""
    return desk.talk(wire, key, patience=replace(SWIFT, **patience), pulse=BoardPulse(desk.board, "build", "tester"))


# -- pause -----------------------------------------------------------------------------------------------


@every_wire
def test_a_pause_sends_nothing_and_a_resume_goes_on_within_a_second(wire: Wire, tmp_path: Path):
    desks: list[Desk] = []

    def brain(request: Request) -> Reply:
        if request.number == 2:
            desks[0].board.command("pause", by="test")
        return adder(request)

    with Provider(brain) as provider, keys(provider):
        desks.append(Desk(tmp_path, provider.openai_url))
        running = in_thread(watched(desks[0], wire).run)
        until(lambda: desks[0].board.fact("paused"))
        time.sleep(0.7)
        assert len(provider.log.requests) == 2
        assert not running.done()
        desks[0].board.command("resume", by="test")
        resumed = time.monotonic()
        assert running.result(5) == "The sum is 7."
    assert provider.log.arrived[2] - resumed < 1.0


# -- stop ------------------------------------------------------------------------------------------------

WAITS: dict[str, Fault] = {
    "in mid-stream": faults.STALL, "before the first byte": Fault("late", seconds=60.0), "on a rate limit": rate_limit(60),
}


@pytest.mark.parametrize("fault", WAITS.values(), ids=WAITS.keys())
def test_a_stop_ends_a_conversation_that_waits_within_two_seconds(fault: Fault, tmp_path: Path):
    with Provider(adder, faults=Schedule(otherwise=fault)) as provider, keys(provider):
        at = desk(tmp_path / "ws", llm="local:local-model", provider={"base_url": provider.openai_url, "image_input": False})
        deps = at.deps(at.workspace.root / "preflight", phase="adapt")
        running = in_thread(lambda: run_agent("preflight", deps, PreflightTask(image=False)))
        until(lambda: provider.log.requests)
        time.sleep(0.3)
        at.board.command("stop", by="test")
        asked = time.monotonic()
        with pytest.raises(Stopped, match="run again to go on"):
            running.result(10)
        assert time.monotonic() - asked < 2.0
    assert len(provider.log.requests) == 1


@every_wire
def test_a_stop_is_noticed_between_two_attempts(wire: Wire, tmp_path: Path):
    with Provider(adder, faults=first(99, rate_limit(60))) as provider, keys(provider):
        desk = Desk(tmp_path, provider.openai_url)
        running = in_thread(watched(desk, wire).run)
        until(lambda: desk.kinds == ["rate_limit"])
        desk.board.command("stop", by="test")
        asked = time.monotonic()
        with pytest.raises(Stopped):
            running.result(10)
        assert time.monotonic() - asked < 10, "and not the 60 s that the provider asks for"


# -- outage ----------------------------------------------------------------------------------------------


@every_wire
def test_an_outage_is_told_borne_and_over_when_the_provider_is_back(wire: Wire, tmp_path: Path):
    with Provider(adder) as provider, keys(provider):
        desk = Desk(tmp_path, provider.openai_url)
        provider.stop()
        running = in_thread(watched(desk, wire, outage_s=60.0).run)
        until(lambda: desk.board.fact("outage"))
        assert desk.kinds == ["retry"] * 5 + ["outage"]
        told = desk.board.fact("outage")
        assert (told["role"], "onnection" in told["why"]) == ("tester", True)
        provider.start()
        assert running.result(10) == "The sum is 7."
    assert desk.kinds[-1] == "back"
    assert desk.board.fact("outage") is None


@every_wire
def test_an_outage_that_is_too_long_ends_with_exit_code_3(wire: Wire, tmp_path: Path):
    with Provider(adder) as provider, keys(provider):
        desk = Desk(tmp_path, provider.openai_url)
        provider.stop()
        began = time.monotonic()
        with pytest.raises(ProviderOutage, match="run again when it is back") as caught:
            watched(desk, wire, outage_s=1.5).run()
        assert 1.5 <= time.monotonic() - began < 10
        assert caught.value.exit_code == 3
        provider.start()
        assert desk.talk(wire).run() == "The sum is 7."


def test_an_outage_of_several_conversations_is_over_when_they_are_served(tmp_path: Path):
    with Provider(adder) as provider, keys(provider):
        desk = Desk(tmp_path, provider.openai_url)
        provider.stop()
        running = [in_thread(watched(desk, "chat", f"test/{n}", outage_s=60.0).run) for n in range(3)]
        until(lambda: desk.kinds.count("outage") == 3)
        provider.start()
        assert [future.result(10) for future in running] == ["The sum is 7."] * 3
    assert desk.board.fact("outage") is None


# -- what is told ----------------------------------------------------------------------------------------


def test_a_rate_limit_is_waited_for_as_long_as_it_says_and_shown(tmp_path: Path):
    with Provider(adder, faults=first(1, rate_limit(1))) as provider, keys(provider):
        desk = Desk(tmp_path, provider.openai_url)
        assert desk.talk("responses").run() == "The sum is 7."
    assert desk.events == [("rate_limit", "rate limited; waiting 1.0 s (attempt 1)")]
    assert provider.log.arrived[1] - provider.log.replied[0] >= 1.0
    row = desk.database.connection().execute("select tries, seconds from ledger order by id").fetchone()
    assert row["tries"] == 2
    assert row["seconds"] >= 1.0


def test_conversations_of_several_threads_share_one_record(tmp_path: Path):
    barrier = threading.Barrier(6)

    def converse(n: int) -> str:
        seat = desk.talk(WIRES[n % 3], f"test/{n}")
        barrier.wait(5)
        return seat.run()

    with Provider(adder) as provider, keys(provider):
        desk = Desk(tmp_path, provider.openai_url)
        with ThreadPoolExecutor(6) as pool:
            assert set(pool.map(converse, range(6))) == {"The sum is 7."}
    assert [desk.conversation(f"test/{n}").requests for n in range(6)] == [3] * 6
    assert sum(row["calls"] for row in desk.ledger.by("role")) == 18
