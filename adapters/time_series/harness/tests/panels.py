"""Panels with known answers, and the candidates that are asked about them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from harness.data_prep import Panel

Judge = Callable[..., dict[str, Any]]
"""Of the fixture `judged`."""
SERVE = """
import os, time
import numpy as np

class Forecaster:
    def __init__(self, artefact_dir):
        self.folder = artefact_dir
    def hello(self, meta):
        self.meta = meta
    def step(self, context):
        shape = (self.meta["horizon"], len(self.meta["items"]))
        {body}
"""


def make_panel(target: np.ndarray, *, t0: int = 0, known: tuple[bool, ...] = (), covariates: np.ndarray | None = None) -> Panel:
    """Return hourly rows of items a, b, ..."""
    rows, items = target.shape
    names = tuple(f"x{c}" for c in range(len(known)))
    return Panel(
        target=target.astype(float), times=3600 * np.arange(t0, t0 + rows), items=tuple("abcdefgh"[:items]),
        covariates=np.zeros((rows, 1, 0)) if covariates is None else covariates, covariate_names=names,
        known=np.array(known, dtype=bool), t0=t0, meta={"freq": "h", "season": 1, "seasons": [1]},
    )


def write_panel(folder: Path, panel: Panel) -> None:
    folder.mkdir(parents=True)
    np.savez(folder / "panel.npz", target=panel.target, times=panel.times, t0=np.int64(panel.t0), items=np.array(panel.items),
             covariates=panel.covariates, covariate_names=np.array(panel.covariate_names, dtype=np.str_), known=panel.known)
    (folder / "meta.json").write_text(json.dumps(panel.meta), encoding="utf-8")
