"""Read and write files, confined to the folders of the role by resolved path."""

from __future__ import annotations

import functools
import re
import shutil
from pathlib import Path

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
    return page(readable(deps, path), path, offset, limit)


@tool()
def write_file(deps: Deps, path: str, text: str) -> str:
    """Write a whole text file; folders are made. Python is compiled at once and a syntax error reported.

    Args:
        path: Relative to the working folder.
        text: The whole content.
    """
    target = writable(deps, path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
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
    text = only_once(target, path, old, new)
    target.write_text(text, encoding="utf-8")
    return f"edited {path}{_syntax(target, text)}"


@tool()
def copy_file(deps: Deps, source: str, target: str) -> str:
    """Copy a file, or a folder with all that is in it.

    Args:
        source: What to copy.
        target: Its new path; files that are there are replaced.
    """
    origin = readable(deps, source)
    files = _files(origin)
    if not files:
        raise ToolError(f"there is no file {source}")
    for file in files:
        copy = writable(deps, str(Path(target) / file.relative_to(origin)) if origin.is_dir() else target)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
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
    files = _files(root)
    hits = [f"{file.relative_to(root) if root.is_dir() else path}:{number}: {line.strip()[:300]}"
            for file in files for number, line in enumerate(_lines(file), start=1) if expression.search(line)]
    more = f"\n[{len(hits) - _MATCHES} more]" if len(hits) > _MATCHES else ""
    return "\n".join(hits[:_MATCHES]) + more or "no line matches"


def page(source: Path, shown_as: str, offset: int, limit: int) -> str:
    """Return a passage of a text file, and how to read on; or the names in a folder."""
    if source.is_dir():
        return "\n".join(sorted(f"{entry.name}/" if entry.is_dir() else entry.name for entry in source.iterdir())) or "(empty folder)"
    lines = _text(source, shown_as).splitlines(keepends=True)
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


def only_once(path: Path, shown_as: str, old: str, new: str) -> str:
    """Return the text of a file with a passage replaced.

    Raises:
        ToolError: the passage does not occur exactly once.
    """
    text = _text(path, shown_as)
    found = text.count(old) if old else 0
    if found != 1:
        raise ToolError(f"the passage occurs {found} times in {shown_as}; it must occur exactly once: give more of its surroundings")
    return text.replace(old, new)


def _files(root: Path) -> list[Path]:
    """Return a file, or the files below a folder: no links, which could lead out of it, and no compiled code."""
    below = sorted(path for path in root.rglob("*") if "__pycache__" not in path.parts) if root.is_dir() else [root]
    return [path for path in below if path.is_file() and not path.is_symlink() and path.resolve().is_relative_to(root)]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        return []


def _text(path: Path, shown: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ToolError(f"there is no file {shown}") from error
    except (UnicodeDecodeError, IsADirectoryError) as error:
        raise ToolError(f"{shown} is not a text file") from error


def _syntax(path: Path, text: str) -> str:
    return _compiled(text) if path.suffix == ".py" else ""


@functools.lru_cache(maxsize=256)  # experiments share most of their files
def _compiled(text: str) -> str:
    try:
        compile(text, "<file>", "exec")
    except SyntaxError as error:
        return f"; syntax error in line {error.lineno}: {error.msg}"
    return ""
