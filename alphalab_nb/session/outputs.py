"""Collects what one cell publishes into notebook outputs. Knows messages by type and content only.

The kernel limits its output at the source (kernel_app.py); the limits here hold against code that gets around that.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from alphalab_nb.session.document import joined

Output = dict[str, Any]

MOST_OUTPUTS = 300
MOST_TEXT = 400_000
"""Characters of one stream output."""
MOST_DATA = 8_000_000
"""Characters of all images and other data of one cell."""

_OVERWRITTEN = re.compile(r"[^\n\r]*\r(?!\n)(?=[^\n])")
"""What a carriage return makes invisible: the earlier states of a progress bar."""
_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class Collector:
    """Feed it the iopub messages of a cell, then take `finish()`."""

    def __init__(self) -> None:
        self._outputs: list[Output] = []
        self._displays: dict[str, list[Output]] = {}
        self._clear_next = False
        self._data = 0
        self.cut = 0
        """Characters that were not kept here."""
        self.execution_count: int | None = None

    def feed(self, kind: str, content: Mapping[str, Any]) -> None:
        """Take one message."""
        self.execution_count = content.get("execution_count", self.execution_count)
        if kind == "clear_output":
            self._clear_next = True
            if not content.get("wait"):
                self._clear()
        elif kind in ("stream", "error", "display_data", "execute_result", "update_display_data"):
            if self._clear_next:
                self._clear()
            self._take(kind, content)

    def finish(self) -> list[Output]:
        """Return the outputs, progress bars reduced to their last state, and what was cut said in a last one."""
        for output in self._outputs:
            if output["output_type"] == "stream":
                output["text"] = _OVERWRITTEN.sub("", output["text"])
        if self.cut:
            said = f"[{self.cut} characters of output were cut]\n"
            self._outputs.append({"output_type": "stream", "name": "stderr", "text": said})
        return self._outputs

    def _clear(self) -> None:
        self._outputs, self._displays, self._clear_next, self._data = [], {}, False, 0

    def _take(self, kind: str, content: Mapping[str, Any]) -> None:
        if kind == "stream":
            self._stream(content["name"], content["text"])
        elif kind == "error":
            lines = [line[:MOST_TEXT] for line in content["traceback"][-60:]]
            self._append({"output_type": "error", "ename": content["ename"], "evalue": content["evalue"][:MOST_TEXT], "traceback": lines})
        else:
            self._show(kind, content)

    def _stream(self, name: str, text: str) -> None:
        last = self._outputs[-1] if self._outputs else {}
        if last.get("output_type") != "stream" or last.get("name") != name:
            last = self._append({"output_type": "stream", "name": name, "text": ""})
        kept = text[: max(0, MOST_TEXT - len(last["text"]))]
        last["text"] += kept
        self.cut += len(text) - len(kept)

    def _show(self, kind: str, content: Mapping[str, Any]) -> None:
        data = {mime: value for mime, value in content["data"].items() if self._fits(value)}
        shown = str((content.get("transient") or {}).get("display_id", ""))
        if kind == "update_display_data":
            for output in self._displays.get(shown, []):
                output["data"], output["metadata"] = data, content["metadata"]
            return
        output: Output = {"output_type": kind, "data": data, "metadata": content["metadata"]}
        if kind == "execute_result":
            output["execution_count"] = content["execution_count"]
        self._append(output)
        if shown:
            self._displays.setdefault(shown, []).append(output)

    def _fits(self, value: Any) -> bool:
        size = len(value) if isinstance(value, str) else len(repr(value))
        if self._data + size > MOST_DATA:
            self.cut += size
            return False
        self._data += size
        return True

    def _append(self, output: Output) -> Output:
        if len(self._outputs) < MOST_OUTPUTS:
            self._outputs.append(output)
        else:
            self.cut += len(repr(output))
        return output


def plain_text(outputs: list[Output]) -> str:
    """Return outputs as the text a reader without pictures sees: streams, results, tracebacks without colours."""
    text = _COLOURS.sub("", "".join(_text(output) for output in outputs))
    return text.encode("utf-8", "replace").decode()


def pictures(outputs: list[Output]) -> tuple[bytes, ...]:
    """Return the PNG images, in order."""
    return tuple(base64.b64decode(joined(output["data"]["image/png"])) for output in outputs if "image/png" in output.get("data", {}))


def _text(output: Output) -> str:
    if output["output_type"] == "stream":
        return joined(output["text"])
    if output["output_type"] == "error":
        return "\n".join(output["traceback"]) + "\n"
    return joined(output["data"].get("text/plain", "")) + "\n"
