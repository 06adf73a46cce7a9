"""One conversation on record: every message once, so that it can be taken up after a crash and read by people.

Stored without what repeats: the instructions stand once per conversation, an image is a file named by its hash, and a tool result
that was stored when its call ended is only named by the request that carries it. What is loaded is, byte for byte on
the wire, what was sent.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic_ai import messages as m
from pydantic_ai.messages import ModelMessagesTypeAdapter

from alphalab_nb.llm.images import Images
from alphalab_nb.storage.journal import Head, Journal, Turn
from alphalab_nb.storage.ledger import Charge

INTERRUPTED = (
    "interrupted: the process was stopped while this call ran, and nothing of its answer is known. The kernel is new: variables"
    " are gone, files are not. Look at what it left before you repeat it."
)

UNFINISHED = "The process was stopped after your last message. Go on where you were; the conversation ends with a call of report_to_user."

Answer = m.ToolReturnPart | m.RetryPromptPart


@dataclass(frozen=True)
class Done:
    """A tool call that was answered."""

    name: str
    args: dict[str, Any]
    ok: bool
    content: Any


class Conversation:
    """The record of one conversation; `history` are the messages to go on from."""

    def __init__(self, journal: Journal, head: Head, images: Path) -> None:
        self._journal, self.head, self._images = journal, head, Images(images)
        self._results: dict[str, tuple[int, Answer]] = {}
        self._instructions = head.instructions
        stored, whole = self._load()
        self.done = answered(whole)
        """Every answered tool call of the whole conversation so far, also of what was condensed since."""
        self._known, self._parts = len(stored), _parts_of(stored)
        """How many messages of the present view are on record, and how many parts of the last one, if it is a request."""
        self.history = self._with_open_calls_answered(stored)

    @property
    def requests(self) -> int:
        """Responses that are on record, notes included."""
        return len(self._journal.turns(self.head.id, "response", "note"))

    # -- writing -----------------------------------------------------------------------------------------

    def sync(self, messages: Sequence[m.ModelMessage]) -> None:
        """Store the requests that are new, before they are sent, and what has been added to one that is on record."""
        messages = merged(messages)
        last = messages[self._known - 1] if 0 < self._known <= len(messages) else None
        if isinstance(last, m.ModelRequest) and last.parts[self._parts :]:
            self._request(replace(last, parts=last.parts[self._parts :]))
        for message in messages[self._known :]:
            if isinstance(message, m.ModelRequest):
                self._request(message)
        self._known, self._parts = len(messages), _parts_of(messages)

    def _request(self, message: m.ModelRequest) -> None:
        self._keep_instructions(message)
        self._journal.add(self.head.id, "request", self._packed_request(message))

    def respond(self, response: m.ModelResponse, charge: Charge) -> None:
        """Store a response together with what it is charged to."""
        self._journal.add(self.head.id, "response", self._dump(response), charge)
        self._known += 1

    def note(self, response: m.ModelResponse, charge: Charge) -> None:
        """Store the hand-over note of a compaction."""
        self._journal.add(self.head.id, "note", self._dump(response), charge)

    def unused_note(self) -> str | None:
        """Return a note that was paid for and not used yet: the process died between the two."""
        turns = self._journal.turns(self.head.id, "note", "compaction")
        return self._read(turns[-1].body).text if turns and turns[-1].kind == "note" else None  # type: ignore[union-attr]

    def result(self, part: Answer) -> None:
        """Store the answer of one tool call as soon as it is known."""
        if part.tool_call_id not in self._results:
            id = self._journal.add(self.head.id, "result", self._dump(m.ModelRequest(parts=[part])))
            self._results[part.tool_call_id] = (id, part)

    def compact(self, first: m.ModelRequest, kept: Sequence[m.ModelMessage]) -> None:
        """Store that from here on the conversation consists of `first` and the `kept` last messages of it."""
        view = merged([first, *kept])
        body = {"first": json.loads(self._dump(first)), "kept": len(view) - 1}
        self._journal.add(self.head.id, "compaction", json.dumps(body))
        self._known, self._parts = len(view), _parts_of(view)

    def end(self) -> None:
        self._journal.end(self.head.id)

    # -- reading -----------------------------------------------------------------------------------------

    def _load(self) -> tuple[list[m.ModelMessage], list[m.ModelMessage]]:
        """Rebuild the messages that are on record: those to go on from, and all that there were."""
        messages: list[m.ModelMessage] = []
        whole: list[m.ModelMessage] = []
        for turn in self._turns():
            if turn.kind == "compaction":
                messages = self._compacted(turn, merged(messages))
            elif (message := self._message(turn)) is not None:
                messages.append(message)
                whole.append(message)
        return merged(messages), whole

    def _turns(self) -> list[Turn]:
        turns = self._journal.turns(self.head.id)
        for turn in turns:
            if turn.kind == "result":
                part: Any = self._read(turn.body).parts[0]
                self._results[part.tool_call_id] = (turn.id, part)
        return turns

    def _message(self, turn: Turn) -> m.ModelMessage | None:
        if turn.kind == "request":
            return self._unpacked_request(turn.body)
        return self._read(turn.body) if turn.kind == "response" else None

    def _compacted(self, turn: Turn, messages: list[m.ModelMessage]) -> list[m.ModelMessage]:
        body = json.loads(turn.body)
        first = self._with_instructions(self._read(json.dumps(body["first"])))
        return [first, *messages[len(messages) - body["kept"] :]]

    def _with_open_calls_answered(self, messages: list[m.ModelMessage]) -> list[m.ModelMessage]:
        """Answer the open calls of the last response by what is on record, or by INTERRUPTED; one without calls is told to go on."""
        last = messages[-1] if messages else None
        if not isinstance(last, m.ModelResponse):
            return messages
        calls = [part for part in last.parts if isinstance(part, m.ToolCallPart)]
        if not any(call.tool_call_id in self._results for call in calls) and any(is_final(call) for call in calls):
            return messages  # the report was being taken; pydantic-ai takes it again, which needs no request
        parts: list[m.ModelRequestPart] = [] if calls else [m.UserPromptPart(UNFINISHED)]
        parts += [self._results[call.tool_call_id][1] if call.tool_call_id in self._results else interrupted(call) for call in calls]
        return [*messages, self._with_instructions(m.ModelRequest(parts=parts))]

    # -- form --------------------------------------------------------------------------------------------

    def _keep_instructions(self, message: m.ModelRequest) -> None:
        if message.instructions and not self._instructions:
            self._instructions = message.instructions
            self._journal.set_instructions(self.head.id, message.instructions)

    def _packed_request(self, message: m.ModelRequest) -> str:
        """Return a request with the answers that are on record named by their turn."""
        named = [self._results[_call_of(part)][0] if _call_of(part) in self._results else None for part in message.parts]
        fresh = replace(message, parts=[part for part, name in zip(message.parts, named, strict=True) if name is None])
        return json.dumps({"stored": named, "message": json.loads(self._dump(fresh))})

    def _unpacked_request(self, body: str) -> m.ModelMessage:
        held = json.loads(body)
        by_id = {id: part for id, part in self._results.values()}
        fresh: Any = self._read(json.dumps(held["message"]))
        rest = iter(fresh.parts)
        parts = [by_id[name] if name is not None else next(rest) for name in held["stored"]]
        return self._with_instructions(replace(fresh, parts=parts))

    def _with_instructions(self, message: Any) -> Any:
        return replace(message, instructions=self._instructions or None)

    def _dump(self, message: m.ModelMessage) -> str:
        bare = replace(message, instructions=None) if isinstance(message, m.ModelRequest) else message
        (held,) = json.loads(ModelMessagesTypeAdapter.dump_json([bare]))
        return json.dumps(self._images.without(held), ensure_ascii=False)

    def _read(self, body: str) -> Any:
        (message,) = ModelMessagesTypeAdapter.validate_python([self._images.with_(json.loads(body))])
        return message


FINAL = "report_to_user"
"""The tool that ends every conversation."""


def is_final(call: m.ToolCallPart) -> bool:
    return call.tool_name == FINAL


def merged(messages: Sequence[m.ModelMessage]) -> list[m.ModelMessage]:
    """Return messages with neighbouring requests as one: so they are sent, and so they are counted here."""
    joined: list[m.ModelMessage] = []
    for message in messages:
        before = joined[-1] if joined else None
        if isinstance(message, m.ModelRequest) and isinstance(before, m.ModelRequest):
            joined[-1] = replace(before, parts=[*before.parts, *message.parts])
        else:
            joined.append(message)
    return joined


def _parts_of(messages: Sequence[m.ModelMessage]) -> int:
    return len(messages[-1].parts) if messages and isinstance(messages[-1], m.ModelRequest) else 0


def interrupted(call: m.ToolCallPart) -> m.ToolReturnPart:
    """Return the answer of a call that a crash cut off."""
    return m.ToolReturnPart(call.tool_name, INTERRUPTED, tool_call_id=call.tool_call_id, outcome="failed")


def answered(messages: Sequence[m.ModelMessage]) -> list[Done]:
    """Return the tool calls of messages with their answers, in order."""
    calls = {p.tool_call_id: p for message in messages if isinstance(message, m.ModelResponse) for p in message.parts
             if isinstance(p, m.ToolCallPart)}
    parts = [p for message in messages if isinstance(message, m.ModelRequest) for p in message.parts
             if isinstance(p, m.ToolReturnPart | m.RetryPromptPart) and p.tool_call_id in calls]
    return [Done(calls[p.tool_call_id].tool_name, _args(calls[p.tool_call_id]), _succeeded(p), p.content) for p in parts]


def _args(call: m.ToolCallPart) -> dict[str, Any]:
    try:
        return call.args_as_dict()
    except ValueError:
        return {}


def _succeeded(part: Answer) -> bool:
    return isinstance(part, m.ToolReturnPart) and part.outcome == "success"


def _call_of(part: m.ModelRequestPart) -> str:
    """Return the id of the call that a part answers; empty if it answers none."""
    return part.tool_call_id if isinstance(part, m.ToolReturnPart | m.RetryPromptPart) else ""
