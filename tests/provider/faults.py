"""What can go wrong at a provider, as data: a schedule says which request meets which fault.

The rows are those of the measured fault table: each fails in the provider's own form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tests.provider.protocol import Call, Reply, Request
from tests.provider.wire import arguments_of

Kind = Literal[
    "http", "overflow", "late", "stall", "cut", "error_event", "early_end", "refusal", "length", "malformed", "wrong_types",
    "unknown_tool", "empty", "no_usage",
]


@dataclass(frozen=True)
class Fault:
    """What happens to one request."""

    kind: Kind
    status: int = 0
    """Of `http`."""
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    """Of `http` and `error_event`: the message; as HTML when it begins with <."""
    seconds: float = 0.0
    """Of `late` and `stall`: how long nothing comes, unless the client leaves."""
    within: Literal["text", "call"] = "text"
    """Where a stream or a reply breaks off: after some of its text, or inside the arguments of its first call."""


@dataclass(frozen=True)
class Schedule:
    """Faults by the number of the request, from 1; every other request meets `otherwise`."""

    by_number: Mapping[int, Fault] = field(default_factory=dict)
    otherwise: Fault | None = None

    def at(self, number: int) -> Fault | None:
        return self.by_number.get(number, self.otherwise)


def first(times: int, fault: Fault) -> Schedule:
    """Return a schedule in which the first requests meet a fault."""
    return Schedule({n: fault for n in range(1, times + 1)})


def rate_limit(retry_after_s: float | None = 1.0) -> Fault:
    headers = {} if retry_after_s is None else {"retry-after": f"{retry_after_s:g}"}
    return Fault("http", status=429, headers=headers, text="Rate limit reached for requests")


SERVER_ERROR = Fault("http", status=500, text="The server had an error while processing your request")
OVERLOADED = Fault("http", status=529, text="Overloaded")
BAD_GATEWAY = Fault("http", status=502, headers={"content-type": "text/html"}, text="<html><body><h1>502 Bad Gateway</h1></body></html>")
BAD_KEY = Fault("http", status=401, text="Incorrect API key provided")
OVERFLOW = Fault("overflow")
LATE = Fault("late", seconds=6.0)
STALL = Fault("stall", seconds=60.0)
CUT = Fault("cut")
CUT_IN_CALL = Fault("cut", within="call")
ERROR_EVENT = Fault("error_event", text="Overloaded")
EARLY_END = Fault("early_end")
EARLY_END_IN_CALL = Fault("early_end", within="call")
REFUSAL = Fault("refusal")
LENGTH = Fault("length")
LENGTH_IN_CALL = Fault("length", within="call")
MALFORMED = Fault("malformed")
WRONG_TYPES = Fault("wrong_types")
UNKNOWN_TOOL = Fault("unknown_tool")
EMPTY = Fault("empty")
NO_USAGE = Fault("no_usage")


def changed(reply: Reply, fault: Fault | None, request: Request) -> Reply:
    """Return the reply as the fault leaves it; faults of the transport leave it as it is."""
    if fault is None:
        return reply
    if fault.within == "call" or fault.kind in _OF_CALLS:
        _check_call(reply, request)
    if fault.kind == "refusal":
        return replace(reply, text="I can't help with that.", calls=(), finish="refusal")
    if fault.kind == "empty":
        return replace(reply, text="", calls=(), reasoning="")
    if fault.kind == "length":
        return _cut_short(reply, fault)
    change = _OF_CALLS.get(fault.kind)
    return replace(reply, calls=(change(reply.calls[0]), *reply.calls[1:])) if change else reply


def _check_call(reply: Reply, request: Request) -> None:
    if not reply.calls:
        raise AssertionError(f"request {request.number}: a fault of calls needs a reply with a call, not {reply.text!r}")


def _cut_short(reply: Reply, fault: Fault) -> Reply:
    if fault.within == "text":
        text = reply.text or "I will begin with"
        return replace(reply, text=text[: max(1, len(text) // 2)], calls=(), finish="length")
    *before, last = reply.calls
    return replace(reply, calls=(*before, _half(last)), finish="length")


def _half(call: Call) -> Call:
    text = arguments_of(call)
    return replace(call, raw=text[: max(1, len(text) // 2)])


def _malformed(call: Call) -> Call:
    return replace(call, raw="{" + arguments_of(call)[:-1] + ", }")


def _wrong_types(call: Call) -> Call:
    return replace(call, args={name: _wrong(value) for name, value in call.args.items()} or {"unexpected": []})


def _wrong(value: Any) -> Any:
    return {"not": "a text"} if isinstance(value, str) else "not what was asked for"


def _unknown(call: Call) -> Call:
    return replace(call, name="no_such_tool")


_OF_CALLS: Mapping[str, Callable[[Call], Call]] = {"malformed": _malformed, "wrong_types": _wrong_types, "unknown_tool": _unknown}
"""What is done to the first call."""
