"""What the three wires share: errors, stream events, sealed reasoning, and the turns of a conversation."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, Protocol

from tests.provider.protocol import Answer, Call, Reply, Turn, Usage, Wire

Json = dict[str, Any]

_SECRET = b"loopback provider"
"""Fixed, so that a server that was started again knows what its predecessor gave out."""
_PIECES = 8
_SHORTEST_PIECE = 12


class Refusal(Exception):
    """The server refuses the request: an HTTP status and the provider's words."""

    def __init__(self, status: int, message: str, *, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.param = status, message, code, param


class Event(NamedTuple):
    """One event of a stream."""

    name: str | None
    """Of its `event:` line; the Chat wire has none."""
    data: Any
    part: Literal["", "text", "call"] = ""
    """Which kind of content a delta carries: where faults strike."""


class Block(NamedTuple):
    """A piece of the canonical prompt text, in the order the model reads it."""

    text: str
    breakpoint: bool = False
    """A cache_control stands on it."""


class Talk(NamedTuple):
    """A conversation as it was read from any wire."""

    system: str
    first: str
    tools: tuple[str, ...]
    turns: tuple[Turn, ...]


@dataclass(frozen=True)
class Draft:
    """Everything that a reply on the wire is made of."""

    body: Json
    """Of the request."""
    reply: Reply
    """Its calls have ids."""
    usage: Usage | None
    """None: not reported."""
    key: str
    """Hex digits that all ids are made from; the same request has the same."""


@dataclass
class Memory:
    """What a server remembers of its replies: which item or call was given out after which reasoning."""

    reasoned: dict[str, str] = field(default_factory=dict)


class Codec(Protocol):
    """One wire; the modules responses, messages and chat are its implementations."""

    WIRE: Wire

    def read(self, body: Json, memory: Memory) -> Talk: ...
    def blocks(self, body: Json) -> list[Block]: ...
    def scope(self, body: Json) -> str: ...
    def remember(self, draft: Draft, memory: Memory) -> None: ...
    def events(self, draft: Draft) -> list[Event]: ...
    def whole(self, draft: Draft) -> Json: ...
    def error(self, refusal: Refusal) -> Json: ...
    def error_event(self, message: str) -> Event: ...
    def overflow(self, tokens: int, window: int) -> Refusal: ...


# -- conversations ---------------------------------------------------------------------------------------


class Thread:
    """Collects a conversation in the order of the wire."""

    def __init__(self) -> None:
        self._first: list[str] = []
        self._turns: list[Turn] = []

    def user(self, text: str) -> None:
        if not self._turns:
            self._first.append(text)
        else:
            self._change(said=(*self._turns[-1].said, text))

    def model(self, text: str = "", *calls: Call) -> None:
        """Add to the reply that is being read, or begin the next one."""
        if not self._turns or self._turns[-1].answers or self._turns[-1].said:
            self._turns.append(Turn("", (), ()))
        last = self._turns[-1]
        self._change(text=last.text + text, calls=(*last.calls, *calls))

    def answer(self, answer: Answer) -> None:
        self._change(answers=(*self._turns[-1].answers, answer))

    def picture(self, caption: str) -> None:
        """Add an image of a user message to the answer whose call the caption names, else to the last answer."""
        answers = list(self._turns[-1].answers)
        n = next((n for n, answer in enumerate(answers) if answer.id in caption), len(answers) - 1)
        answers[n] = replace(answers[n], images=answers[n].images + 1)
        self._change(answers=tuple(answers))

    def names_answer(self, caption: str) -> bool:
        return any(answer.id in caption for turn in self._turns[-1:] for answer in turn.answers)

    @property
    def awaits_reply(self) -> bool:
        """Whether answers were the last thing that came."""
        return bool(self._turns) and bool(self._turns[-1].answers) and not self._turns[-1].said

    def talk(self, system: str, tools: Sequence[str]) -> Talk:
        return Talk(system, "\n\n".join(self._first), tuple(tools), tuple(self._turns))

    def _change(self, **changes: Any) -> None:
        self._turns[-1] = replace(self._turns[-1], **changes)


def make_call(name: str, arguments: str, id: str) -> Call:
    """Read a call whose arguments are JSON text."""
    try:
        args = json.loads(arguments or "{}")
    except ValueError:
        args = None
    return Call(name, args, id) if isinstance(args, dict) else Call(name, {}, id, raw=arguments)


def arguments_of(call: Call) -> str:
    return call.raw if call.raw is not None else json.dumps(dict(call.args), ensure_ascii=False)


def check_tools(names: Sequence[str]) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise Refusal(400, f"tools: Tool names must be unique: {twice}", param="tools")


# -- forms -----------------------------------------------------------------------------------------------


def pieces(text: str) -> list[str]:
    """Cut a text into the deltas of a stream: at least two, if it has two characters, and few even when it is long."""
    size = max(min(_SHORTEST_PIECE, (len(text) + 1) // 2), -(-len(text) // _PIECES), 1)
    return [text[n : n + size] for n in range(0, len(text), size)]


def seal(payload: Mapping[str, Any]) -> str:
    """Return a text that only this server can have made."""
    body = base64.urlsafe_b64encode(json.dumps(payload).encode()).decode()
    return f"{body}.{_sign(body)}"


def unseal(text: Any) -> Json | None:
    """Return what was sealed; None if it is not a seal of ours."""
    body, _, signature = str(text).partition(".")
    if not hmac.compare_digest(signature.encode(), _sign(body).encode()):
        return None
    return json.loads(base64.urlsafe_b64decode(body))


def _sign(body: str) -> str:
    return hmac.new(_SECRET, body.encode(), hashlib.sha256).hexdigest()


def canonical(value: Any) -> str:
    """Return the text a value is counted as: without cache marks, an image as about 1.1 K tokens whatever its bytes are."""
    return json.dumps(_plain(value), ensure_ascii=False) + "\n"


_IMAGE_BYTES = 4400
_SILENT = frozenset({"cache_control", "encrypted_content", "signature"})
"""Keys that do not count: marks, and what the providers do not bill when it is re-sent."""


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if is_image(value):
        return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest().ljust(_IMAGE_BYTES, ".")
    return {key: _plain(item) for key, item in value.items() if key not in _SILENT}


def is_image(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") in ("image", "input_image", "image_url")


def output_tokens(reply: Reply) -> int:
    """Return the tokens of a reply, reasoning included."""
    parts = [reply.reasoning, reply.text, *(call.name + arguments_of(call) for call in reply.calls)]
    return max(1, sum(len(part.encode()) for part in parts) // 4)
