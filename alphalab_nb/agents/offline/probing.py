"""Probes: code that a rule-based agent runs in its kernel, and the facts it reads from what the cell printed."""

from __future__ import annotations

import ast
import functools
import json
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from alphalab_nb.llm import Call, Result

Fact = dict[str, Any]

_CELL = re.compile(r"\[cell (\S+?)\]")


@functools.cache
def source(name: str) -> str:
    """Return the code of a probe."""
    return files(__package__ or "").joinpath("probes", f"{name}.py").read_text(encoding="utf-8")


@functools.cache
def question(name: str) -> str:
    """Return what a probe asks: its docstring."""
    return (ast.get_docstring(ast.parse(source(name))) or name).strip()


def setup(data: str, task: Mapping[str, Any], probe: str = "setup") -> str:
    """Return the cell that loads the data, for a folder relative to the working one."""
    return source(probe).replace("@DATA@", data).replace("@TASK@", json.dumps(dict(task), sort_keys=True, default=str))


def cell(name: str, code: str | None = None, *, timeout_s: int = 120) -> Call:
    """Return the call that runs a probe."""
    return Call("run_cell", {"reason": question(name), "code": code or source(name), "timeout_s": timeout_s})


def facts(result: Result) -> list[Fact]:
    """Return the JSON lines of a cell that say {"fact": ...}; lines cut by the clip are left out."""
    return list(_facts(result.text))


@functools.lru_cache(maxsize=128)  # a policy is replayed on every request
def _facts(text: str) -> tuple[Fact, ...]:
    return tuple(line for line in json_lines(text) if "fact" in line)


def json_lines(text: str) -> list[dict[str, Any]]:
    """Return the objects among the lines of a text."""
    found: list[dict[str, Any]] = []
    for line in text.splitlines():
        if line.startswith("{"):
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
    return found


def cell_number(result: Result) -> str:
    """Return N of `[cell N]` in the answer of run_cell."""
    match = _CELL.search(result.text)
    return match[1] if match else "?"


def last_line(text: str) -> str:
    """Return the last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "no output"
