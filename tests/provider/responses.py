"""OpenAI's Responses API, stateless: reasoning comes back encrypted and is re-sent in its place."""

from __future__ import annotations

from typing import Any, Literal

from tests.provider.protocol import Answer, Call
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
    output_tokens,
    pieces,
    seal,
    unseal,
)

WIRE: Literal["responses"] = "responses"
_ENCRYPTED = "reasoning.encrypted_content"

# -- reading ---------------------------------------------------------------------------------------------


def read(body: Json, memory: Memory) -> Talk:
    """Read a request.

    Raises:
        Refusal: OpenAI would refuse it.
    """
    _check_stateless(body)
    items = _items(body)
    _check_pairs(items)
    _check_reasoning(items, memory)
    tools = [tool.get("name") or tool["type"] for tool in body.get("tools") or []]
    check_tools(tools)
    thread, system = Thread(), [body.get("instructions") or ""]
    for n, item in enumerate(items):
        if item.get("role") in ("system", "developer") and all(before.get("role") in ("system", "developer") for before in items[:n]):
            system.append(_text(item["content"]))
        else:
            _take(item, thread)
    return thread.talk("\n\n".join(filter(None, system)), tools)


def _check_stateless(body: Json) -> None:
    if body.get("store") is not False:
        raise Refusal(400, "This server keeps nothing: `store` must be false.", param="store")
    if body.get("previous_response_id"):
        raise Refusal(400, f"Previous response with id '{body['previous_response_id']}' not found.", code="previous_response_not_found",
                      param="previous_response_id")


def _items(body: Json) -> list[Json]:
    given = body.get("input")
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    if not given:
        raise Refusal(400, "Missing required parameter: 'input'.", code="missing_required_parameter", param="input")
    return given


def _check_pairs(items: list[Json]) -> None:
    """Refuse calls without a result, results without an earlier call, and either of them twice."""
    open_calls: set[str] = set()
    for item in items:
        id = item.get("call_id", "")
        if item.get("type") == "function_call":
            open_calls.add(id)
        elif item.get("type") == "function_call_output":
            if id not in open_calls:
                raise Refusal(400, f"No tool call found for function call output with call_id {id}.", param="input")
            open_calls.remove(id)
        elif open_calls and item.get("role") == "assistant":
            break
    if open_calls:
        raise Refusal(400, f"No tool output found for function call {min(open_calls)}.", param="input")


def _check_reasoning(items: list[Json], memory: Memory) -> None:
    shown: set[str] = set()
    for n, item in enumerate(items):
        if item.get("type") == "reasoning":
            shown.add(_check_sealed(item, items[n + 1] if n + 1 < len(items) else {}))
        elif (needed := memory.reasoned.get(item.get("id") or "")) and needed not in shown:
            raise Refusal(400, f"Item '{item['id']}' of type '{item['type']}' was provided without its required 'reasoning' item:"
                          f" '{needed}'.", param="input")


def _check_sealed(item: Json, following: Json) -> str:
    """Refuse reasoning that was not given out here, was changed, or lacks what came after it."""
    id, held = item.get("id"), unseal(item.get("encrypted_content"))
    if held is None or id not in (None, held["id"]):
        raise Refusal(400, f"The encrypted content for item {id} could not be verified. Reason: Encrypted content could not be"
                      " decrypted or parsed.", code="invalid_encrypted_content", param="input")
    fits = following.get("role") == "assistant" if held["next"] == "message" else following.get("call_id") == held["next"]
    if held["next"] and not fits:
        raise Refusal(400, f"Item '{held['id']}' of type 'reasoning' was provided without its required following item.", param="input")
    return held["id"]


def _take(item: Json, thread: Thread) -> None:
    kind = item.get("type", "message")
    if kind == "function_call":
        thread.model("", make_call(item["name"], item["arguments"], item["call_id"]))
    elif kind == "function_call_output":
        thread.answer(Answer(item["call_id"], _text(item["output"]), _images(item["output"])))
    elif kind == "message" and item["role"] == "assistant":
        thread.model(_text(item["content"]))
    elif kind == "message":
        for text in _texts(item["content"]):
            thread.user(text)


def _texts(content: Any) -> list[str]:
    return [content] if isinstance(content, str) else [part["text"] for part in content if "text" in part]


def _text(content: Any) -> str:
    return "\n".join(_texts(content))


def _images(content: Any) -> int:
    return 0 if isinstance(content, str) else sum(map(is_image, content))


def blocks(body: Json) -> list[Block]:
    """Return the prompt in the order the model reads it: tools, instructions, items."""
    parts = [*(body.get("tools") or []), body.get("instructions") or "", *_items(body)]
    return [Block(canonical(part)) for part in parts]


def scope(body: Json) -> str:
    return f"{body['model']} {body.get('prompt_cache_key') or ''}"


# -- writing ---------------------------------------------------------------------------------------------


def remember(draft: Draft, memory: Memory) -> None:
    """Keep which items need the reasoning that stands before them."""
    if draft.reply.reasoning:
        memory.reasoned |= {item["id"]: f"rs_{draft.key}" for item in _output(draft) if item["type"] == "function_call"}


def whole(draft: Draft) -> Json:
    status = "incomplete" if draft.reply.finish == "length" else "completed"
    return _response(draft, status, _output(draft))


def events(draft: Draft) -> list[Event]:
    """Return the stream of a reply."""
    begun = _response(draft, "in_progress", [])
    stream = [_event("response.created", response=begun), _event("response.in_progress", response=begun)]
    for index, item in enumerate(_output(draft)):
        stream += _item_events(index, item)
    done = whole(draft)
    stream.append(_event(f"response.{done['status']}", response=done))
    return [event._replace(data={**event.data, "sequence_number": n}) for n, event in enumerate(stream)]


def _item_events(index: int, item: Json) -> list[Event]:
    inner = {"reasoning": _reasoning_events, "message": _message_events, "function_call": _call_events}[item["type"]]
    empty = {"reasoning": {"summary": [], "encrypted_content": ""}, "message": {"content": []}, "function_call": {"arguments": ""}}
    added = {**item, **empty[item["type"]], **({} if item["type"] == "reasoning" else {"status": "in_progress"})}
    at = {"item_id": item["id"], "output_index": index}
    return [
        _event("response.output_item.added", output_index=index, item=added), *inner(item, at),
        _event("response.output_item.done", output_index=index, item=item),
    ]


def _reasoning_events(item: Json, at: Json) -> list[Event]:
    text, at = item["summary"][0]["text"], {**at, "summary_index": 0}
    return [
        _event("response.reasoning_summary_part.added", **at, part={"type": "summary_text", "text": ""}),
        *(_event("response.reasoning_summary_text.delta", **at, delta=piece) for piece in pieces(text)),
        _event("response.reasoning_summary_text.done", **at, text=text),
        _event("response.reasoning_summary_part.done", **at, part=item["summary"][0]),
    ]


def _message_events(item: Json, at: Json) -> list[Event]:
    part, at = item["content"][0], {**at, "content_index": 0}
    field = "refusal" if part["type"] == "refusal" else "text"
    kind, more = ("refusal", {}) if field == "refusal" else ("output_text", {"logprobs": []})
    deltas = [_event(f"response.{kind}.delta", **at, delta=piece, **more)._replace(part="text") for piece in pieces(part[field])]
    return [
        _event("response.content_part.added", **at, part={**part, field: ""}), *deltas,
        _event(f"response.{kind}.done", **at, **{field: part[field]}, **more),
        _event("response.content_part.done", **at, part=part),
    ]


def _call_events(item: Json, at: Json) -> list[Event]:
    deltas = [_event("response.function_call_arguments.delta", **at, delta=piece)._replace(part="call")
              for piece in pieces(item["arguments"])]
    return [*deltas, _event("response.function_call_arguments.done", **at, name=item["name"], arguments=item["arguments"])]


def _event(name: str, /, **data: Any) -> Event:
    return Event(name, {"type": name, **data})


def _output(draft: Draft) -> list[Json]:
    reply, key = draft.reply, draft.key
    items = [_reasoning(draft)] if reply.reasoning else []
    if reply.text:
        part = {"type": "refusal", "refusal": reply.text} if reply.finish == "refusal" else {
            "type": "output_text", "text": reply.text, "annotations": [], "logprobs": []}
        items.append({"id": f"msg_{key}", "type": "message", "role": "assistant", "status": "completed", "content": [part]})
    items += [_call(call, f"fc_{key}{n}") for n, call in enumerate(reply.calls)]
    if reply.finish == "length" and items and items[-1]["type"] != "reasoning":
        items[-1]["status"] = "incomplete"
    return items


def _reasoning(draft: Draft) -> Json:
    reply, id = draft.reply, f"rs_{draft.key}"
    following = "message" if reply.text else reply.calls[0].id if reply.calls else ""
    sealed = seal({"id": id, "next": following}) if _ENCRYPTED in (draft.body.get("include") or []) else None
    return {"id": id, "type": "reasoning", "summary": [{"type": "summary_text", "text": reply.reasoning}], "encrypted_content": sealed}


def _call(call: Call, id: str) -> Json:
    return {"id": id, "type": "function_call", "call_id": call.id, "name": call.name, "arguments": arguments_of(call),
            "status": "completed"}


def _response(draft: Draft, status: str, output: list[Json]) -> Json:
    body, ended = draft.body, status != "in_progress"
    return {
        "id": f"resp_{draft.key}", "object": "response", "created_at": 1_790_000_000, "status": status, "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        "instructions": body.get("instructions"), "model": body["model"], "output": output, "store": False, "metadata": {},
        "parallel_tool_calls": True, "temperature": 1.0, "top_p": 1.0, "tool_choice": body.get("tool_choice", "auto"),
        "tools": [], "usage": _usage(draft) if ended else None,
    }


def _usage(draft: Draft) -> Json | None:
    usage = draft.usage
    if usage is None:
        return None
    thought = output_tokens(draft.reply) - output_tokens(draft.reply.__class__(draft.reply.text, draft.reply.calls))
    return {
        "input_tokens": usage.input, "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": 0},
        "output_tokens": usage.output, "output_tokens_details": {"reasoning_tokens": thought}, "total_tokens": usage.input + usage.output,
    }


# -- errors ----------------------------------------------------------------------------------------------

_TYPES = {401: "invalid_request_error", 429: "rate_limit_error", 500: "server_error", 503: "server_error"}


def error(refusal: Refusal) -> Json:
    kind = _TYPES.get(refusal.status, "invalid_request_error")
    return {"error": {"message": refusal.message, "type": kind, "param": refusal.param, "code": refusal.code}}


def error_event(message: str) -> Event:
    return _event("error", code="server_error", message=message, param=None, sequence_number=0)


def overflow(tokens: int, window: int) -> Refusal:
    return Refusal(400, "Your input exceeds the context window of this model. Please adjust your input and try again.",
                   code="context_length_exceeded", param="input")
