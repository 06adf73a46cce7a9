"""Runs a plain C candidate: a shared library with `launch(in, out, sizes, scalars)`. Standard library only, no torch in this process."""

from __future__ import annotations

import ctypes
import json
import mmap
import sys
from typing import Any

from kernels_lab.worker.channel import Handler, serve
from kernels_lab.worker.confine import confine


class Native:
    """One loaded library and the buffers that it is called with."""

    def __init__(self, memory: mmap.mmap) -> None:
        self._base = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        self._memory = memory
        self._calls: list[tuple[Any, ...]] = []
        self._reads: list[list[tuple[int, int]]] = []

    def handlers(self) -> dict[str, Handler]:
        return {"load": self.load, "bind": self.bind, "run": self.run, "deliver": self.deliver, "prepare": self.prepare}

    def load(self, request: dict[str, Any]) -> None:
        confine(request["limits"])
        self._launch = ctypes.CDLL(request["path"]).launch
        self._launch.restype = None

    def bind(self, request: dict[str, Any]) -> None:
        sizes = (ctypes.c_int64 * max(1, len(request["sizes"])))(*request["sizes"])
        scalars = (ctypes.c_double * max(1, len(request["scalars"])))(*request["scalars"])
        self._calls, self._reads = [], []
        for slot in request["slots"]:
            pointers = [self._base + spec["offset"] for spec in slot["arguments"]]
            array = (ctypes.c_void_p * len(pointers))(*pointers)
            self._calls.append((array, ctypes.c_void_p(self._base + slot["out"]["offset"]), sizes, scalars))
            self._reads.append([(spec["offset"], spec["nbytes"]) for spec in (*slot["arguments"], slot["out"])])

    def run(self, request: dict[str, Any]) -> None:
        launch, calls = self._launch, self._calls
        for slot in request["slots"]:
            launch(*calls[slot])

    def deliver(self, _: dict[str, Any]) -> None:
        """Outputs are written in place."""

    def prepare(self, request: dict[str, Any]) -> None:
        """Read the buffers, so that caches are as warm as they get."""
        for slot in request["slots"] if request["warm"] else []:
            for offset, nbytes in self._reads[slot]:
                bytes(memoryview(self._memory)[offset : offset + nbytes])


def main() -> None:
    """Serve on the descriptors named on the command line."""
    options = json.loads(sys.argv[1])
    serve(options["channel"], options["arena"], lambda memory: Native(memory).handlers())
