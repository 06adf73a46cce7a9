"""The numbers in a problem's text: which module-level constants it has, and the same text with others.

Only the digits are replaced, so comments, layout and line numbers stay as their author wrote them. Knows nothing of torch.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kernels_lab.errors import ProblemError

_ARITHMETIC = (ast.Constant, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop)
"""What a constant may be made of: `1024 * 2` is one."""

_MAKERS = ("get_inputs", "get_init_inputs")


@dataclass(frozen=True)
class Slot:
    """One number in the text: `rows = 1024` is `rows`, `shape = (64, 32)` is `shape[0]` and `shape[1]`."""

    name: str
    value: int | float
    node: ast.expr


def slots(source: str) -> list[Slot]:
    """Numbers bound by assignments at module level, in the order of the text; a name bound twice counts once, at its last place."""
    found = {slot.name: slot for statement in _parse(source).body if isinstance(statement, ast.Assign) for slot in _bound(statement)}
    return sorted(found.values(), key=lambda slot: (slot.node.lineno, slot.node.col_offset))


def literals(source: str) -> list[Slot]:
    """Whole numbers written out in the functions that make inputs: `get_inputs[0]`, `get_inputs[1]`, `get_init_inputs[0]`, ..."""
    makers = [part for part in _parse(source).body if isinstance(part, ast.FunctionDef) and part.name in _MAKERS]
    return [slot for maker in makers for slot in _written_out(maker)]


def sizes(source: str) -> dict[str, int]:
    """Whole numbers among the slots: sizes, counts, windows."""
    return {slot.name: slot.value for slot in slots(source) if isinstance(slot.value, int)}


def scalars(source: str) -> dict[str, float]:
    """Fractional numbers among the slots: epsilons, slopes, scales."""
    return {slot.name: slot.value for slot in slots(source) if isinstance(slot.value, float)}


def replaced(source: str, values: Mapping[str, int]) -> str:
    """The text with other numbers in the named slots or literals."""
    known = {slot.name: slot for slot in [*slots(source), *literals(source)]}
    if unknown := sorted(set(values) - set(known)):
        raise ProblemError(f"no constant {', '.join(unknown)} at module level; there are: {', '.join(known) or 'none'}")
    lines = source.encode().splitlines(keepends=True)
    for slot in sorted((known[name] for name in values), key=lambda slot: (slot.node.lineno, slot.node.col_offset), reverse=True):
        _write(lines, slot.node, str(values[slot.name]))
    return b"".join(lines).decode()


def _parse(source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError as e:
        raise ProblemError(f"not Python: line {e.lineno}: {e.msg}") from e


def _bound(statement: ast.Assign) -> Iterator[Slot]:
    """Slots of `name = number`, `name = (number, ...)` and `name, name = number, number`."""
    target, value = statement.targets[0], statement.value
    if isinstance(target, ast.Name):
        yield from _slot(target.id, value)
        if isinstance(value, ast.Tuple):
            for place, element in enumerate(value.elts):
                yield from _slot(f"{target.id}[{place}]", element)
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for name, element in zip(target.elts, value.elts):
            if isinstance(name, ast.Name):
                yield from _slot(name.id, element)


def _written_out(maker: ast.FunctionDef) -> Iterator[Slot]:
    place = 0
    for node in ast.walk(maker):
        if isinstance(node, ast.Constant) and isinstance(node.value, int) and not isinstance(node.value, bool):
            yield Slot(f"{maker.name}[{place}]", node.value, node)
            place += 1


def _slot(name: str, node: ast.expr) -> Iterator[Slot]:
    if all(isinstance(part, _ARITHMETIC) for part in ast.walk(node)):
        value = eval(compile(ast.Expression(node), "<constant>", "eval"), {"__builtins__": {}})
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield Slot(name, value, node)


def _write(lines: list[bytes], node: ast.expr, text: str) -> None:
    """Put text in the place of one expression; its columns are counted in bytes, and it may run over lines."""
    first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
    lines[first : last + 1] = [lines[first][: node.col_offset] + text.encode() + lines[last][node.end_col_offset :]]
