"""The same three-turn conversation with the real SDK of each wire: parallel calls, an image, reasoning carried over."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

from anthropic import Anthropic
from openai import OpenAI

from tests.provider.protocol import Call, Reply, Request, Wire
from tests.provider.server import Provider

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/VscvDQAAAABJRU5ErkJggg==")
_DATA = base64.b64encode(PNG).decode()
SYSTEM = "You add numbers and look at pictures. " * 200
"""Longer than the shortest prefix that is cached."""
TASK = "Look at a.png, and add 1, 2 and 4."
MODEL: Mapping[Wire, str] = {"responses": "gpt-5.2", "messages": "claude-opus-4-6", "chat": "local-model"}
_LOOK = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
_ADD = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a", "b"]}
SCHEMAS = {"look": _LOOK, "add": _ADD}


def adder(request: Request) -> Reply:
    """Play the model: two calls at once, then one that needs the answer of the first, then the sum."""
    if not request.turns:
        return Reply("I look and add.", (Call("look", {"path": "a.png"}), Call("add", {"a": 1, "b": 2})), "Both at once.")
    last = request.turns[-1].answers[-1].text
    if len(request.turns) == 1:
        return Reply("", (Call("add", {"a": int(last), "b": 4}),), "Now the last one.")
    return Reply(f"The sum is {last}.")


class Said(NamedTuple):
    """What an SDK made of a reply."""

    text: str
    calls: dict[str, tuple[str, dict[str, Any]]]
    """Name and arguments by id."""
    cached: int
    """Tokens."""
    history: list[Any]
    """What has to be sent back."""


class Answered(NamedTuple):
    """An answer of a tool."""

    text: str
    image: bool = False


def answer(name: str, args: Mapping[str, Any]) -> Answered:
    return Answered("a.png, 1 x 1", image=True) if name == "look" else Answered(str(args["a"] + args["b"]))


def converse(wire: Wire, provider: Provider, *, stream: bool = True, turns: int = 3) -> list[Said]:
    """Talk until the model makes no call, or for so many replies."""
    ask, back = SPEAKERS[wire]
    history, said = [{"role": "user", "content": TASK}], []
    while len(said) < turns:
        said.append(ask(provider, history, stream))
        history = [*history, *said[-1].history, *back({id: answer(*call) for id, call in said[-1].calls.items()})]
        if not said[-1].calls:
            break
    return said


# -- Responses -------------------------------------------------------------------------------------------


@cache
def _openai() -> OpenAI:
    """One for all, because making one takes 50 ms."""
    return OpenAI(api_key="k", base_url="http://127.0.0.1:9", max_retries=0)


@cache
def _anthropic() -> Anthropic:
    return Anthropic(api_key="k", base_url="http://127.0.0.1:9", max_retries=0)


def openai_client(provider: Provider, **settings: Any) -> OpenAI:
    return _openai().with_options(base_url=provider.openai_url, **settings)


def anthropic_client(provider: Provider, **settings: Any) -> Anthropic:
    return _anthropic().with_options(base_url=provider.anthropic_url, **settings)


def _ask_responses(provider: Provider, history: list[Any], stream: bool) -> Said:
    tools: Any = [{"type": "function", "name": name, "parameters": schema, "strict": False} for name, schema in SCHEMAS.items()]
    reply = openai_client(provider).responses.create(
        model=MODEL["responses"], instructions=SYSTEM, input=history, tools=tools, store=False, stream=stream,
        include=["reasoning.encrypted_content"],
    )
    whole: Any = list(reply)[-1].response if stream else reply
    calls = {item.call_id: (item.name, json.loads(item.arguments)) for item in whole.output if item.type == "function_call"}
    output = [item.model_dump(exclude_none=True) for item in whole.output]
    return Said(whole.output_text, calls, whole.usage.input_tokens_details.cached_tokens, output)


def _back_responses(answers: Mapping[str, Answered]) -> list[Any]:
    return [{"type": "function_call_output", "call_id": id, "output": _responses_output(given)} for id, given in answers.items()]


def _responses_output(given: Answered) -> Any:
    image = {"type": "input_image", "detail": "auto", "image_url": f"data:image/png;base64,{_DATA}"}
    return [{"type": "input_text", "text": given.text}, image] if given.image else given.text


# -- Messages --------------------------------------------------------------------------------------------


def _ask_messages(provider: Provider, history: list[Any], stream: bool) -> Said:
    settings: Any = {
        "model": MODEL["messages"], "max_tokens": 4000, "messages": history, "thinking": {"type": "adaptive"},
        "system": [{"type": "text", "text": SYSTEM, "cache_control": {"type": "ephemeral"}}],
        "tools": [{"name": name, "input_schema": schema} for name, schema in SCHEMAS.items()],
    }
    client = anthropic_client(provider)
    whole = _streamed(client, settings) if stream else client.messages.create(**settings)
    calls = {block.id: (block.name, block.input) for block in whole.content if block.type == "tool_use"}
    text = "".join(block.text for block in whole.content if block.type == "text")
    content = [block.model_dump(exclude_none=True, exclude={"parsed_output"}) for block in whole.content]
    return Said(text, calls, whole.usage.cache_read_input_tokens, [{"role": "assistant", "content": content}])


def _streamed(client: Anthropic, settings: Any) -> Any:
    with client.messages.stream(**settings) as stream:
        return stream.get_final_message()


def _back_messages(answers: Mapping[str, Answered]) -> list[Any]:
    results = [{"type": "tool_result", "tool_use_id": id, "content": _messages_content(given)} for id, given in answers.items()]
    return [{"role": "user", "content": results}] if results else []


def _messages_content(given: Answered) -> Any:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": _DATA}}
    return [{"type": "text", "text": given.text}, image] if given.image else given.text


# -- Chat ------------------------------------------------------------------------------------------------


def _ask_chat(provider: Provider, history: list[Any], stream: bool) -> Said:
    tools: Any = [{"type": "function", "function": {"name": name, "parameters": schema}} for name, schema in SCHEMAS.items()]
    messages: Any = [{"role": "system", "content": SYSTEM}, *history]
    settings: Any = {"stream_options": {"include_usage": True}} if stream else {}
    completions: Any = openai_client(provider).chat.completions
    reply = completions.create(model=MODEL["chat"], messages=messages, tools=tools, stream=stream, **settings)
    message, usage = _joined(list(reply)) if stream else (reply.choices[0].message.model_dump(exclude_none=True), reply.usage)
    calls = {call["id"]: (call["function"]["name"], json.loads(call["function"]["arguments"])) for call in message.get("tool_calls", [])}
    return Said(message.get("content") or "", calls, usage.prompt_tokens_details.cached_tokens, [message])


def _joined(chunks: list[Any]) -> tuple[dict[str, Any], Any]:
    """Put a message together from the deltas of its chunks."""
    message: dict[str, Any] = {"role": "assistant", "content": ""}
    for delta in [chunk.choices[0].delta for chunk in chunks if chunk.choices]:
        message["content"] += delta.content or ""
        if reasoning := getattr(delta, "reasoning_content", None):
            message["reasoning_content"] = message.get("reasoning_content", "") + reasoning
        for part in delta.tool_calls or []:
            _join_call(message.setdefault("tool_calls", []), part)
    return message, chunks[-1].usage


def _join_call(calls: list[Any], part: Any) -> None:
    if part.index == len(calls):
        calls.append({"id": part.id, "type": "function", "function": {"name": part.function.name, "arguments": ""}})
    calls[part.index]["function"]["arguments"] += part.function.arguments


def _back_chat(answers: Mapping[str, Answered]) -> list[Any]:
    tools = [{"role": "tool", "tool_call_id": id, "content": given.text} for id, given in answers.items()]
    url = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{_DATA}"}}
    pictures = [{"role": "user", "content": [{"type": "text", "text": f"This is the image of {id}:"}, url]}
                for id, given in answers.items() if given.image]
    return [*tools, *pictures]


Ask = Callable[[Provider, list[Any], bool], Said]
Back = Callable[[Mapping[str, Answered]], list[Any]]
SPEAKERS: dict[Wire, tuple[Ask, Back]] = {
    "responses": (_ask_responses, _back_responses), "messages": (_ask_messages, _back_messages), "chat": (_ask_chat, _back_chat),
}
