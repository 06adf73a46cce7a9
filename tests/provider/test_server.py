"""The loopback provider is understood by the real SDKs and by pydantic-ai, and understands them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import anthropic
import openai
import pytest
from anthropic import AsyncAnthropic
from anthropic.types import RawMessageStreamEvent
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionChunk
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter
from pydantic_ai import Agent, BinaryContent, ToolReturn
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

from tests.provider.conversations import MODEL, PNG, SYSTEM, TASK, adder, anthropic_client, converse, openai_client
from tests.provider.handler import CODECS
from tests.provider.protocol import WIRES, Call, Reply, Request, Turn, Wire
from tests.provider.server import Provider
from tests.provider.wire import Draft

every_wire = pytest.mark.parametrize("wire", WIRES)


def without_ids(turns: tuple[Turn, ...]) -> list[Any]:
    """Return turns as they should look on every wire."""
    return [(turn.text, [replace(call, id="") for call in turn.calls], [replace(given, id="") for given in turn.answers], turn.said)
            for turn in turns]


# -- the SDKs --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@every_wire
def test_a_conversation_of_three_turns_runs_through_the_sdk(wire: Wire, stream: bool):
    with Provider(adder) as provider:
        said = converse(wire, provider, stream=stream)
    assert said[-1].text == "The sum is 7."
    assert [list(turn.calls.values()) for turn in said] == [
        [("look", {"path": "a.png"}), ("add", {"a": 1, "b": 2})], [("add", {"a": 3, "b": 4})], []]
    assert provider.log.refused == []
    assert [usage.cached for usage in provider.log.usages] == [turn.cached for turn in said]
    assert provider.log.whole == [1, 2, 3]
    assert said[0].cached == 0
    assert said[1].cached >= 1024
    assert said[2].cached >= said[1].cached


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_the_brain_sees_the_same_conversation_on_every_wire(stream: bool):
    seen: dict[str, Request] = {}
    for wire in WIRES:
        with Provider(adder) as provider:
            converse(wire, provider, stream=stream)
        seen[wire] = provider.log.requests[-1]
    forms = [(request.system.strip(), request.first, request.tools, without_ids(request.turns)) for request in seen.values()]
    assert forms[0] == forms[1] == forms[2]
    first = seen["chat"].turns[0]
    assert [(given.text, given.images) for given in first.answers] == [("a.png, 1 x 1", 1), ("3", 0)]
    assert [call.id for call in first.calls] == [given.id for given in first.answers]
    assert (forms[0][1], forms[0][2]) == (TASK, ("look", "add"))


EVENTS: dict[str, Any] = {"responses": ResponseStreamEvent, "messages": RawMessageStreamEvent, "chat": ChatCompletionChunk}


@pytest.mark.parametrize("finish", ["stop", "length", "refusal"])
@pytest.mark.parametrize(("path", "codec"), CODECS.items())
def test_every_event_has_the_form_of_the_sdk(path: str, codec: Any, finish: Any):
    """The SDKs read without checking; here each event is checked against their types."""
    adapter = TypeAdapter(EVENTS[codec.WIRE])
    calls = () if finish == "refusal" else (Call("add", {"a": 1, "b": 2}, "call_1"),)
    body = {"model": "m", "thinking": {"type": "adaptive"}, "include": ["reasoning.encrypted_content"], "messages": [], "input": "x",
            "stream_options": {"include_usage": True}}
    with Provider(lambda request: Reply()) as provider:
        usage = provider.usage(codec, body, Reply("text"))
    events = codec.events(Draft(body, Reply("Some text to say.", calls, "thought", finish), usage, "k"))
    for event in events:
        if event.name != "ping" and event.data != "[DONE]":
            adapter.validate_python(event.data)
    assert len(events) > 6


# -- pydantic-ai -----------------------------------------------------------------------------------------


LOCAL: Any = {
    "supports_inline_system_prompts": False, "openai_chat_supports_multiple_system_messages": False,
    "openai_chat_streaming_requires_finish_reason": True,
}


def agents_model(wire: Wire, provider: Provider) -> Model:
    if wire == "messages":
        client = AsyncAnthropic(base_url=provider.anthropic_url, api_key="k", max_retries=0)
        return AnthropicModel(MODEL[wire], provider=AnthropicProvider(anthropic_client=client))
    known = OpenAIProvider(openai_client=AsyncOpenAI(base_url=provider.openai_url, api_key="k", max_retries=0))
    if wire == "responses":
        return OpenAIResponsesModel(MODEL[wire], provider=known)
    return OpenAIChatModel(MODEL[wire], provider=known, profile=LOCAL)


def adding_agent(wire: Wire, provider: Provider) -> Agent[None, str]:
    settings: Any = {"max_tokens": 4000, "framing_announcement": "never"}
    if wire != "chat":
        settings |= {"thinking": "low", "cache": "5m"}
    if wire == "responses":
        settings["openai_store"] = False
    agent = Agent(agents_model(wire, provider), instructions=SYSTEM, model_settings=settings)

    @agent.tool_plain
    def look(path: str) -> ToolReturn:
        return ToolReturn(return_value=[f"{path}, 1 x 1", BinaryContent(PNG, media_type="image/png")])

    @agent.tool_plain
    def add(a: int, b: int) -> int:
        return a + b

    return agent


@every_wire
def test_an_agent_streams_a_conversation_of_three_turns(wire: Wire):
    async def run() -> Any:
        events = 0
        async with adding_agent(wire, provider).iter(TASK) as run:
            async for node in run:
                if Agent.is_model_request_node(node):
                    async with node.stream(run.ctx) as stream:
                        events += len([event async for event in stream])
        assert events > 10
        return run.result

    with Provider(adder) as provider:
        result = asyncio.run(run())
    requests, usages = provider.log.requests, provider.log.usages
    assert result.output == "The sum is 7."
    assert provider.log.refused == []
    assert [given.images for given in requests[-1].turns[0].answers] == [1, 0]
    assert all(request.turns[-1].said == () for request in requests[1:])
    assert result.usage.cache_read_tokens == sum(usage.cached for usage in usages) > 2048
    assert result.usage.cache_write_tokens == sum(usage.written for usage in usages)
    assert (result.usage.input_tokens, result.usage.output_tokens) == (sum(u.input for u in usages), sum(u.output for u in usages))


CARRIED = {"responses": '"encrypted_content"', "messages": '"signature"', "chat": '"reasoning_content"'}


@every_wire
def test_reasoning_is_carried_over(wire: Wire):
    with Provider(adder) as provider:
        adding_agent(wire, provider).run_sync(TASK)
    assert [json.dumps(json.loads(request.body)).count(CARRIED[wire]) for request in provider.log.requests] == [0, 1, 2]


@every_wire
def test_what_a_person_says_on_the_way_is_told_apart(wire: Wire):
    def brain(request: Request) -> Reply:
        return adder(request) if not request.turns else Reply("Understood.")

    async def run() -> str:
        async with adding_agent(wire, provider).iter(TASK) as run:
            async for node in run:
                if Agent.is_call_tools_node(node) and not provider.log.requests[-1].turns:
                    run.enqueue("Hurry up.")
        assert run.result is not None
        return run.result.output

    with Provider(brain) as provider:
        assert asyncio.run(run()) == "Understood."
    assert [said for turn in provider.log.requests[-1].turns for said in turn.said] == ["Hurry up."]
    assert [given.images for given in provider.log.requests[-1].turns[0].answers] == [1, 0]


# -- the server ------------------------------------------------------------------------------------------


def test_models_are_listed_in_each_form():
    with Provider(adder) as provider:
        ours, theirs = openai_client(provider).models, anthropic_client(provider).models
        assert [model.id for model in ours.list()] == [model.id for model in theirs.list()] == list(provider.models)
        assert ours.retrieve("gpt-5.2").owned_by == "loopback"
        assert theirs.retrieve("claude-opus-4-6").display_name == "claude-opus-4-6"
        with pytest.raises(openai.NotFoundError):
            ours.retrieve("gpt-0")
        with pytest.raises(anthropic.NotFoundError):
            theirs.retrieve("claude-0")


def test_models_tell_their_window_where_there_is_one():
    with Provider(adder, window=1500) as bounded, Provider(adder) as unbounded:
        ours = [openai_client(provider).models.retrieve("local-model") for provider in (bounded, unbounded)]
        theirs = [anthropic_client(provider).models.retrieve("claude-opus-4-6") for provider in (bounded, unbounded)]
    assert [getattr(model, "max_model_len", None) for model in ours] == [1500, None]
    assert [model.max_input_tokens for model in theirs] == [1500, None]


@every_wire
def test_the_same_request_gets_the_same_reply(wire: Wire):
    with Provider(adder, cache=False) as provider:
        once, again = converse(wire, provider, turns=1), converse(wire, provider, turns=1)
    assert once == again


@every_wire
def test_a_stopped_server_is_dead_at_once_and_comes_back_at_its_address(wire: Wire):
    with Provider(adder) as provider:
        converse(wire, provider, turns=1)
        provider.stop()
        with pytest.raises((openai.APIConnectionError, anthropic.APIConnectionError)):
            converse(wire, provider)
        provider.start()
        assert converse(wire, provider)[-1].text == "The sum is 7."


@every_wire
def test_a_brain_that_fails_fails_the_test(wire: Wire):
    def brain(request: Request) -> Reply:
        raise LookupError("no tool named look")

    with pytest.raises(LookupError, match="no tool named look"), Provider(brain) as provider:
        with pytest.raises((openai.BadRequestError, anthropic.BadRequestError), match="no tool named look"):
            converse(wire, provider)
