"""Chat Completions as OpenAI-compatible servers (vLLM, llama.cpp, Ollama) speak it, with a strict chat template."""

from __future__ import annotations

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
    make_call,
    pieces,
)

WIRE: Literal["chat"] = "chat"
_FINISH = {"stop": "stop", "length": "length", "refusal": "stop"}

# -- reading ---------------------------------------------------------------------------------------------


def read(body: Json, memory: Memory) -> Talk:
    """Read a request.

    Raises:
        Refusal: a strict server would refuse it.
    """
    messages = body.get("messages") or []
    _check_roles(messages)
    _check_pairs(messages)
    tools = [tool["function"]["name"] for tool in body.get("tools") or []]
    check_tools(tools)
    thread = Thread()
    for message in messages:
        _take(message, thread)
    return thread.talk("\n\n".join(_text(message["content"]) for message in messages if _is_system(message)), tools)


def _is_system(message: Json) -> bool:
    return message["role"] in ("system", "developer")


def _check_roles(messages: list[Json]) -> None:
    rest = messages[1:] if messages and _is_system(messages[0]) else messages
    if any(map(_is_system, rest)):
        raise Refusal(400, "System message must be at the beginning.", param="messages")
    if not rest or rest[0]["role"] != "user":
        raise Refusal(400, "After the optional system message, conversation roles must begin with user.", param="messages")
    if rest[-1]["role"] == "assistant":
        raise Refusal(400, "The conversation must end with a user or a tool message.", param="messages")


def _check_pairs(messages: list[Json]) -> None:
    """Refuse tool messages that do not stand directly after their calls, and calls without them."""
    open_calls: list[str] = []
    for n, message in enumerate([*messages, {"role": "end"}]):
        if message["role"] == "tool":
            if message.get("tool_call_id") not in open_calls:
                raise Refusal(400, "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with"
                              " 'tool_calls'.", param=f"messages.[{n}].role")
            open_calls.remove(message["tool_call_id"])
        elif open_calls:
            raise Refusal(400, "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'."
                          f" The following tool_call_ids did not have response messages: {', '.join(open_calls)}", param="messages")
        else:
            open_calls = [call["id"] for call in message.get("tool_calls") or []]


def _take(message: Json, thread: Thread) -> None:
    content = message.get("content")
    if message["role"] == "assistant":
        calls = [make_call(call["function"]["name"], call["function"]["arguments"], call["id"]) for call in message.get("tool_calls") or []]
        thread.model(_text(content), *calls)
    elif message["role"] == "tool":
        thread.answer(Answer(message["tool_call_id"], _text(content), _images(content)))
    elif _images(content) and (thread.awaits_reply or any(map(thread.names_answer, _texts(content)))):
        _take_pictures(content, thread)
    elif message["role"] == "user":
        for text in _texts(content):
            thread.user(text)


def _take_pictures(content: list[Json], thread: Thread) -> None:
    """Give the images of a user message to the answers that the texts before them name; other texts are the user's."""
    caption, said = "", []
    for part in content:
        if is_image(part):
            thread.picture(caption)
        elif thread.names_answer(part["text"]):
            caption = part["text"]
        elif not part["text"].startswith("</"):
            said.append(part["text"])
    for text in said:
        thread.user(text)


def _texts(content: Any) -> list[str]:
    return [content] if isinstance(content, str) else [part["text"] for part in content or [] if part["type"] == "text"]


def _text(content: Any) -> str:
    return "\n".join(_texts(content))


def _images(content: Any) -> int:
    return sum(map(is_image, content)) if isinstance(content, list) else 0


def blocks(body: Json) -> list[Block]:
    """Return the prompt in the order most templates render it: tools, messages."""
    return [Block(canonical(part)) for part in [*(body.get("tools") or []), *(body.get("messages") or [])]]


def scope(body: Json) -> str:
    return body["model"]


# -- writing ---------------------------------------------------------------------------------------------


def remember(draft: Draft, memory: Memory) -> None:
    """Nothing: this wire has no reasoning that must come back."""


def whole(draft: Draft) -> Json:
    reply = draft.reply
    message: Json = {"role": "assistant", "content": reply.text or None, "refusal": None}
    if reply.finish == "refusal":
        message |= {"content": None, "refusal": reply.text}
    if reply.reasoning:
        message["reasoning_content"] = reply.reasoning
    if reply.calls:
        message["tool_calls"] = [_call(call) for call in reply.calls]
    choice = {"index": 0, "message": message, "finish_reason": _finish(draft), "logprobs": None}
    return {**_head(draft, "chat.completion"), "choices": [choice], "usage": _usage(draft.usage)}


def events(draft: Draft) -> list[Event]:
    """Return the stream of a reply; usage comes only where it was asked for."""
    reply = draft.reply
    field = "refusal" if reply.finish == "refusal" else "content"
    stream = [_chunk(draft, {"role": "assistant", "content": ""})]
    stream += [_chunk(draft, {"reasoning_content": piece}) for piece in pieces(reply.reasoning)]
    stream += [_chunk(draft, {field: piece})._replace(part="text") for piece in pieces(reply.text)]
    for index, call in enumerate(reply.calls):
        stream += _call_chunks(draft, index, call)
    stream.append(_chunk(draft, {}, _finish(draft)))
    if (draft.body.get("stream_options") or {}).get("include_usage") and draft.usage:
        stream.append(Event(None, {**_head(draft, "chat.completion.chunk"), "choices": [], "usage": _usage(draft.usage)}))
    return [*stream, Event(None, "[DONE]")]


def _call_chunks(draft: Draft, index: int, call: Call) -> list[Event]:
    begun = {**_call(call), "index": index, "function": {"name": call.name, "arguments": ""}}
    deltas = [{"index": index, "function": {"arguments": piece}} for piece in pieces(arguments_of(call))]
    return [_chunk(draft, {"tool_calls": [begun]}), *(_chunk(draft, {"tool_calls": [delta]})._replace(part="call") for delta in deltas)]


def _chunk(draft: Draft, delta: Json, finish: str | None = None) -> Event:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
    return Event(None, {**_head(draft, "chat.completion.chunk"), "choices": [choice]})


def _call(call: Call) -> Json:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments_of(call)}}


def _finish(draft: Draft) -> str:
    return "tool_calls" if draft.reply.calls and draft.reply.finish == "stop" else _FINISH[draft.reply.finish]


def _head(draft: Draft, kind: str) -> Json:
    return {"id": f"chatcmpl-{draft.key}", "object": kind, "created": 1_790_000_000, "model": draft.body["model"]}


def _usage(usage: Usage | None) -> Json | None:
    if usage is None:
        return None
    return {"prompt_tokens": usage.input, "completion_tokens": usage.output, "total_tokens": usage.input + usage.output,
            "prompt_tokens_details": {"cached_tokens": usage.cached}}


# -- errors ----------------------------------------------------------------------------------------------


def error(refusal: Refusal) -> Json:
    code = refusal.code or refusal.status
    return {"error": {"message": refusal.message, "type": "BadRequestError", "param": refusal.param, "code": code}}


def error_event(message: str) -> Event:
    return Event(None, {"error": {"message": message, "type": "InternalServerError", "param": None, "code": 500}})


def overflow(tokens: int, window: int) -> Refusal:
    return Refusal(400, f"This model's maximum context length is {window} tokens. However, your messages resulted in {tokens} tokens."
                   " Please reduce the length of the messages.", code="context_length_exceeded", param="messages")
