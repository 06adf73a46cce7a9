"""What a request and a reply of a language model are on any wire; the loopback server translates to and from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Wire = Literal["responses", "messages", "chat"]
WIRES: tuple[Wire, ...] = ("responses", "messages", "chat")


@dataclass(frozen=True)
class Call:
    """A tool call of the model."""

    name: str
    args: Mapping[str, Any]
    id: str = ""
    """Given by the server when it is empty."""
    raw: str | None = None
    """The arguments as they stand on the wire, where that is not the JSON of an object."""


@dataclass(frozen=True)
class Answer:
    """What the harness sent back for one call."""

    id: str
    text: str
    images: int = 0
    """Images inside the answer (or, on the Chat wire, in the user message that follows it)."""


@dataclass(frozen=True)
class Turn:
    """One earlier reply of the model and what came back for it."""

    text: str
    calls: tuple[Call, ...]
    answers: tuple[Answer, ...]
    said: tuple[str, ...] = ()
    """User messages after it: nudges, notes of people."""


@dataclass(frozen=True)
class Request:
    """One HTTP request, in the same form for every wire."""

    wire: Wire
    model: str
    system: str
    first: str
    """What the user said before the first reply; several messages are joined by blank lines."""
    tools: tuple[str, ...]
    """Names of the tools offered, output tools included, in their order."""
    turns: tuple[Turn, ...]
    body: bytes
    """As it came."""
    headers: Mapping[str, str]
    """Names in lower case."""
    number: int = 0
    """Of this request at this server, from 1."""


@dataclass(frozen=True)
class Usage:
    """Tokens of one response. `cached` and `written` are parts of `input`."""

    input: int
    output: int
    cached: int = 0
    written: int = 0


@dataclass(frozen=True)
class Reply:
    """What the model answers."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    reasoning: str = ""
    """Comes back as an encrypted reasoning item (Responses) or a signed thinking block (Messages)."""
    finish: Literal["stop", "length", "refusal"] = "stop"
    usage: Usage | None = None
    """None: the server counts, with its simulated prefix cache."""


Brain = Callable[[Request], Reply]
"""Plays the model. Pure in the request: a request that is sent again gets the same reply."""


@dataclass
class Log:
    """Every request that came, with the time it came at (time.monotonic) and the usage that was reported for it."""

    requests: list[Request] = field(default_factory=list)
    arrived: list[float] = field(default_factory=list)
    replied: list[float] = field(default_factory=list)
    """When the last byte of the reply was sent; beside `requests`, NaN until then."""
    usages: list[Usage] = field(default_factory=list)
    """Of the replies that were sent whole."""
    whole: list[int] = field(default_factory=list)
    """Numbers of the requests that `usages` belong to."""
    refused: list[str] = field(default_factory=list)
    """What the server said to requests that a real provider would refuse; faults of the schedule are not among them."""
    failures: list[Exception] = field(default_factory=list)
    """What the brain raised."""
