"""The worker's end of the channel: one JSON message per request, one per answer. Standard library only."""

from __future__ import annotations

import ctypes
import faulthandler
import json
import mmap
import os
import socket
import traceback
from collections.abc import Callable
from typing import Any

MESSAGE_BYTES = 1 << 20
_TRACE_CHARACTERS = 4000
_CACHE_BYTES = 64 << 20
"""More than the last-level cache of the machines that we know; written to make everything else cold."""

Handler = Callable[[dict[str, Any]], dict[str, Any] | None]


def serve(channel: int, arena: int, make: Callable[[mmap.mmap], dict[str, Handler]]) -> None:
    """Answer requests until the lab hangs up. `make` gets the shared memory and returns a handler per operation."""
    faulthandler.enable()
    line = socket.socket(fileno=channel)
    memory = mmap.mmap(arena, os.fstat(arena).st_size)
    handlers = {"flush": flusher()} | make(memory)
    line.send(b"{}")  # its credentials tell the lab our process id
    while message := line.recv(MESSAGE_BYTES):
        request = json.loads(message)
        try:
            answer = handlers[request["op"]](request) or {}
        except BaseException as error:  # noqa: BLE001 - whatever a candidate raises is its result
            answer = {"error": type(error).__name__, "message": traceback.format_exc()[-_TRACE_CHARACTERS:]}
        line.send(json.dumps({**answer, "token": request["token"]}).encode())


def flusher() -> Handler:
    """Return what makes the processor's caches cold."""
    junk: list[bytearray] = []

    def flush(_: dict[str, Any]) -> None:
        if not junk:
            junk.append(bytearray(_CACHE_BYTES))
        ctypes.memset((ctypes.c_char * _CACHE_BYTES).from_buffer(junk[0]), 1, _CACHE_BYTES)

    return flush
