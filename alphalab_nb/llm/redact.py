"""Keep keys out of everything that is stored or shown."""

from __future__ import annotations

import os
import re
from pathlib import Path

_NAMES = re.compile(r"KEY|TOKEN|SECRET|PASSWORD", re.IGNORECASE)
_SHAPES = re.compile(r"\b(?:sk|pk|rk)-[A-Za-z0-9_*-]{8,}|\bAKIA[A-Z0-9]{12,}\b|(?i:bearer)\s+[A-Za-z0-9._~+/=-]{12,}"
                     r"|(?<=://)[^\s/@:?#\"'<>]*:[^\s/?#\"'<>]+(?=@)")
_NOT_PATHS = re.compile(r"SECRET|KEY", re.IGNORECASE)
"""Where a value that begins with a slash may be a key; a TOKEN or PASSWORD that does names a file."""
_SHORTEST = 8
"""Characters; a shorter value is no key, and hiding it would garble texts."""


def redact(text: str) -> str:
    """Replace every key of our environment, and whatever looks like one, by `[key]`."""
    for value in secrets():
        text = text.replace(value, "[key]")
    return _SHAPES.sub("[key]", text)


def secrets() -> list[str]:
    """Return the values of environment variables whose names speak of keys, longest first."""
    found = {
        value for name, value in os.environ.items() if _NAMES.search(name) and len(value) >= _SHORTEST and not _is_path(name, value)
    }
    return sorted(found, key=len, reverse=True)


def _is_path(name: str, value: str) -> bool:
    if not value.startswith("/"):
        return False
    try:
        return _NOT_PATHS.search(name) is None or Path(value).exists()
    except OSError:  # too long for a path
        return False
