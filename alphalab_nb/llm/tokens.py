"""How many tokens a request will count, before a provider has counted it: for reservations, so on the safe side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic_ai import messages as m
from pydantic_ai.models import ModelRequestParameters

_CHARS_PER_TOKEN = 3.0
"""Of ASCII: tokenizers make 3.5 to 4 of English and code. Any other character may be a token of its own."""
_IMAGE_CHARS = 4400
"""An image of 1024 pixels counts about 1.1 K tokens."""
_FRAME_CHARS = 120
"""What stands around a part: its role, the name and the id of its call."""


def tokens_of(messages: Sequence[m.ModelMessage], parameters: ModelRequestParameters | None = None) -> int:
    """Estimate the tokens of messages, and of the instructions and tools that go with the first one."""
    length = sum(_length(part) + _FRAME_CHARS for message in messages for part in message.parts)
    length += sum(_size(message.instructions or "") for message in messages[:1] if isinstance(message, m.ModelRequest))
    if parameters is not None:
        tools = [*parameters.function_tools, *parameters.output_tools]
        length += sum(_size(f"{tool.name}{tool.description}{tool.parameters_json_schema}") for tool in tools)
    return int(length / _CHARS_PER_TOKEN)


def _length(part: Any) -> int:
    if isinstance(part, m.ToolCallPart):
        return _size(part.args_as_json_str())
    content = getattr(part, "content", "")
    items = content if isinstance(content, list) else [content]
    return sum(_IMAGE_CHARS if isinstance(item, m.BinaryContent) else _size(str(item)) for item in items)


def _size(text: str) -> int:
    """Return the length of a text in characters of ASCII that would make as many tokens."""
    wide = 0 if text.isascii() else sum(not character.isascii() for character in text)
    return len(text) + int(wide * (_CHARS_PER_TOKEN - 1))
