"""The kernel of a session: ipykernel with its output limited at the source. Run as `python -P kernel_app.py -f FILE`.

It imports nothing of this package, so that a sandbox need not show it. A stream keeps the head and the tail of what a cell
writes; the middle is dropped before it costs memory, and the number of characters cut is written in its place.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

from ipykernel.iostream import OutStream
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp

HEAD = TAIL = 100_000
"""Characters of one stream of one cell that are kept."""
MOST_VALUE = 5_000_000
"""Characters of one mime value (an image)."""
MOST_SHOWN = 200
"""Displays of one cell."""

_lock = threading.Lock()


class Tail:
    """What a stream has written in this cell."""

    def __init__(self) -> None:
        self.written = 0
        self.cut = 0
        self._parts: deque[str] = deque()
        self._size = 0

    def take(self, text: str) -> str:
        """Return what passes at once (the head); keep the newest of the rest."""
        room = max(0, HEAD - self.written)
        self.written += len(text)
        rest = text[room:]
        if len(rest) > TAIL:
            self.cut += len(rest) - TAIL
            rest = rest[-TAIL:]
        if rest:
            self._parts.append(rest)
            self._size += len(rest)
        while self._size > TAIL and len(self._parts) > 1:
            dropped = self._parts.popleft()
            self._size -= len(dropped)
            self.cut += len(dropped)
        return text[:room]

    def rest(self) -> str:
        """Return the tail, behind a note of what was cut."""
        note = f"\n... [{self.cut} characters were cut here] ...\n" if self.cut else ""
        return note + "".join(self._parts)


class CappedOutStream(OutStream):
    """stdout or stderr of the kernel and, through its pipe, of child processes."""

    tails: dict[str, Tail] = {}  # noqa: RUF012 - one per stream name, for the whole process

    def write(self, string: str) -> int | None:
        if not isinstance(string, str):
            return super().write(string)
        with _lock:
            passed = self.tails.setdefault(self.name, Tail()).take(string)
        if passed:
            super().write(passed)
        return len(string)

    def end_cell(self) -> None:
        """Send the tail and start to count anew."""
        with _lock:
            tail = self.tails.pop(self.name, None)
        if tail and tail.rest():
            super().write(tail.rest())


class LabKernel(IPythonKernel):
    """Limits displays and results, and forgets the outputs that IPython would keep for ever."""

    def start(self) -> None:
        super().start()
        shell: Any = self.shell
        self._shown = 0
        publish, write = shell.display_pub.publish, shell.displayhook.write_format_data

        def limited_publish(data: dict[str, Any], metadata: Any = None, **more: Any) -> None:
            self._shown += 1
            if self._shown <= MOST_SHOWN:
                publish(_limited(data), metadata, **more)

        shell.display_pub.publish = limited_publish
        shell.displayhook.write_format_data = lambda data, metadata=None: write(_limited(data), metadata)
        shell.events.register("pre_run_cell", lambda *_: self._begin())
        shell.events.register("post_run_cell", lambda *_: self._end())

    def _begin(self) -> None:
        self._shown = 0
        CappedOutStream.tails.clear()

    def _end(self) -> None:
        import sys

        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, CappedOutStream):
                stream.end_cell()
        if self._shown > MOST_SHOWN:
            sys.stderr.write(f"[{self._shown - MOST_SHOWN} displays were cut]\n")
        self.shell.history_manager.outputs.clear()  # pyright: ignore[reportOptionalMemberAccess]


def _limited(data: dict[str, Any]) -> dict[str, Any]:
    large = {mime: len(value) for mime, value in data.items() if isinstance(value, str | bytes) and len(value) > MOST_VALUE}
    if not large:
        return data
    kept = {mime: value for mime, value in data.items() if mime not in large}
    said = ", ".join(f"{mime} of {size} characters" for mime, size in large.items())
    return {**kept, "text/plain": f"{str(data.get('text/plain', ''))[:2000]} [cut: {said}]"}


if __name__ == "__main__":
    IPKernelApp.launch_instance(kernel_class=LabKernel, outstream_class="__main__.CappedOutStream")
