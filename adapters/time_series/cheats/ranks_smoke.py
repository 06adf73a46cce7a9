"""Ask the harness to rank a smoke score, a full one and a failed one: `python ranks_smoke.py --out FILE` where it can be imported."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from harness import score

SCORES = [{"ok": True, "fidelity": "smoke", "value": 0.1}, {"ok": True, "fidelity": "full", "value": 0.5},
          {"ok": False, "fidelity": "full", "value": 0.2}]

if __name__ == "__main__":
    ranked = [row["value"] for row in score.ranked(SCORES)] if hasattr(score, "ranked") else None
    Path(sys.argv[sys.argv.index("--out") + 1]).write_text(json.dumps({"ranked": ranked}), encoding="utf-8")
