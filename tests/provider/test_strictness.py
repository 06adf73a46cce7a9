"""What a real provider refuses, the loopback provider refuses, with its status and its words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import openai
import pytest

from tests.provider.conversations import adder, anthropic_client, converse, openai_client
from tests.provider.protocol import WIRES, Reply, Request, Wire
from tests.provider.server import Provider

Json = dict[str, Any]
Change = Callable[[Json], Any]
PATHS = {"responses": "/responses", "messages": "/v1/messages", "chat": "/chat/completions"}


def post(wire: Wire, provider: Provider, body: Json, key: str = "k") -> Any:
    """Send a body by the SDK of the wire, as it is."""
    client: Any = anthropic_client(provider, api_key=key) if wire == "messages" else openai_client(provider, api_key=key)
    return client.post(PATHS[wire], body=body, cast_to=object)


def last_body(wire: Wire, provider: Provider) -> Json:
    """Return the last request of a conversation of three turns."""
    converse(wire, provider)
    return json.loads(provider.log.requests[-1].body)


Asked = dict[Wire, tuple[Provider, str]]


@pytest.fixture(scope="module")
def asked() -> Iterator[Asked]:
    """A server for each wire, and the JSON of a request that it accepts."""
    with Provider(adder) as responses, Provider(adder) as messages, Provider(adder) as chat:
        servers: dict[Wire, Provider] = {"responses": responses, "messages": messages, "chat": chat}
        yield {wire: (server, json.dumps({**last_body(wire, server), "stream": False})) for wire, server in servers.items()}


def drop(kind: str, *, last: bool = False) -> Change:
    """Take the first (or last) item or block of a kind out of the conversation, wherever it stands."""

    def change(body: Json) -> None:
        for place in _places(body)[:: -1 if last else 1]:
            for part in place[:: -1 if last else 1]:
                if kind in (part.get("type"), part.get("role")):
                    place.remove(part)
                    return
        raise AssertionError(f"no {kind} in {body}")

    return change


def _places(body: Json) -> list[list[Json]]:
    items = body.get("input") or body["messages"]
    return [items, *(item["content"] for item in items if isinstance(item.get("content"), list))]


def put(**values: Any) -> Change:
    return lambda body: body.update(values)


def insert(at: int, message: Json) -> Change:
    return lambda body: (body.get("input") or body["messages"]).insert(at, message)


def part(body: Json, kind: str) -> Json:
    return next(part for place in _places(body) for part in place if part.get("type") == kind)


def change_part(kind: str, **values: Any) -> Change:
    return lambda body: part(body, kind).update(values)


def mark_everything(body: Json) -> None:
    for block in [*body["tools"], *body["messages"][2]["content"]]:
        block["cache_control"] = {"type": "ephemeral"}


def results_later(body: Json) -> None:
    """Put an assistant message between calls and their results."""
    at = next(n for n, message in enumerate(body["messages"]) if message["role"] == "tool")
    body["messages"].insert(at, {"role": "user", "content": "wait"})


def text_before_results(body: Json) -> None:
    body["messages"][2]["content"].insert(0, {"type": "text", "text": "here they are"})


RULES: list[tuple[Wire, str, Change, str]] = [
    ("responses", "stored", put(store=True), "store"),
    ("responses", "previous response", put(previous_response_id="resp_1"), "Previous response"),
    ("responses", "no input", put(input=[]), "Missing required parameter"),
    ("responses", "call without result", drop("function_call_output"), "No tool output found for function call"),
    ("responses", "last call without result", drop("function_call_output", last=True), "No tool output found for function call"),
    ("responses", "result without call", drop("function_call"), "No tool call found for function call output"),
    ("responses", "reasoning without what follows", drop("message"), "without its required following item"),
    ("responses", "call without its reasoning", drop("reasoning"), "without its required 'reasoning' item"),
    ("responses", "reasoning of another server", change_part("reasoning", encrypted_content="gAAA.x"), "could not be verified"),
    ("responses", "reasoning under another id", change_part("reasoning", id="rs_other"), "could not be verified"),
    ("responses", "two tools of a name", lambda body: body["tools"].append(body["tools"][0]), "unique"),
    ("messages", "no max_tokens", lambda body: body.pop("max_tokens"), "max_tokens: Field required"),
    ("messages", "thinking longer than the reply", put(thinking={"type": "enabled", "budget_tokens": 4000}), "budget_tokens"),
    ("messages", "forced call with thinking", put(tool_choice={"type": "any"}), "forces tool use"),
    ("messages", "call without result", drop("tool_result"), "without `tool_result` blocks immediately after"),
    ("messages", "last call without result", drop("tool_result", last=True), "non-empty content"),
    ("messages", "result without call", drop("tool_use"), "unexpected `tool_use_id`"),
    ("messages", "text before results", text_before_results, "immediately after"),
    ("messages", "changed thinking", change_part("thinking", thinking="Another thought."), "Invalid `signature`"),
    ("messages", "last thinking left out", drop("thinking", last=True), "must start with a thinking block"),
    ("messages", "five breakpoints", mark_everything, "A maximum of 4 blocks"),
    ("messages", "our own web_search", lambda body: body["tools"][0].update(name="web_search"), "reserved"),
    ("messages", "tool name with a blank", lambda body: body["tools"][0].update(name="look at"), "should match pattern"),
    ("messages", "assistant first", lambda body: body["messages"].pop(0), "first message must"),
    ("messages", "assistant last", lambda body: body["messages"].pop(), "must end with a user message"),
    ("messages", "system among the messages", insert(1, {"role": "system", "content": "be brief"}), "Unexpected role"),
    ("messages", "empty text", insert(5, {"role": "user", "content": ""}), "must be non-empty"),
    ("messages", "no messages", put(messages=[]), "at least one message"),
    ("messages", "a message without a role", lambda body: body["messages"][0].pop("role"), "not of the expected form"),
    ("chat", "system in the middle", insert(2, {"role": "system", "content": "be brief"}), "must be at the beginning"),
    ("chat", "assistant first", lambda body: body["messages"].pop(1), "must begin with user"),
    ("chat", "assistant last", insert(99, {"role": "assistant", "content": "so"}), "must end with a user or a tool"),
    ("chat", "call without result", drop("tool"), "did not have response messages"),
    ("chat", "last call without result", drop("tool", last=True), "did not have response messages|must end with"),
    ("chat", "result without call", lambda body: body["messages"][2]["tool_calls"].pop(), "must be a response to a preceeding message"),
    ("chat", "result not directly after its call", results_later, "did not have response messages"),
]


@pytest.mark.parametrize(("wire", "change", "words"), [(wire, change, words) for wire, _, change, words in RULES],
                         ids=[f"{wire}: {rule}" for wire, rule, _, _ in RULES])
def test_what_a_real_provider_refuses_is_refused(asked: Asked, wire: Wire, change: Change, words: str):
    provider, text = asked[wire]
    before, body = len(provider.log.refused), json.loads(text)
    change(body)
    with pytest.raises((openai.BadRequestError, anthropic.BadRequestError), match=words):
        post(wire, provider, body)
    assert len(provider.log.refused) == before + 1
    post(wire, provider, json.loads(text))
    assert len(provider.log.refused) == before + 1


@pytest.mark.parametrize("wire", WIRES)
def test_keys_and_models_are_checked(wire: Wire):
    with Provider(adder) as provider:
        body = last_body(wire, provider)
        with pytest.raises((openai.AuthenticationError, anthropic.AuthenticationError)):
            post(wire, provider, body, key="bad-key")
        with pytest.raises((openai.NotFoundError, anthropic.NotFoundError), match="gpt-0"):
            post(wire, provider, {**body, "model": "gpt-0"})


OVERFLOWS = {"responses": "exceeds the context window", "messages": "prompt is too long: \\d+ tokens > 1500 maximum",
             "chat": "maximum context length is 1500 tokens"}


@pytest.mark.parametrize("wire", WIRES)
def test_a_prompt_longer_than_the_window_is_refused_in_the_providers_words(wire: Wire):
    def brain(request: Request) -> Reply:
        return Reply("short")

    with Provider(brain, window=1500) as provider:
        with pytest.raises((openai.BadRequestError, anthropic.BadRequestError), match=OVERFLOWS[wire]):
            converse(wire, provider)


@pytest.mark.parametrize("wire", WIRES)
def test_reasoning_of_the_server_before_a_restart_is_accepted(wire: Wire):
    with Provider(adder) as before:
        body = {**last_body(wire, before), "stream": False}
    with Provider(adder) as after:
        post(wire, after, body)
    assert after.log.refused == []
