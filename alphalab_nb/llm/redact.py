"""Keep keys out of everything that is stored or shown."""

from __future__ import annotations

import os
import re

_NAMES = re.compile(r"KEY|TOKEN|SECRET|PASSWORD", re.IGNORECASE)
_SHAPES = re.compile(r"\b(?:sk|pk|rk)-[A-Za-z0-9_*-]{8,}|\bAKIA[A-Z0-9]{12,}\b|(?i:bearer)\s+[A-Za-z0-9._~+/=-]{12,}")
_SHORTEST = 8
"""Characters; a shorter value is no key, and hiding it would garble texts."""


def redact(text: str) -> str:
    """Replace every key of our environment, and whatever looks like one, by `[key]`."""
    for value in secrets():
        text = text.replace(value, "[key]")
    return _SHAPES.sub("[key]", text)


def secrets() -> list[str]:
    """Return the values of environment variables whose names speak of keys, longest first."""
    found = {value for name, value in os.environ.items() if _NAMES.search(name) and len(value) >= _SHORTEST and "/" not in value[:1]}
    return sorted(found, key=len, reverse=True)
