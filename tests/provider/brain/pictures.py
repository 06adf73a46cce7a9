"""The images of a request, as a model would see them: decoded from the body, in the order they stand there."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

from tests.provider.protocol import Request

_COLOURS = {"red": (220, 20, 20), "green": (20, 160, 20), "blue": (20, 20, 220)}


def pictures_of(request: Request) -> Iterator[bytes]:
    """Yield the bytes of every image of a request."""
    return map(_decoded, _found(json.loads(request.body)))


def _found(value: Any) -> Iterator[str]:
    """Yield the base64 texts of images on any wire."""
    if isinstance(value, list):
        for item in value:
            yield from _found(item)
    elif isinstance(value, dict):
        if value.get("type") == "input_image":
            yield value["image_url"]
        elif value.get("type") == "image_url":
            yield value["image_url"]["url"]
        elif value.get("type") == "image":
            yield value["source"]["data"]
        else:
            for item in value.values():
                yield from _found(item)


def _decoded(text: str) -> bytes:
    return base64.b64decode(text.rpartition(",")[2])


def colour_of(picture: bytes) -> str:
    """Return which of red, green and blue an image shows."""
    mean = _pixels(picture).reshape(-1, 3).mean(axis=0)
    return min(_COLOURS, key=lambda name: float(np.abs(mean - _COLOURS[name]).sum()))


def shows_something(picture: bytes) -> bool:
    """Whether an image can be opened and is more than one flat colour."""
    pixels = _pixels(picture)
    return bool((pixels != pixels[0, 0]).any())


def _pixels(picture: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(picture)) as opened:
        return np.asarray(opened.convert("RGB"), float)
