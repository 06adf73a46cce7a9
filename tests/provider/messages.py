"""Anthropic's Messages API: strict turns, signed thinking, and a cache of what stands before a breakpoint."""

from __future__ import annotations

import re
from typing import Any, Literal

from tests.provider.protocol import Answer, Call, Usage
from tests.provider.wire import (
    Block,
    Draft,
    Event,
    Json,
    Memory,
    Refusal,
    Talk,
    Thread,
    arguments_of,
    canonical,
    check_tools,
    is_image,
    pieces,
    seal,
    unseal,
)

WIRE: Literal["messages"] = "messages"
_MOST_BREAKPOINTS = 4
_RESERVED = frozenset({"web_search", "web_fetch", "code_execution"})
_CACHEABLE = frozenset({"text", "image", "tool_use", "tool_result", "document"})
_STOP = {"stop": "end_turn", "length": "max_tokens", "refusal": "refusal"}

# -- reading ---------------------------------------------------------------------------------------------


def read(body: Json, memory: Memory) -> Talk:
    """Read a request.

    Raises:
        Refusal: Anthropic would refuse it.
    """
    _check_settings(body)
    tools = [tool.get("name") or tool["type"] for tool in body.get("tools") or []]
    _check_names(body, tools)
    messages = _merged(body)
    _check_roles(messages)
    _check_pairs(messages)
    _check_thinking(body, messages, memory)
    thread = Thread()
    for message in messages:
        for block in message["content"]:
            _take(message["role"], block, thread)
    return thread.talk("\n\n".join(block["text"] for block in _blocks(body.get("system"))), tools)


def _check_settings(body: Json) -> None:
    if not isinstance(body.get("max_tokens"), int) or body["max_tokens"] < 1:
        raise Refusal(400, "max_tokens: Field required")
    thinking = body.get("thinking") or {}
    if thinking.get("budget_tokens", 0) >= body["max_tokens"]:
        raise Refusal(400, "`max_tokens` must be greater than `thinking.budget_tokens`.")
    if _thinks(body) and (body.get("tool_choice") or {}).get("type") in ("any", "tool"):
        raise Refusal(400, "Thinking may not be enabled when tool_choice forces tool use.")
    marks = sum(block.breakpoint for block in blocks(body))
    if marks > _MOST_BREAKPOINTS:
        raise Refusal(400, f"A maximum of {_MOST_BREAKPOINTS} blocks with cache_control may be provided. Found {marks}.")


def _check_names(body: Json, tools: list[str]) -> None:
    check_tools(tools)
    for n, tool in enumerate(body.get("tools") or []):
        if tool.get("type") not in (None, "custom"):
            continue
        if tool["name"] in _RESERVED:
            raise Refusal(400, f"tools.{n}.custom.name: '{tool['name']}' is a reserved tool name.")
        if not re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", tool["name"]):
            raise Refusal(400, f"tools.{n}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")


def _merged(body: Json) -> list[Json]:
    """Return the messages with neighbours of one role combined, as the API combines them."""
    merged: list[Json] = []
    for n, message in enumerate(body.get("messages") or []):
        if message["role"] not in ("user", "assistant"):
            raise Refusal(400, f'messages.{n}: Unexpected role "{message["role"]}". The Messages API accepts a top-level `system`'
                          ' parameter, not "system" as an input message role.')
        content = _blocks(message["content"])
        _check_content(n, content)
        if merged and merged[-1]["role"] == message["role"]:
            merged[-1]["content"] += content
        else:
            merged.append({"role": message["role"], "content": list(content)})
    return merged


def _blocks(content: Any) -> list[Json]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content or [])


def _check_content(n: int, content: list[Json]) -> None:
    if not content:
        raise Refusal(400, f"messages.{n}: all messages must have non-empty content except for the optional final assistant message")
    if any(block["type"] == "text" and not block["text"].strip() for block in content):
        raise Refusal(400, f"messages.{n}: text content blocks must be non-empty")


def _check_roles(messages: list[Json]) -> None:
    if not messages:
        raise Refusal(400, "messages: at least one message is required")
    if messages[0]["role"] != "user":
        raise Refusal(400, "messages.0: the first message must use the \"user\" role")
    if messages[-1]["role"] != "user":
        raise Refusal(400, "This model does not support assistant message prefill. The conversation must end with a user message.")


def _check_pairs(messages: list[Json]) -> None:
    """Refuse calls whose results do not open the next message, and results without a call in the message before."""
    asked: list[str] = []
    for n, message in enumerate(messages):
        leading = [block["type"] == "tool_result" for block in message["content"]]
        given = [block["tool_use_id"] for block in message["content"] if block["type"] == "tool_result"]
        for id in given:
            if id not in asked or given.count(id) > 1:
                raise Refusal(400, f"messages.{n}.content: unexpected `tool_use_id` found in `tool_result` blocks: {id}. Each `tool_result`"
                              " block must have a corresponding `tool_use` block in the previous message.")
        if (missing := [id for id in asked if id not in given]) or leading != sorted(leading, reverse=True):
            raise Refusal(400, f"messages.{n - 1}: `tool_use` ids were found without `tool_result` blocks immediately after:"
                          f" {', '.join(missing or given)}. Each `tool_use` block must have a corresponding `tool_result` block in the next"
                          " message.")
        asked = [block["id"] for block in message["content"] if block["type"] == "tool_use"]


def _check_thinking(body: Json, messages: list[Json], memory: Memory) -> None:
    for n, message in enumerate(messages):
        for i, block in enumerate(message["content"]):
            if block["type"] == "thinking" and (unseal(block.get("signature")) or {}).get("thinking") != block["thinking"]:
                raise Refusal(400, f"messages.{n}.content.{i}: Invalid `signature` in `thinking` block")
    last = next((message["content"] for message in reversed(messages) if message["role"] == "assistant"), [])
    bare = bool(last) and last[0]["type"] not in ("thinking", "redacted_thinking")
    if _thinks(body) and bare and any(block["type"] == "tool_use" and block["id"] in memory.reasoned for block in last):
        raise Refusal(400, f"messages.{len(messages) - 2}.content.0.type: Expected `thinking` or `redacted_thinking`, but found"
                      f" `{last[0]['type']}`. When `thinking` is enabled, a final `assistant` message must start with a thinking block"
                      " (preceeding the lastmost set of `tool_use` and `tool_result` blocks).")


def _thinks(body: Json) -> bool:
    return (body.get("thinking") or {}).get("type") in ("enabled", "adaptive")


def _take(role: str, block: Json, thread: Thread) -> None:
    if block["type"] == "tool_use":
        thread.model("", Call(block["name"], block["input"], block["id"]))
    elif block["type"] == "tool_result":
        content = _blocks(block.get("content"))
        text = "\n".join(part["text"] for part in content if part["type"] == "text")
        thread.answer(Answer(block["tool_use_id"], text, sum(map(is_image, content))))
    elif block["type"] == "text" and role == "assistant":
        thread.model(block["text"])
    elif block["type"] == "text":
        thread.user(block["text"])


def blocks(body: Json) -> list[Block]:
    """Return the prompt in the order the model reads it: tools, system, messages."""
    parts: list[Json] = [*(body.get("tools") or []), *_blocks(body.get("system"))]
    prompt = [Block(canonical(part), bool(part.get("cache_control"))) for part in parts]
    cacheable = [True] * len(prompt)
    for message in body.get("messages") or []:
        for part in _blocks(message["content"]):
            prompt.append(Block(message["role"] + canonical(part), bool(part.get("cache_control"))))
            cacheable.append(part["type"] in _CACHEABLE)
    if body.get("cache_control") and any(cacheable):
        last = max(n for n, can in enumerate(cacheable) if can)
        prompt[last] = prompt[last]._replace(breakpoint=True)
    return prompt


def scope(body: Json) -> str:
    return body["model"]


# -- writing ---------------------------------------------------------------------------------------------


def remember(draft: Draft, memory: Memory) -> None:
    """Keep which calls need the thinking that stands before them."""
    if draft.reply.reasoning and _thinks(draft.body):
        memory.reasoned |= {call.id: draft.key for call in draft.reply.calls}


def whole(draft: Draft) -> Json:
    content = [{key: value for key, value in block.items() if key != "raw"} for block in _content(draft)]
    return {**_message(draft), "content": content, "stop_reason": _stop_reason(draft), "usage": _usage(draft.usage)}


def events(draft: Draft) -> list[Event]:
    """Return the stream of a reply."""
    begun = {**_message(draft), "content": [], "stop_reason": None, "usage": {**_usage(draft.usage), "output_tokens": 1}}
    stream = [_event("message_start", message=begun), _event("ping")]
    for index, block in enumerate(_content(draft)):
        stream += _block_events(index, block)
    delta = {"stop_reason": _stop_reason(draft), "stop_sequence": None}
    return [*stream, _event("message_delta", delta=delta, usage=_usage(draft.usage)), _event("message_stop")]


def _block_events(index: int, block: Json) -> list[Event]:
    empty, deltas = {"thinking": _thinking_deltas, "text": _text_deltas, "tool_use": _call_deltas}[block["type"]](block)
    begun = {key: value for key, value in {**block, **empty}.items() if key != "raw"}
    part: Any = {"text": "text", "tool_use": "call"}.get(block["type"], "")
    return [
        _event("content_block_start", index=index, content_block=begun),
        *(_event("content_block_delta", index=index, delta=delta)._replace(part=part) for delta in deltas),
        _event("content_block_stop", index=index),
    ]


def _thinking_deltas(block: Json) -> tuple[Json, list[Json]]:
    deltas: list[Json] = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(block["thinking"])]
    return {"thinking": "", "signature": ""}, [*deltas, {"type": "signature_delta", "signature": block["signature"]}]


def _text_deltas(block: Json) -> tuple[Json, list[Json]]:
    return {"text": ""}, [{"type": "text_delta", "text": piece} for piece in pieces(block["text"])]


def _call_deltas(block: Json) -> tuple[Json, list[Json]]:
    return {"input": {}}, [{"type": "input_json_delta", "partial_json": piece} for piece in ["", *pieces(block["raw"])]]


def _event(name: str, /, **data: Any) -> Event:
    return Event(name, {"type": name, **data})


def _content(draft: Draft) -> list[Json]:
    reply, content = draft.reply, []
    if reply.reasoning and _thinks(draft.body):
        content.append({"type": "thinking", "thinking": reply.reasoning, "signature": seal({"thinking": reply.reasoning})})
    if reply.text:
        content.append({"type": "text", "text": reply.text})
    return [*content, *map(_tool_use, reply.calls)]


def _tool_use(call: Call) -> Json:
    """`raw` is for the stream alone: a broken JSON text cannot stand in a whole message."""
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": dict(call.args), "raw": arguments_of(call)}


def _stop_reason(draft: Draft) -> str:
    return "tool_use" if draft.reply.calls and draft.reply.finish == "stop" else _STOP[draft.reply.finish]


def _message(draft: Draft) -> Json:
    return {"id": f"msg_{draft.key}", "type": "message", "role": "assistant", "model": draft.body["model"], "stop_sequence": None}


def _usage(usage: Usage | None) -> Json:
    """Return the usage; a missing one is all zeros, for the SDK cannot read a message without it."""
    usage = usage or Usage(0, 0)
    fresh = usage.input - usage.cached - usage.written
    return {"input_tokens": fresh, "cache_read_input_tokens": usage.cached, "cache_creation_input_tokens": usage.written,
            "output_tokens": usage.output}


# -- errors ----------------------------------------------------------------------------------------------

_TYPES = {400: "invalid_request_error", 401: "authentication_error", 404: "not_found_error", 413: "request_too_large",
          429: "rate_limit_error", 529: "overloaded_error"}


def error(refusal: Refusal) -> Json:
    return {"type": "error", "error": {"type": _TYPES.get(refusal.status, "api_error"), "message": refusal.message}}


def error_event(message: str) -> Event:
    return _event("error", error={"type": "overloaded_error", "message": message})


def overflow(tokens: int, window: int) -> Refusal:
    return Refusal(400, f"prompt is too long: {tokens} tokens > {window} maximum")
