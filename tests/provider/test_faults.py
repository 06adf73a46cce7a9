"""Each fault of the schedule reaches the real SDKs in the form the providers give it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from tests.provider import faults
from tests.provider.conversations import MODEL, adder, anthropic_client, converse, openai_client
from tests.provider.faults import Fault, Schedule
from tests.provider.protocol import WIRES, Reply, Request, Wire
from tests.provider.server import Provider

every_wire = pytest.mark.parametrize("wire", WIRES)
TEXT = "I look and add."
"""What the model says before its calls."""


@dataclass
class Seen:
    """What of a stream arrived."""

    text: str = ""
    refusal: str = ""
    names: list[str] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)
    """As JSON text, one for each call."""
    end: str | None = None
    """The terminal word of the wire."""
    usage: Any = None


def see(wire: Wire, provider: Provider, *, timeout_s: float = 5.0) -> Seen:
    """Ask once by the SDK and read its stream to the end, whatever the end is."""
    seen = Seen()
    for event in READERS[wire][0](provider, timeout_s):
        READERS[wire][1](event, seen)
    return seen


def _responses(provider: Provider, timeout_s: float) -> Any:
    client = openai_client(provider, timeout=timeout_s)
    yield from client.responses.create(model=MODEL["responses"], input="go", store=False, stream=True)


def _read_responses(event: Any, seen: Seen) -> None:
    if event.type == "response.output_text.delta":
        seen.text += event.delta
    elif event.type == "response.refusal.delta":
        seen.refusal += event.delta
    elif event.type == "response.output_item.added" and event.item.type == "function_call":
        seen.names.append(event.item.name)
        seen.arguments.append("")
    elif event.type == "response.function_call_arguments.delta":
        seen.arguments[-1] += event.delta
    elif event.type in ("response.completed", "response.incomplete"):
        details = event.response.incomplete_details
        seen.end, seen.usage = details.reason if details else event.response.status, event.response.usage
    elif event.type == "error":
        seen.end = event.code


def _messages(provider: Provider, timeout_s: float) -> Any:
    client = anthropic_client(provider, timeout=timeout_s)
    yield from client.messages.create(model=MODEL["messages"], max_tokens=99, messages=[{"role": "user", "content": "go"}], stream=True)


def _read_messages(event: Any, seen: Seen) -> None:
    if event.type == "content_block_start" and event.content_block.type == "tool_use":
        seen.names.append(event.content_block.name)
        seen.arguments.append("")
    elif event.type == "content_block_delta" and event.delta.type == "text_delta":
        seen.text += event.delta.text
    elif event.type == "content_block_delta" and event.delta.type == "input_json_delta":
        seen.arguments[-1] += event.delta.partial_json
    elif event.type == "message_delta":
        seen.end, seen.usage = event.delta.stop_reason, event.usage if event.usage.input_tokens else None


def _chat(provider: Provider, timeout_s: float) -> Any:
    completions = openai_client(provider, timeout=timeout_s).chat.completions
    yield from completions.create(model=MODEL["chat"], messages=[{"role": "user", "content": "go"}], stream=True,
                                  stream_options={"include_usage": True})


def _read_chat(chunk: Any, seen: Seen) -> None:
    seen.usage = chunk.usage or seen.usage
    for choice in chunk.choices:
        seen.text += choice.delta.content or ""
        seen.refusal += choice.delta.refusal or ""
        seen.end = choice.finish_reason or seen.end
        for call in choice.delta.tool_calls or []:
            if call.function.name:
                seen.names.append(call.function.name)
                seen.arguments.append("")
            seen.arguments[-1] += call.function.arguments


Source = Callable[[Provider, float], Any]
READERS: dict[Wire, tuple[Source, Callable[[Any, Seen], None]]] = {
    "responses": (_responses, _read_responses), "messages": (_messages, _read_messages), "chat": (_chat, _read_chat),
}


def struck(wire: Wire, fault: Fault, **settings: Any) -> Seen:
    """Return what the first request sees of a fault; the second must see nothing of it."""
    with Provider(adder, faults=faults.first(1, fault)) as provider:
        try:
            return see(wire, provider, **settings)
        finally:
            sound = see(wire, provider)
            assert (sound.text, sound.names, [json.loads(text) for text in sound.arguments]) == (
                TEXT, ["look", "add"], [{"path": "a.png"}, {"a": 1, "b": 2}])
            assert sound.usage is not None
            assert sound.end == {"responses": "completed", "messages": "tool_use", "chat": "tool_calls"}[wire]
            assert provider.log.whole[-1] == 2
            assert provider.log.refused == []


# -- HTTP ------------------------------------------------------------------------------------------------

STATUS = {
    "429": (faults.rate_limit(7), 429), "500": (faults.SERVER_ERROR, 500), "529": (faults.OVERLOADED, 529),
    "502 as HTML": (faults.BAD_GATEWAY, 502), "401": (faults.BAD_KEY, 401), "overflow": (faults.OVERFLOW, 400),
}


@pytest.mark.parametrize("row", STATUS)
@every_wire
def test_a_status_is_seen_as_such(wire: Wire, row: str):
    fault, status = STATUS[row]
    with pytest.raises((openai.APIStatusError, anthropic.APIStatusError)) as caught:
        struck(wire, fault)
    assert caught.value.status_code == status
    assert caught.value.response.headers.get("retry-after") == ("7" if status == 429 else None)
    assert ("<html>" in caught.value.response.text) == (status == 502)


@every_wire
def test_the_sdk_itself_waits_out_a_short_rate_limit(wire: Wire):
    with Provider(adder, faults=faults.first(2, faults.rate_limit(0.05))) as provider:
        client: Any = anthropic_client(provider, max_retries=2) if wire == "messages" else openai_client(provider, max_retries=2)
        path = {"responses": "/responses", "messages": "/v1/messages", "chat": "/chat/completions"}[wire]
        said = [{"role": "user", "content": "go"}]
        body = {"model": MODEL[wire], "max_tokens": 99, "store": False, "input" if wire == "responses" else "messages": said}
        assert client.post(path, body=body, cast_to=object)["model"] == MODEL[wire]
    assert [request.number for request in provider.log.requests] == [1, 2, 3]


def test_a_schedule_may_meet_every_request():
    with Provider(adder, faults=Schedule(otherwise=faults.SERVER_ERROR)) as provider:
        for _ in range(3):
            with pytest.raises(openai.InternalServerError):
                see("responses", provider)


# -- the transport ---------------------------------------------------------------------------------------


@every_wire
def test_headers_come_late(wire: Wire):
    late = replace(faults.LATE, seconds=0.4)
    with pytest.raises((openai.APITimeoutError, anthropic.APITimeoutError)):
        struck(wire, late, timeout_s=0.2)
    started = time.monotonic()
    assert struck(wire, late).text == TEXT
    assert time.monotonic() - started >= 0.4


@every_wire
def test_a_stream_stalls_until_the_client_gives_up(wire: Wire):
    started = time.monotonic()
    with pytest.raises((openai.APITimeoutError, httpx2.ReadTimeout)):
        struck(wire, faults.STALL, timeout_s=0.3)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("fault", [faults.CUT, faults.CUT_IN_CALL], ids=["in the text", "in a call"])
@every_wire
def test_a_connection_is_cut(wire: Wire, fault: Fault):
    with pytest.raises((openai.APIConnectionError, httpx2.RemoteProtocolError)):
        struck(wire, fault)


@every_wire
def test_an_error_event_comes_in_mid_stream(wire: Wire):
    if wire == "responses":
        assert struck(wire, faults.ERROR_EVENT).end == "server_error"
    else:
        with pytest.raises((openai.APIError, anthropic.APIStatusError), match="Overloaded"):
            struck(wire, faults.ERROR_EVENT)


@every_wire
def test_a_stream_ends_early_but_cleanly(wire: Wire):
    seen = struck(wire, faults.EARLY_END)
    assert TEXT.startswith(seen.text)
    assert 0 < len(seen.text) < len(TEXT)
    assert (seen.end, seen.names, seen.usage) == (None, [], None)


@every_wire
def test_a_stream_ends_early_inside_a_call(wire: Wire):
    seen = struck(wire, faults.EARLY_END_IN_CALL)
    assert (seen.end, seen.names, seen.text) == (None, ["look"], TEXT)
    assert '{"path": "a.png"}'.startswith(seen.arguments[0])
    assert 0 < len(seen.arguments[0]) < len('{"path": "a.png"}')


# -- the model -------------------------------------------------------------------------------------------


@every_wire
def test_the_filter_refuses(wire: Wire):
    seen = struck(wire, faults.REFUSAL)
    assert "can't help" in (seen.text if wire == "messages" else seen.refusal)
    assert seen.end == {"responses": "completed", "messages": "refusal", "chat": "stop"}[wire]


LENGTH = {"responses": "max_output_tokens", "messages": "max_tokens", "chat": "length"}


@every_wire
def test_the_reply_is_too_long(wire: Wire):
    seen = struck(wire, faults.LENGTH)
    assert (seen.text, seen.names, seen.end) == (TEXT[:7], [], LENGTH[wire])


@every_wire
def test_the_reply_is_too_long_inside_a_call(wire: Wire):
    seen = struck(wire, faults.LENGTH_IN_CALL)
    assert (seen.names, seen.end) == (["look", "add"], LENGTH[wire])
    with pytest.raises(ValueError, match="Expecting"):
        json.loads(seen.arguments[-1])


@every_wire
def test_arguments_are_no_json(wire: Wire):
    seen = struck(wire, faults.MALFORMED)
    with pytest.raises(ValueError, match="Expecting"):
        json.loads(seen.arguments[0])
    assert json.loads(seen.arguments[1]) == {"a": 1, "b": 2}


@every_wire
def test_arguments_have_the_wrong_type(wire: Wire):
    assert json.loads(struck(wire, faults.WRONG_TYPES).arguments[0]) == {"path": {"not": "a text"}}


@every_wire
def test_the_tool_does_not_exist(wire: Wire):
    assert struck(wire, faults.UNKNOWN_TOOL).names == ["no_such_tool", "add"]


@every_wire
def test_the_answer_is_empty(wire: Wire):
    seen = struck(wire, faults.EMPTY)
    assert (seen.text, seen.names) == ("", [])
    assert seen.end == {"responses": "completed", "messages": "end_turn", "chat": "stop"}[wire]


@every_wire
def test_usage_is_missing(wire: Wire):
    seen = struck(wire, faults.NO_USAGE)
    assert (seen.text, seen.usage) == (TEXT, None)


@pytest.mark.parametrize("fault", [faults.CUT_IN_CALL, faults.MALFORMED, faults.LENGTH_IN_CALL])
def test_a_fault_of_calls_on_a_reply_without_one_fails_the_test(fault: Fault):
    def brain(request: Request) -> Reply:
        return Reply("no call")

    with pytest.raises(AssertionError, match="call"), Provider(brain, faults=faults.first(1, fault)) as provider:
        with pytest.raises(openai.BadRequestError):
            see("responses", provider)


def test_faults_strike_whole_replies_too():
    for fault in (faults.CUT, faults.EARLY_END, faults.STALL):
        with Provider(adder, faults=faults.first(1, fault)) as provider:
            with pytest.raises((openai.APIConnectionError, openai.APITimeoutError)):
                openai_client(provider, timeout=0.3).responses.create(model="gpt-5.2", input="go", store=False)
            assert converse("responses", provider, stream=False)[-1].text == "The sum is 7."
