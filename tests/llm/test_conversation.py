"""A conversation on record: each message once, and after a crash at any place the next request is the one that would have been sent."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from pydantic_ai import BinaryContent, RunContext, ToolReturn
from pydantic_ai.capabilities import AbstractCapability
from pydantic_ai.models import ModelRequestContext

from alphalab_nb.agents.capabilities import Checkpoints, Compactor
from alphalab_nb.llm.conversation import FINAL, INTERRUPTED, UNFINISHED
from tests.provider import faults
from tests.provider.conversations import PNG
from tests.provider.protocol import WIRES, Call, Reply, Request, Wire
from tests.provider.server import Provider
from tests.provider.talk import Desk, Seat, keys

every_wire = pytest.mark.parametrize("wire", WIRES)


def looker(request: Request) -> Reply:
    """Play the model: looks and adds at once, looks again, then reports; thinks before each."""
    turns = len(request.turns)
    look = Call("look", {"path": "a.png"})
    if turns < 2:
        return Reply("I look and add.", (look, Call("add", {"a": turns, "b": 2})), f"Thought {turns}.")
    if turns < 4:
        return Reply("", (Call("add", {"a": turns, "b": 3}),), f"Thought {turns}.")
    return Reply("Done.", (Call(FINAL, {"summary": f"{turns} turns"}),), "Enough.")


@dataclass
class Says(AbstractCapability[Any]):
    """A person's word, before the request of a number; as the campaign appends its news."""

    at: int
    text: str
    count: int = field(default=0, init=False)

    async def before_model_request(self, ctx: RunContext[Any], request_context: ModelRequestContext) -> ModelRequestContext:
        self.count += 1
        if self.count == self.at:
            ctx.enqueue(self.text)
        return request_context


def seat_of(desk: Desk, wire: Wire, *more: Any, looked: list[str] | None = None, compact_at: int = 10**9) -> Seat:
    """Return a conversation with a tool that shows an image, and each answer stored as a campaign stores it."""
    seat = desk.talk(wire)

    def look(path: str) -> ToolReturn:
        """Look at an image."""
        if looked is not None:
            looked.append(path)
        return ToolReturn(return_value=[f"{path}, 1 x 1", BinaryContent(PNG, media_type="image/png")])

    compactor = Compactor(seat.live, seat.conversation, compact_at)
    return seat.with_(tools=[look], capabilities=[*more, compactor, Checkpoints(seat.conversation)])


def bodies(provider: Provider) -> list[bytes]:
    return [request.body for request in provider.log.requests]


def answers(provider: Provider) -> list[str]:
    """Return what the last request says that the tools answered."""
    return [answer.text for turn in provider.log.requests[-1].turns for answer in turn.answers]


def cut_after(desk: Desk, turns: int, folder: Path) -> Desk:
    """Return a copy of a campaign as it was when only so many turns were on record."""
    folder.mkdir()
    source, target = sqlite3.connect(desk.root / "board.sqlite3"), sqlite3.connect(folder / "board.sqlite3")
    source.backup(target)
    target.execute("delete from turns where id not in (select id from turns order by id limit ?)", (turns,))
    target.commit()
    target.close()
    source.close()
    if (desk.root / "images").exists():
        (folder / "images").symlink_to(desk.root / "images")
    return Desk(folder, desk.config.base_url)


def open_calls(desk: Desk) -> int:
    """Count the calls of the last response that no turn answers, unless the response ends the conversation."""
    turns = desk.journal.turns(desk.conversation().head.id)
    last = max(n for n, turn in enumerate(turns) if turn.kind == "response")
    if any(turn.kind == "request" for turn in turns[last:]):
        return 0
    calls = [part for part in json.loads(turns[last].body)["parts"] if part["part_kind"] == "tool-call"]
    return len(calls) - sum(turn.kind == "result" for turn in turns[last:]) if calls[0]["tool_name"] != FINAL else 0


@every_wire
def test_after_a_crash_at_any_place_the_same_requests_are_sent(wire: Wire, tmp_path: Path):
    with Provider(looker) as provider, keys(provider):
        desk = Desk(tmp_path / "whole", provider.openai_url)
        assert seat_of(desk, wire).run() == "4 turns"
        whole = bodies(provider)
        kinds = [turn.kind for turn in desk.journal.turns(desk.conversation().head.id)]
        for cut in range(1, len(kinds) + 1):
            again = cut_after(desk, cut, tmp_path / str(cut))
            before = len(provider.log.requests)
            lost = open_calls(again) if "response" in kinds[:cut] else 0
            assert seat_of(again, wire).run() == "4 turns"
            answered = kinds[:cut].count("response")
            if not lost:
                assert bodies(provider)[before:] == whole[answered:], f"cut after {kinds[:cut]}"
            assert sum(INTERRUPTED in text for text in answers(provider)) == lost
        assert provider.log.refused == []


HANDOVER = files("alphalab_nb.agents.contracts").joinpath("handover.md").read_text(encoding="utf-8").strip()


def counter(request: Request) -> Reply:
    """Play the model: counts to 7 by adding one, whatever was condensed before; asked for a note, it gives one."""
    if request.turns and any(HANDOVER in text for text in request.turns[-1].said):
        return Reply("NOTE: we are counting.", (), "What matters?")
    numbers = [int(given.text) for turn in request.turns for given in turn.answers if given.text.isdigit()]
    at = numbers[-1] if numbers else 0
    if at == 7:
        return Reply("", (Call(FINAL, {"summary": "7"}),), "Enough.")
    return Reply("One more." * 40, (Call("add", {"a": at, "b": 1}), Call("look", {"path": "a.png"})), f"After {at}.")


def turn_kinds(desk: Desk) -> list[str]:
    return [turn.kind for turn in desk.journal.turns(desk.conversation().head.id)]


@every_wire
def test_a_compacted_conversation_goes_on_as_it_was(wire: Wire, tmp_path: Path):
    """Two words of a person stand between the compactions: they are on record as they were sent."""
    def seat(desk: Desk) -> Seat:
        return seat_of(desk, wire, compact_at=6500)

    with Provider(counter, cache=False) as provider, keys(provider):
        desk = Desk(tmp_path / "whole", provider.openai_url)
        words = (Says(2, "Hurry up."), Says(3, "Still there?"))
        assert seat_of(desk, wire, *words, compact_at=6500).run() == "7"
        whole, kinds = bodies(provider), turn_kinds(desk)
        assert kinds.count("compaction") == kinds.count("note") >= 1
        said = kinds.index("compaction")
        for cut in range(said - 3, len(kinds) + 1):
            again, before = cut_after(desk, cut, tmp_path / str(cut)), len(provider.log.requests)
            lost = open_calls(again)
            assert seat(again).run() == "7"
            answered = sum(kind in ("response", "note") for kind in kinds[:cut])
            if not lost:
                assert bodies(provider)[before:] == whole[answered:], f"cut after {kinds[:cut]}"
        assert provider.log.refused == []


@every_wire
def test_an_answer_that_was_known_is_kept_and_one_that_was_not_is_told(wire: Wire, tmp_path: Path):
    """Two calls at once, the process dies after the first answer: neither call runs again."""
    with Provider(looker) as provider, keys(provider):
        desk = Desk(tmp_path / "whole", provider.openai_url)
        assert seat_of(desk, wire).run() == "4 turns"
        again, looked = cut_after(desk, 3, tmp_path / "cut"), []
        assert turn_kinds(again) == ["request", "response", "result"]
        seat = seat_of(again, wire, looked=looked)
        assert seat.run() == "4 turns"
    first = answers(provider)[:2]
    assert [INTERRUPTED in text for text in first].count(True) == 1
    assert any("a.png, 1 x 1" in text or text == "2" for text in first)
    assert len(looked) == 1
    assert [call.name for call in desk.conversation().done] == ["look", "add", "look", "add", "add", "add"]
    assert [call.ok for call in again.conversation().done].count(False) == 1


@every_wire
def test_a_report_that_was_given_is_taken_without_a_request(wire: Wire, tmp_path: Path):
    with Provider(looker) as provider, keys(provider):
        desk = Desk(tmp_path, provider.openai_url)
        assert seat_of(desk, wire).run() == "4 turns"
        provider.stop()
        assert seat_of(desk, wire).run() == "4 turns"
    assert len(provider.log.requests) == 5


@every_wire
def test_an_answer_without_a_call_can_be_the_last_thing_on_record(wire: Wire, tmp_path: Path):
    """Half a sentence was stored, and the process died before the model was told to go on."""
    with Provider(looker, faults=faults.first(1, faults.LENGTH)) as provider, keys(provider):
        desk = Desk(tmp_path / "whole", provider.openai_url)
        assert seat_of(desk, wire).run() == "4 turns"
        again = cut_after(desk, 2, tmp_path / "cut")
        assert turn_kinds(again) == ["request", "response"]
        assert seat_of(again, wire).run() == "4 turns"
    assert provider.log.refused == []
    assert provider.log.requests[-1].turns[0].said == (UNFINISHED,)


@every_wire
def test_what_is_added_to_a_stored_request_is_on_record(wire: Wire, tmp_path: Path):
    """A request is on record but was not answered; when it is sent at last, a person has said something meanwhile."""
    with Provider(looker) as provider, keys(provider):
        desk = Desk(tmp_path / "whole", provider.openai_url)
        assert seat_of(desk, wire).run() == "4 turns"
        late = cut_after(desk, 5, tmp_path / "late")
        assert turn_kinds(late)[-1] == "request"
        assert seat_of(late, wire, Says(1, "Hurry up.")).run() == "4 turns"
        sent, before = bodies(provider)[-3:], len(provider.log.requests)
        again = cut_after(late, 9, tmp_path / "again")
        assert turn_kinds(again)[4:] == ["request", "request", "response", "result", "result"]
        assert seat_of(again, wire).run() == "4 turns"
    assert [turn.said for turn in provider.log.requests[-1].turns].count(("Hurry up.",)) == 1
    assert bodies(provider)[before:][-3:] == sent


def test_an_image_is_stored_once_and_shown_each_time(tmp_path: Path):
    with Provider(looker) as provider, keys(provider):
        desk = Desk(tmp_path, provider.openai_url)
        assert seat_of(desk, "responses").run() == "4 turns"
    assert [given.images for turn in provider.log.requests[-1].turns for given in turn.answers].count(1) == 2
    (stored,) = (tmp_path / "images").iterdir()
    assert stored.read_bytes() == PNG
    assert not any("iVBOR" in turn.body for turn in desk.journal.turns(desk.conversation().head.id))


@every_wire
def test_eighty_long_answers_are_stored_once_each(wire: Wire, tmp_path: Path):
    """The last request holds every message once, so it is the measure: the record may be twice as long."""
    def reader(request: Request) -> Reply:
        if len(request.turns) == 80:
            return Reply("", (Call(FINAL, {"summary": "read"}),))
        return Reply("I read on.", (Call("read", {"path": f"{len(request.turns)}.txt"}),), "Next.")

    def read(path: str) -> str:
        """Read a file."""
        return f"{path} " * (20_000 // (len(path) + 1))

    with Provider(reader, cache=False) as provider, keys(provider):
        desk = Desk(tmp_path, provider.openai_url)
        seat = desk.talk(wire)
        assert seat.with_(tools=[read], capabilities=[Checkpoints(seat.conversation)]).run() == "read"
    size = desk.database.connection().execute("select sum(length(cast(body_json as blob))) from turns").fetchone()[0]
    new = len(bodies(provider)[-1])
    assert new > 80 * 19_000
    assert size <= 2 * new
