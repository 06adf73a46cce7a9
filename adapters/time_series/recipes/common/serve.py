"""SCORE asks this class: rows go in as time passes, forecasts come out."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from series import History  # noqa: E402  (the artefact's own modules come first)


class Forecaster:
    """Serves the fitted model of one artefact."""

    def __init__(self, artefact_dir: str) -> None:
        self.folder = artefact_dir
        self.model = pickle.loads((Path(artefact_dir) / "model.pkl").read_bytes())
        self.history = History(self.model.lookback, self.model.horizon)

    def hello(self, meta: dict[str, Any]) -> None:
        """Start over from the fitted state: forget what was shown before."""
        self.__init__(self.folder)

    def step(self, context: dict[str, Any]) -> np.ndarray:
        """Return the forecast [H, N] at the origin of this context; a model also forecasts the rows of an embargo."""
        return np.asarray(self.model.predict(self.history.extend(context)), float)[-len(context["future_times"]) :]
