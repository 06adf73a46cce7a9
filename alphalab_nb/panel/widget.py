"""Panel: the widget. Python sends what has changed on the board, the front end sends what a person clicks.

Works the same whether the campaign runs in this kernel, in another process or not at all: it meets it on the board only.
"""

from __future__ import annotations

import json
import logging
import math
import threading
import time
from importlib.resources import files
from typing import Any

import anywidget
import traitlets
from IPython.core.getipython import get_ipython
from IPython.display import HTML, display

from alphalab_nb.errors import AlphaLabError
from alphalab_nb.panel.detail import detail
from alphalab_nb.panel.reader import Message, Reader
from alphalab_nb.panel.static import html_of, text_of
from alphalab_nb.panel.steering import steer
from alphalab_nb.parts import Parts

EVERY_S = 1.0
"""Least time between two deltas: ten changes of a card within it are sent as one."""
LOOK_S = 5.0
"""Time after which the panel looks also where nobody has written: processes end without a word."""
GONE_S = 90.0
"""A front end that has said nothing for so long is closed; browsers slow the timers of hidden pages down to one a minute."""

_LARGE = 100_000
"""Characters."""
TABLES_S = 60.0
"""Least time between two updates of the static tables."""

log = logging.getLogger(__name__)


def _frontend(suffix: str) -> str:
    """Return the front end's files as one; they are kept apart by subject, and a build step would be one tool too many."""
    folder = files("alphalab_nb.panel").joinpath("frontend")
    texts = sorted((item.name, item.read_text(encoding="utf-8")) for item in folder.iterdir() if item.name.endswith(suffix))
    return "\n".join(text for _, text in texts)


class Panel(anywidget.AnyWidget):
    """See and steer one campaign.

    Args:
        parts: of the campaign.
        campaign: what the verbs are called on.
    """

    _esm = _frontend(".js")
    _css = _frontend(".css")
    snapshot = traitlets.Dict().tag(sync=True)
    """The state that a saved notebook shows without a kernel. The front end keeps its own copy fresh; see main.js."""

    def __init__(self, parts: Parts, campaign: Any, **kwargs: Any) -> None:
        self._reader, self._campaign = Reader(parts), campaign
        self._heard, self._made = -math.inf, time.monotonic()
        self._wake, self._closed = threading.Event(), False
        self._tables: Any = None
        self._refreshed, self._stale = 0.0, False
        super().__init__(snapshot=self._reader.saved(), **kwargs)
        _reply_beside_cells(self)
        self.on_msg(self._on_message)
        threading.Thread(target=self._follow, name="panel", daemon=True).start()

    def close(self) -> None:
        """Stop following the board, and remove the widget."""
        self._closed = True
        self._wake.set()
        super().close()

    # -- to the front end --------------------------------------------------------------------------------

    def _follow(self) -> None:
        """Send what has changed, as long as somebody looks."""
        looked = time.monotonic()
        while not self._closed:
            if time.monotonic() - self._heard > GONE_S:
                self._wake.wait()
                self._wake.clear()
                continue
            force = time.monotonic() - looked > LOOK_S
            looked = time.monotonic() if force else looked
            try:
                with self._reader.lock:
                    delta = self._reader.delta(force=force)
                    if delta is not None:
                        self._tell(delta)
                        self._stale = True
                    self._refresh_tables()
            except Exception:
                log.exception("the panel could not read the board")
            self._wake.wait(EVERY_S)
            self._wake.clear()

    def _tell(self, message: Message) -> None:
        """Send a message; a large one as bytes, because the kernel looks through every value of JSON data before it goes."""
        text = json.dumps(message, default=str)
        if len(text) < _LARGE:
            self.send(message)
        else:
            self.send({"type": "packed"}, buffers=[text.encode()])

    # -- from the front end ------------------------------------------------------------------------------

    def _on_message(self, widget: Any, message: Message, buffers: Any) -> None:
        fresh = time.monotonic() - self._heard > GONE_S
        self._heard = time.monotonic()
        kind = message.get("type")
        if kind == "hello" or (kind == "alive" and fresh):
            with self._reader.lock:
                self._tell(self._reader.whole())
        elif kind == "alive":
            self.send({"type": "alive"})
        elif kind in ("command", "detail", "versions"):
            self.send(self._answer(str(kind), message))
        self._wake.set()

    def _answer(self, kind: str, message: Message) -> Message:
        """Return what a request came to; whatever is wrong is told, for a click must never vanish."""
        tag = message.get("tag")
        try:
            if kind == "command":
                return {"type": "sent", "tag": tag, "id": steer(self._campaign, str(message["verb"]), dict(message.get("args") or {}))}
            if kind == "detail":
                return {"type": "detail", "tag": tag, "id": message["id"], "data": detail(self._reader.parts, int(message["id"]))}
            entry = int(message["entry"])
            return {"type": "versions", "tag": tag, "entry": entry, "data": self._versions(entry)}
        except AlphaLabError as error:
            return {"type": "refused", "tag": tag, "why": str(error)}
        except Exception as error:
            log.exception("panel: %s", kind)
            return {"type": "refused", "tag": tag, "why": f"{type(error).__name__}: {error}"}

    def _versions(self, entry: int) -> list[dict[str, Any]]:
        fields = ("version", "claim", "evidence", "author", "status", "at")
        return [{name: getattr(version, name) for name in fields} for version in self._reader.parts.playbook.versions(entry)]

    # -- without a front end -----------------------------------------------------------------------------

    def __repr__(self) -> str:
        return text_of(self.snapshot)

    def _ipython_display_(self) -> None:
        """Show the widget, and below it the same tables, folded away, for whoever cannot show widgets.

        They are an output of their own: nbconvert takes the widget of a bundle that has both, and shows nothing without a network.
        """
        if time.monotonic() - self._made > EVERY_S:
            self.snapshot = Reader(self._reader.parts).saved()  # of its own: what it reads must still be sent to the front end
        _replace_panel_of_cell(self)
        found = self._repr_mimebundle_()
        data, metadata = found if isinstance(found, tuple) else (found or {}, {})
        display({**data, "text/plain": text_of(self.snapshot)}, metadata=metadata, raw=True)
        self._tables = display(HTML(html_of(self.snapshot)), display_id=True)

    def _refresh_tables(self) -> None:
        """Bring the static tables of the notebook up to date, now and then: they are for readers of the saved file."""
        if self._stale and self._tables is not None and time.monotonic() - self._refreshed > TABLES_S:
            self._refreshed, self._stale = time.monotonic(), False
            self._tables.update(HTML(html_of(Reader(self._reader.parts).saved())))


_of_cells: dict[str, Panel] = {}


def _replace_panel_of_cell(panel: Panel) -> None:
    """Close the panel that this cell has shown before: run again and again, a cell would leave threads, files and saved states."""
    shell: Any = get_ipython()
    cell = shell.get_parent().get("metadata", {}).get("cellId") if hasattr(shell, "get_parent") else None
    if cell:
        before = _of_cells.pop(cell, None)
        if before is not None and before is not panel:
            before.close()
        _of_cells[cell] = panel


def _reply_beside_cells(widget: Any) -> None:
    """Let clicks be answered while a cell runs.

    ipykernel 7.4 answers a comm in the shell that last published on it, which waits for the running cell; the shell that a message
    came by does not. The method is private, so it may be gone in another version: then clicks wait for the cell, as they do there.
    """
    comm: Any = getattr(widget, "comm", None)
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = lambda data, default: default
