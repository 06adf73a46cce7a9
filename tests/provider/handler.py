"""One connection of the loopback provider: HTTP in, JSON or server-sent events out, and faults of the transport."""

from __future__ import annotations

import json
import select
import socket
import time
from collections.abc import Mapping
from functools import partial
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.provider import chat, messages, responses
from tests.provider.faults import Fault
from tests.provider.wire import Codec, Draft, Event, Json, Refusal

if TYPE_CHECKING:
    from tests.provider.server import Provider

CODECS: Mapping[str, Codec] = {"/v1/responses": responses, "/v1/messages": messages, "/v1/chat/completions": chat}
"""The wires by their path."""
_GLANCE_S = 0.05
"""How often a silent server looks whether its client is still there."""


class Ending(NamedTuple):
    """What is sent of a stream, and what happens then."""

    events: list[Event]
    whole: bool = True
    """Every event was sent."""
    silent_s: float = 0.0
    cut: bool = False


class Handler(BaseHTTPRequestHandler):
    """Serves the requests of one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def _provider(self) -> Provider:
        return self.server.provider  # type: ignore[attr-defined]

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the log of the provider holds what came."""

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            self.close_connection = True

    # -- requests ----------------------------------------------------------------------------------------

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].rstrip("/")
        codec = messages if "anthropic-version" in self.headers else responses
        try:
            self._provider.admit(self._key(), codec)
            self._send_json(200, self._models(codec, path))
        except Refusal as refusal:
            self._send_json(refusal.status, codec.error(refusal))

    def _models(self, codec: Codec, path: str) -> Json:
        if path == "/v1/models":
            listed = [_model(codec, name, self._provider.window) for name in self._provider.models]
            return {"object": "list", "data": listed, "has_more": False, "first_id": None, "last_id": None}
        base, _, name = path.rpartition("/")
        if base != "/v1/models":
            raise Refusal(404, f"Unknown request URL: GET {path}")
        self._provider.check_model(codec, name)
        return _model(codec, name, self._provider.window)

    def do_POST(self) -> None:
        arrived = time.monotonic()
        raw = self.rfile.read(int(self.headers.get("content-length", 0)))
        path = self.path.partition("?")[0]
        codec = CODECS.get(path)
        if codec is None:
            self._send_json(404, responses.error(Refusal(404, f"Unknown request URL: POST {path}")))
            return
        try:
            self._provider.admit(self._key(), codec)
            self._serve(codec, raw, arrived)
        except Refusal as refusal:
            self._send_json(refusal.status, codec.error(refusal))

    def _key(self) -> str:
        return self.headers.get("x-api-key") or self.headers.get("authorization", "").removeprefix("Bearer ").strip()

    def _serve(self, codec: Codec, raw: bytes, arrived: float) -> None:
        provider, body = self._provider, _parsed(raw)
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = provider.take(codec, body, raw, headers, arrived)
        fault = provider.faults.at(request.number)
        try:
            if not self._strike(codec, fault):
                draft = provider.draft(codec, request, body, fault)
                ending = break_off(codec, codec.events(draft), fault)
                self._told = partial(provider.sent, request, draft.usage, whole=ending.whole)
                (self._stream if body.get("stream") else self._whole)(codec, draft, ending)
        finally:
            provider.sent(request, None, whole=False)

    def _strike(self, codec: Codec, fault: Fault | None) -> bool:
        """Do what a fault does before the model is asked; whether it answered the request."""
        if fault is None:
            return False
        if fault.kind == "overflow":
            raise codec.overflow(210_000, 200_000)
        if fault.kind == "late":
            return self._wait(fault.seconds)
        if fault.kind == "http":
            page = fault.text if fault.text.startswith("<") else json.dumps(codec.error(Refusal(fault.status, fault.text)))
            self._send(fault.status, page.encode(), {"content-type": "application/json", **fault.headers})
        return fault.kind == "http"

    # -- replies -----------------------------------------------------------------------------------------

    def _whole(self, codec: Codec, draft: Draft, ending: Ending) -> None:
        """Send a reply that was asked for in one piece; what would strike a stream cuts the body."""
        page = json.dumps(codec.whole(draft)).encode()
        self._told()
        self._send(200, page if ending.whole else page[: len(page) // 2], {"content-type": "application/json"}, length=len(page))
        self._finish(ending if ending.whole else ending._replace(cut=True))

    def _stream(self, codec: Codec, draft: Draft, ending: Ending) -> None:
        self.send_response(200)
        for name, value in {"content-type": "text/event-stream; charset=utf-8", "transfer-encoding": "chunked"}.items():
            self.send_header(name, value)
        self.end_headers()
        *before, last = [_chunk(_line(event)) for event in ending.events]
        for chunk in before:
            self.wfile.write(chunk)
        self._told()  # before the last bytes: a client that has them all finds the log complete
        self.wfile.write(last if ending.cut or ending.silent_s else last + _chunk(b""))
        self._finish(ending)

    def _finish(self, ending: Ending) -> None:
        if ending.silent_s:
            self._wait(ending.silent_s)
        if ending.silent_s or ending.cut:
            self.close_connection = True
            cut(self.connection)

    def _wait(self, seconds: float) -> bool:
        """Let time pass; whether the client left, or the server was stopped, before its end."""
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at:
            if self._provider.stopping.wait(min(_GLANCE_S, max(0.0, ends_at - time.monotonic()))) or _left(self.connection):
                self.close_connection = True
                return True
        return False

    def _send_json(self, status: int, page: Json) -> None:
        self._send(status, json.dumps(page).encode(), {"content-type": "application/json"})

    def _send(self, status: int, page: bytes, headers: Mapping[str, str], *, length: int | None = None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(page) if length is None else length))
        self.end_headers()
        self.wfile.write(page)


def break_off(codec: Codec, events: list[Event], fault: Fault | None) -> Ending:
    """Return what is sent of a stream under a fault."""
    if fault is None or fault.kind not in ("stall", "cut", "error_event", "early_end"):
        return Ending(events)
    sent = events[: _place(events, fault)]
    if fault.kind == "error_event":
        return Ending([*sent, codec.error_event(fault.text)], whole=False)
    return Ending(sent, whole=False, silent_s=fault.seconds if fault.kind == "stall" else 0.0, cut=fault.kind == "cut")


def _place(events: list[Event], fault: Fault) -> int:
    """Return how many events are sent: up to the first delta of the kind; without one, half of them."""
    deltas = [n for n, event in enumerate(events) if event.part == fault.within]
    return next((n + 1 for n in deltas if _says_something(events[n])), len(events) // 2)


def _says_something(event: Event) -> bool:
    """Whether a delta has content: Anthropic's first one of a call is empty."""
    return event.data.get("delta", {"": ""}) != {"type": "input_json_delta", "partial_json": ""}


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _line(event: Event) -> bytes:
    data = event.data if isinstance(event.data, str) else json.dumps(event.data, ensure_ascii=False)
    return (f"event: {event.name}\n" if event.name else "").encode() + f"data: {data}\n\n".encode()


def _parsed(raw: bytes) -> Json:
    try:
        return json.loads(raw)
    except ValueError as error:
        raise Refusal(400, f"We could not parse the JSON body of your request: {error}") from error


def _model(codec: Codec, name: str, window: int | None) -> Json:
    """Return a model in the form of the provider; its window in Anthropic's field, or in vLLM's, for OpenAI has none."""
    if codec.WIRE == "messages":
        return {"type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z", "lifecycle": "active",
                "max_input_tokens": window}
    known = {} if window is None else {"max_model_len": window}
    return {"id": name, "object": "model", "created": 1_790_000_000, "owned_by": "loopback", **known}


def cut(connection: socket.socket) -> None:
    """End a connection without the end that HTTP asks for."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it is closed already


def _left(connection: socket.socket) -> bool:
    """Whether the client has closed its side."""
    readable, _, _ = select.select([connection], [], [], 0)
    return bool(readable) and not connection.recv(1, socket.MSG_PEEK)
