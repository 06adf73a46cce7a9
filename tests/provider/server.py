"""A language-model provider on loopback: three wires, streamed or whole, as strict as the real ones, with faults on schedule.

    with Provider(brain) as provider:
        client = openai.OpenAI(base_url=provider.openai_url, api_key="any")
"""

from __future__ import annotations

import hashlib
import math
import socket
import sys
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from http.server import ThreadingHTTPServer
from typing import Any

from tests.provider.cache import PrefixCache, count
from tests.provider.faults import Fault, Schedule, changed
from tests.provider.handler import Handler, cut
from tests.provider.protocol import Brain, Log, Reply, Request, Usage
from tests.provider.wire import Codec, Draft, Json, Memory, Refusal, Talk, output_tokens

MODELS = ("gpt-5.2", "gpt-5.6-sol", "claude-opus-4-6", "claude-sonnet-4-6", "local-model")


class Provider:
    """The server, as a context manager; `stop` and `start` again at the same address play an outage.

    Args:
        brain: plays the model.
        faults: what goes wrong; may be replaced while the server runs.
        cache: whether the usage counts a simulated prefix cache.
        window: longest prompt in tokens; longer ones are refused in the provider's words.
        bad_keys: keys that are answered with 401.
        port: 0 takes a free one.
    """

    def __init__(
        self, brain: Brain, *, faults: Schedule | None = None, cache: bool = True, window: int | None = None,
        models: Collection[str] = MODELS, bad_keys: Collection[str] = ("bad-key",), port: int = 0,
    ) -> None:
        self.brain, self.faults, self.window = brain, faults or Schedule(), window
        self.models, self.bad_keys = tuple(models), frozenset(bad_keys)
        self.log = Log()
        self.stopping = threading.Event()
        self._cache, self._memory, self._lock = PrefixCache(on=cache), Memory(), threading.Lock()
        self._port, self._number = port, 0
        self._rows: dict[int, int] = {}
        """Where the request of a number stands in the log."""
        self._server: _Server | None = None

    # -- life --------------------------------------------------------------------------------------------

    def start(self) -> Provider:
        """Listen; at the address of before, if it was started before."""
        self.stopping.clear()
        self._server = _Server(self, self._port)
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Cut every connection and listen no more."""
        self.stopping.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.cut_all()
        self._server = None

    def __enter__(self) -> Provider:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self.stop()
        if error is None and self.log.failures:
            raise self.log.failures[0]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def openai_url(self) -> str:
        """The base_url of OpenAI's SDK, for Responses and Chat Completions."""
        return f"{self.url}/v1"

    @property
    def anthropic_url(self) -> str:
        """The base_url of Anthropic's SDK."""
        return self.url

    # -- requests ----------------------------------------------------------------------------------------

    def admit(self, key: str, codec: Codec) -> None:
        """Refuse a key that is bad or absent."""
        if not key or key in self.bad_keys:
            words = "invalid x-api-key" if codec.WIRE == "messages" else f"Incorrect API key provided: {key[:2]}***."
            raise Refusal(401, words, code="invalid_api_key")

    def take(self, codec: Codec, body: Json, raw: bytes, headers: Mapping[str, str], arrived: float) -> Request:
        """Read a request and keep it in the log; see the codecs for what they refuse."""
        with self._lock:
            self._number += 1
            number = self._number
        try:
            self.check_model(codec, body.get("model"))
            talk = _read(codec, body, self._memory)
        except Refusal as refusal:
            self.log.refused.append(refusal.message)
            raise
        request = Request(codec.WIRE, body["model"], *talk, body=raw, headers=headers, number=number)
        with self._lock:
            self._rows[number] = len(self.log.requests)
            self.log.requests.append(request)
            self.log.arrived.append(arrived)
            self.log.replied.append(math.nan)
        return request

    def check_model(self, codec: Codec, model: Any) -> None:
        """Refuse a model that this server does not have."""
        if model not in self.models:
            words = f"The model `{model}` does not exist or you do not have access to it."
            raise Refusal(404, f"model: {model}" if codec.WIRE == "messages" else words, code="model_not_found")

    def draft(self, codec: Codec, request: Request, body: Json, fault: Fault | None) -> Draft:
        """Ask the brain, and count.

        Raises:
            Refusal: the prompt is longer than the window, or the brain raised.
        """
        tokens = count(codec.blocks(body))
        if self.window is not None and tokens > self.window:
            raise codec.overflow(tokens, self.window)
        key = hashlib.sha256(request.body).hexdigest()[:24]
        reply = self._ask(request, fault, key)
        draft = Draft(body, reply, None if fault and fault.kind == "no_usage" else self.usage(codec, body, reply), key)
        codec.remember(draft, self._memory)
        return draft

    def usage(self, codec: Codec, body: Json, reply: Reply) -> Usage:
        """Return what a request and its reply count, and let the cache keep the prompt."""
        hit = self._cache.pass_through(codec.WIRE, codec.scope(body), codec.blocks(body))
        return reply.usage or Usage(hit.input, output_tokens(reply), hit.cached, hit.written)

    def _ask(self, request: Request, fault: Fault | None, key: str) -> Reply:
        try:
            reply = changed(self.brain(request), fault, request)
        except Exception as error:
            self.log.failures.append(error)
            raise Refusal(400, f"the brain of the test server failed: {type(error).__name__}: {error}") from error
        return replace(reply, calls=tuple(replace(call, id=call.id or f"call_{key}{n}") for n, call in enumerate(reply.calls)))

    def sent(self, request: Request, usage: Usage | None, *, whole: bool) -> None:
        """Keep when the last byte of a reply goes out, and what it cost; what is told first counts."""
        row = self._rows[request.number]
        with self._lock:
            told = not math.isnan(self.log.replied[row])
            self.log.replied[row] = self.log.replied[row] if told else time.monotonic()
            if whole and not told:
                self.log.usages.append(usage or Usage(0, 0))
                self.log.whole.append(request.number)


def _read(codec: Codec, body: Json, memory: Memory) -> Talk:
    try:
        return codec.read(body, memory)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise Refusal(400, f"The request is not of the expected form: {type(error).__name__}: {error}") from error


class _Server(ThreadingHTTPServer):
    """Keeps its connections, so that it can be dead at once."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, provider: Provider, port: int) -> None:
        self.provider = provider
        self._connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that left; whatever else went wrong fails the test."""
        error = sys.exc_info()[1]
        if isinstance(error, Exception) and not isinstance(error, OSError):
            self.provider.log.failures.append(error)

    def cut_all(self) -> None:
        for connection in list(self._connections):
            cut(connection)
