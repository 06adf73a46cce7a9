"""What comes from outside of text: images today."""

from __future__ import annotations

import io

from PIL import Image, UnidentifiedImageError
from pydantic_ai import BinaryContent, ToolReturn

from alphalab_nb.errors import ToolError
from alphalab_nb.tools.base import Deps, readable, tool

_EDGE = 1024
"""Pixels of the longer edge that a model gets; an image stays in the history at about 1.1 K tokens (llm.md 6)."""


@tool()
def view_image(deps: Deps, path: str) -> ToolReturn:
    """Look at an image, for example a figure you saved.

    Args:
        path: PNG or JPEG, relative to the working folder.
    """
    source = readable(deps, path)
    try:
        with Image.open(source) as opened:
            width, height = opened.size
            opened.thumbnail((_EDGE, _EDGE))
            buffer = io.BytesIO()
            opened.convert("RGB").save(buffer, "PNG")
    except FileNotFoundError as error:
        raise ToolError(f"there is no image {path}") from error
    except UnidentifiedImageError as error:
        raise ToolError(f"{path} is not an image") from error
    return ToolReturn(return_value=[f"{path} {width}x{height}", BinaryContent(buffer.getvalue(), media_type="image/png")])
