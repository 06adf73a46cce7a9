"""`python -m tests.tools.golden` writes the golden schemas of all tools anew; read their diff before you commit it."""

from __future__ import annotations

import json
from pathlib import Path

from alphalab_nb.tools import TOOLS

GOLDEN = Path(__file__).parents[1] / "golden" / "tools" / "schemas.json"


def schemas() -> str:
    """Return what models are told of the tools, by name."""
    return json.dumps({name: TOOLS[name].schema for name in sorted(TOOLS)}, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    GOLDEN.parent.mkdir(parents=True, exist_ok=True)
    GOLDEN.write_text(schemas(), encoding="utf-8")
