"""SCORE asks this class: every member forecasts, the answers are combined."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from member import Member


class Forecaster:
    """Serves all members of one artefact."""

    def __init__(self, artefact_dir: str) -> None:
        folder = Path(artefact_dir)
        described = json.loads((folder / "ensemble.json").read_text(encoding="utf-8"))
        self.members = [Member(folder / "members" / name) for name in described["members"]]
        self.median, self.weights = described["combine"] == "median", np.array(described["weights"])

    def hello(self, meta: dict[str, Any]) -> None:
        for member in self.members:
            member.hello(meta)

    def step(self, context: dict[str, Any]) -> np.ndarray:
        """Return the combined forecast [H, N]."""
        answers = np.stack([member.step(context) for member in self.members])
        return np.median(answers, axis=0) if self.median else np.tensordot(self.weights, answers, axes=1)
