"""The table of a bench: one row per promise, written after each row so that nothing measured is lost."""

from __future__ import annotations

import json
import operator
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

OUT = Path("build/bench")
_COMPARE = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}


@dataclass
class Found:
    """What a measurement gave."""

    value: float | bool | None
    n: int = 1
    """Observations behind the value."""
    also: dict[str, bool] = field(default_factory=dict)
    """Further conditions of the row; all must hold."""
    detail: dict[str, Any] = field(default_factory=dict)


class Bench:
    """Collects the rows of one area in build/bench/<area>.json. Arguments of the command line choose rows by id."""

    def __init__(self, area: str) -> None:
        self.path = OUT / f"{area}.json"
        self.rows: list[dict[str, Any]] = []
        self._chosen = set(sys.argv[1:])
        if self._chosen and self.path.exists():
            self.rows = json.loads(self.path.read_text(encoding="utf-8"))

    def wants(self, *ids: str) -> bool:
        return not self._chosen or bool(self._chosen & set(ids))

    def measure(self, id: str, *, unit: str, must: str, of: Callable[[], Found]) -> None:
        """Measure one row; an error is a row that failed, and the next one is measured."""
        if not self.wants(id):
            return
        started = time.monotonic()
        try:
            found = of()
        except Exception as error:  # a bench reports every row
            traceback.print_exc()
            found = Found(None, n=0, detail={"error": repr(error)})
        self._add(id, found, unit, must, time.monotonic() - started)

    def _add(self, id: str, found: Found, unit: str, must: str, seconds: float) -> None:
        ok = found.value is not None and _holds(found.value, must) and all(found.also.values())
        row = {"id": id, "value": found.value, "unit": unit, "must": must, "ok": ok, "n": found.n, "seconds": round(seconds, 1),
               "also": found.also, "detail": found.detail}
        self.rows = [old for old in self.rows if old["id"] != id] + [row]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(self.rows, indent=1, default=str), encoding="utf-8")
        print(f"{'ok  ' if ok else 'FAIL'} {id:<14} {found.value} {unit} (must be {must}; n={found.n}; {seconds:.0f} s)", flush=True)
        for name, value in {**found.also, **found.detail}.items():
            print(f"       {name}: {value}", flush=True)


def _holds(value: float | bool, must: str) -> bool:
    if must == "true":
        return value is True
    sign, limit = must.split()
    return bool(_COMPARE[sign](value, float(limit)))
