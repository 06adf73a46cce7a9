"""A recording plays a campaign's conversations again, without a provider."""

from __future__ import annotations

from pathlib import Path

import pytest

from alphalab_nb.agents.capabilities import Checkpoints, Compactor
from alphalab_nb.errors import BadInput, NotFound
from alphalab_nb.llm.replay import ReplayModel, record
from tests.llm.test_conversation import Says, counter, cut_after, seat_of
from tests.provider.protocol import WIRES, Call, Reply, Request, Wire
from tests.provider.server import Provider
from tests.provider.talk import Desk, Seat, adder, keys

every_wire = pytest.mark.parametrize("wire", WIRES)


def replayed(desk: Desk, file: Path, key: str = "test/one", **changes: int) -> Seat:
    """Return the conversation of a key as a recording plays it."""
    seat = desk.talk("responses", key, model=ReplayModel(file, key))
    compactor = Compactor(seat.live, seat.conversation, changes.get("compact_at", 10**9))
    return seat.with_(capabilities=[compactor, Checkpoints(seat.conversation)])


@every_wire
def test_a_replay_makes_the_same_calls_without_a_server(wire: Wire, tmp_path: Path):
    with Provider(adder) as provider, keys(provider):
        desk = Desk(tmp_path / "first", provider.openai_url)
        seats = [desk.talk(wire, key) for key in ("test/one", "test/two")]
        assert [seat.run() for seat in seats] == ["The sum is 7."] * 2
        provider.stop()
        file = tmp_path / "responses.jsonl"
        assert record(desk.journal, file) == 6
        second = Desk(tmp_path / "second")
        again = replayed(second, file)
        assert again.run() == "The sum is 7."
    assert again.added == seats[0].added == [(1, 2), (3, 4)]
    first, other = (desk_.conversation().done for desk_ in (desk, second))
    assert first == other
    assert len(provider.log.requests) == 6


@pytest.mark.parametrize("cut", [1, 2, 3, 4, 5])
def test_a_replay_that_was_interrupted_goes_on_where_it_was(cut: int, tmp_path: Path):
    with Provider(adder) as provider, keys(provider):
        desk = Desk(tmp_path / "first", provider.openai_url)
        desk.talk("responses").run()
        file = tmp_path / "responses.jsonl"
        record(desk.journal, file)
        second = Desk(tmp_path / "second")
        replayed(second, file).run()
        again = cut_after(second, cut, tmp_path / "third")
        assert replayed(again, file).run() == "The sum is 7."
    assert again.conversation().requests == 3


def test_a_condensed_conversation_can_be_replayed(tmp_path: Path):
    """A recording holds no notes; the replay is condensed at the same places, and goes on with the response that came next."""
    with Provider(counter, cache=False) as provider, keys(provider):
        desk = Desk(tmp_path / "first", provider.openai_url)
        whole = seat_of(desk, "responses", Says(2, "Hurry up."), compact_at=5000)
        assert whole.run() == "7"
        file = tmp_path / "responses.jsonl"
        record(desk.journal, file)
        second = Desk(tmp_path / "second")
        again = replayed(second, file, compact_at=5000)
        again = again.with_(tools=[whole.tools[0]], added=[])
        assert again.run() == "7"
    assert "compaction" in [turn.kind for turn in second.journal.turns(second.conversation().head.id)]
    assert again.added == whole.added


def test_a_replay_that_goes_another_way_is_named(tmp_path: Path):
    def brief(request: Request) -> Reply:
        return Reply("", (Call("add", {"a": 1, "b": 1}),)) if not request.turns else adder(request)

    with Provider(brief) as provider, keys(provider):
        desk = Desk(tmp_path / "first", provider.openai_url)
        desk.talk("responses").run()
        file = tmp_path / "responses.jsonl"
        record(desk.journal, file)
        lines = file.read_text().splitlines()
        file.write_text("\n".join(lines[:-1]))
        with pytest.raises(NotFound, match="holds only 2 responses"):
            replayed(Desk(tmp_path / "second"), file).run()
        with pytest.raises(NotFound, match="no conversation 'test/other'"):
            replayed(Desk(tmp_path / "third"), file, "test/other").run()
        record(desk.journal, file)
        assert replayed(Desk(tmp_path / "fourth"), file).run().startswith("The sum is")


@pytest.mark.parametrize(("content", "says"), [
    (None, "there is no recording"), ("not JSON", "not a recording"), ('{"key": 1}', "not a recording"), ("[1]", "not a recording"),
    ("", "it is empty"), ('{"key": "x", "response": {"kind": "request", "parts": []}}', "not what was answered"),
])
def test_a_file_that_is_no_recording_is_refused(content: str | None, says: str, tmp_path: Path):
    file = tmp_path / "responses.jsonl"
    if content is not None:
        file.write_text(content)
    with Provider(adder) as provider, keys(provider), pytest.raises(BadInput, match=says):
        replayed(Desk(tmp_path / "desk"), file).run()
