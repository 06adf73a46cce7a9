"""Read and write files, confined to the folders of the role; links are not followed."""

from __future__ import annotations

import functools
import re
import shutil
from pathlib import Path

from alphalab_nb.beneath import Place, text_of
from alphalab_nb.errors import ToolError
from alphalab_nb.tools.base import AGENT_CHARS, Deps, readable, tool, writable

_MATCHES = 100
"""Lines that grep_file shows at most."""


@tool()
def read_file(deps: Deps, path: str, offset: int = 1, limit: int = 500) -> str:
    """Read a text file, or list a folder.

    Args:
        path: Relative to the working folder, or absolute.
        offset: First line, from 1.
        limit: Lines at most.
    """
    return page(readable(deps, path), offset, limit)


@tool()
def write_file(deps: Deps, path: str, text: str) -> str:
    """Write a whole text file; folders are made. Python is compiled at once and a syntax error reported.

    Args:
        path: Relative to the working folder.
        text: The whole content.
    """
    target = writable(deps, path)
    _put(target, text)
    return f"wrote {path}, {len(text.splitlines())} lines{_syntax(target, text)}"


@tool()
def edit_file(deps: Deps, path: str, old: str, new: str) -> str:
    """Replace a passage that occurs exactly once.

    Args:
        path: Relative to the working folder.
        old: The passage, exactly as it stands in the file.
        new: What comes in its place.
    """
    target = writable(deps, path)
    text = only_once(target, old, new)
    _put(target, text)
    return f"edited {path}{_syntax(target, text)}"


@tool()
def copy_file(deps: Deps, source: str, target: str) -> str:
    """Copy a file, or a folder with all that is in it.

    Args:
        source: What to copy.
        target: Its new path; files that are there are replaced.
    """
    origin = readable(deps, source)
    files = files_in(origin)
    for file in files:
        below = file.parts[len(origin.parts) :]
        copy = writable(deps, str(Path(target, *below)))
        if copy.path == file.path:
            raise ToolError(f"{source} and {target} are the same")
        _copy(file, copy)
    if not files:
        raise ToolError(f"there is no file {source}")
    return f"copied {source} to {target}: {len(files)} file{'s' if len(files) > 1 else ''}"


@tool()
def grep_file(deps: Deps, pattern: str, path: str) -> str:
    """Find the lines that match a regular expression, in a file or in all files of a folder.

    Args:
        pattern: Python regular expression.
        path: File or folder.
    """
    root = readable(deps, path)
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise ToolError(f"'{pattern}' is not a regular expression: {error}") from error
    hits = [f"{'/'.join(file.parts[len(root.parts) :]) or path}:{number}: {line.strip()[:300]}"
            for file in files_in(root) for number, line in enumerate(_lines(file), start=1) if expression.search(line)]
    more = f"\n[{len(hits) - _MATCHES} more]" if len(hits) > _MATCHES else ""
    return "\n".join(hits[:_MATCHES]) + more or "no line matches"


def page(source: Place, offset: int, limit: int) -> str:
    """Return a passage of a text file, and how to read on; or the names in a folder."""
    if source.is_folder():
        names = sorted(f"{name}/" if kind == "folder" else name for name, kind in source.entries() if kind != "link")
        return "\n".join(names) or "(empty folder)"
    lines = text_of(source).splitlines(keepends=True)
    first = max(offset, 1) - 1
    shown, size = 0, 0
    for line in lines[first : first + max(limit, 1)]:
        size += len(line)
        if size > AGENT_CHARS and shown:
            break
        shown += 1
    text = "".join(lines[first : first + shown])[:AGENT_CHARS]
    last = first + shown
    return text if last >= len(lines) else f"{text}[lines {first + 1} to {last} of {len(lines)}; read on with offset={last + 1}]"


def only_once(path: Place, old: str, new: str) -> str:
    """Return the text of a file with a passage replaced.

    Raises:
        ToolError: the passage does not occur exactly once.
    """
    text = text_of(path)
    found = text.count(old) if old else 0
    if found != 1:
        raise ToolError(f"the passage occurs {found} times in {path.shown}; it must occur exactly once: give more of its surroundings")
    return text.replace(old, new)


def files_in(root: Place) -> list[Place]:
    """Return a file, or the files below a folder: no links and no compiled code."""
    if root.is_folder():
        return sorted((file for file in root.walk() if "__pycache__" not in file.parts), key=lambda file: file.parts)
    try:
        root.open_read().close()
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [root]


def _lines(source: Place) -> list[str]:
    """Return the lines of a file; none if it is no text, or not there any more."""
    try:
        return text_of(source).splitlines()
    except ToolError:
        return []


def _put(target: Place, text: str) -> None:
    try:
        with target.open_write() as file:
            file.write(text.encode())
    except IsADirectoryError as error:
        raise ToolError(f"{target.shown} is a folder") from error
    except NotADirectoryError as error:
        raise ToolError(f"a part of {target.shown} is a file, not a folder") from error


def _copy(source: Place, target: Place) -> None:
    try:
        with source.open_read() as old, target.open_write() as new:
            shutil.copyfileobj(old, new)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise ToolError(f"{source.shown} cannot be copied to {target.shown}: {error.strerror or 'one of them is a folder'}") from error


def _syntax(target: Place, text: str) -> str:
    return _compiled(text) if target.path.suffix == ".py" else ""


@functools.lru_cache(maxsize=256)  # experiments share most of their files
def _compiled(text: str) -> str:
    try:
        compile(text, "<file>", "exec")
    except SyntaxError as error:
        return f"; syntax error in line {error.lineno}: {error.msg}"
    return ""
