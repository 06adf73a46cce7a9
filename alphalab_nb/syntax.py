"""Parse Python source, one thread at a time."""

from __future__ import annotations

import ast
import threading

_lock = threading.Lock()


def parse(source: str | bytes, *, mode: str = "exec") -> ast.AST:
    """Return the syntax tree of a source.

    CPython's AST constructor counts its recursion in a variable that all threads share: two at once end in "SystemError: AST
    constructor recursion depth mismatch" (python/cpython#106905, seen with two Workers under 3.11).

    Raises:
        SyntaxError: the source is no Python.
    """
    with _lock:
        return ast.parse(source, mode=mode)
