"""Images of conversations: files named by their hash, so that each is stored once, and the record names them."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

from alphalab_nb.process import write_atomic

_MARK = "file:"


class Images:
    """A folder of images, and the two ways between a message with their bytes and one with their names."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def without(self, value: Any) -> Any:
        """Return a JSON value with its binary content moved into files."""
        if isinstance(value, list):
            return [self.without(item) for item in value]
        if not isinstance(value, dict):
            return value
        if value.get("kind") == "binary" and isinstance(value.get("data"), str):
            return {**value, "data": self._put(value["data"])}
        return {key: self.without(item) for key, item in value.items()}

    def with_(self, value: Any) -> Any:
        """Return a JSON value with the content of the files that it names."""
        if isinstance(value, list):
            return [self.with_(item) for item in value]
        if not isinstance(value, dict):
            return value
        if value.get("kind") == "binary" and str(value.get("data", "")).startswith(_MARK):
            raw = (self._folder / value["data"].removeprefix(_MARK)).read_bytes()
            return {**value, "data": base64.urlsafe_b64encode(raw).decode()}
        return {key: self.with_(item) for key, item in value.items()}

    def _put(self, data: str) -> str:
        raw = base64.urlsafe_b64decode(data)
        name = hashlib.sha256(raw).hexdigest()[:32]
        if not (self._folder / name).exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            write_atomic(self._folder / name, raw)
        return f"{_MARK}{name}"
