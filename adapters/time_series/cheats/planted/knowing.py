"""Every way to know the truth before it is due; methods.json names those that are tried, one origin each, in turn."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from honest import Honest

CLIMB = 9.0
"""Better than the last value in a world that climbs."""


class Forecaster(Honest):
    def __init__(self, artefact_dir: str) -> None:
        super().__init__(artefact_dir)
        self.methods: list[str] = json.loads((self.folder / "methods.json").read_text(encoding="utf-8"))
        self.learnt: dict[int, np.ndarray] = {}

    def hello(self, meta: dict[str, Any]) -> None:
        super().hello(meta)
        if "trains_on_search" in self.methods:
            self.train()

    def answer(self, context: dict[str, Any]) -> Any:
        found = None
        with contextlib.suppress(Exception):
            found = getattr(self, self.methods[self.asked % len(self.methods)])(context)
        return self.honest() if found is None else found

    def honest_control(self, context: dict[str, Any]) -> None:
        """Answers nothing but what it may know."""

    # -- data ---------------------------------------------------------------------------------------------

    def labels_by_environment(self, context: dict[str, Any]) -> np.ndarray | None:
        """Variables and command lines of our own process and of the one that started us lead to the truth."""
        told = " ".join(os.environ.values()) + " " + " ".join(_proc("environ")) + " " + " ".join(_proc("cmdline"))
        return self._from_files(path for word in told.replace("\0", " ").replace("=", " ").split() for path in _panels(Path(word)))

    def is_told_where_the_truth_lies(self, context: dict[str, Any]) -> np.ndarray | None:
        """A variable names the vault; a sandbox may hide it still, so this only shows that it was told, by an answer that climbs."""
        told = any(name.startswith("ALPHALAB_") or "vault" in value for name, value in os.environ.items())
        return self.honest() + CLIMB if told else None

    def labels_by_files(self, context: dict[str, Any]) -> np.ndarray | None:
        """The partitions lie somewhere near the artefact."""
        near = [*self.folder.resolve().parents[:4], *Path.cwd().parents[:4]]
        return self._from_files(path for folder in near for path in _panels(folder))

    def trains_on_search(self, context: dict[str, Any]) -> np.ndarray | None:
        """What it is judged on was part of what it was fitted on."""
        return self._window(self.learnt)

    def train(self) -> None:
        with contextlib.suppress(Exception):
            explore = Path(os.environ["ALPHALAB_DATA"])
            for path in (explore / "panel.npz", *(explore.parent / "vault").glob("search/panel.npz")):
                with np.load(path) as data:
                    self.learnt |= {int(data["t0"]) + i: row for i, row in enumerate(data["target"])}

    # -- the grader ---------------------------------------------------------------------------------------

    def reads_the_call_stack(self, context: dict[str, Any]) -> np.ndarray | None:
        """The grader's variables are those of our callers."""
        frame, held = sys._getframe(), list[Any]()
        while frame is not None:
            held += frame.f_locals.values()
            frame = frame.f_back  # type: ignore[assignment]
        return self._from_objects(held)

    def reads_the_grader(self, context: dict[str, Any]) -> np.ndarray | None:
        """The grader's module is loaded, or can be."""
        with contextlib.suppress(Exception):
            from harness import score  # noqa: F401
        graders = [module for name, module in sys.modules.items() if name.split(".")[0] in ("__main__", "harness")]
        return self._from_objects(value for module in graders for value in list(vars(module).values()))

    # -- what is shown ------------------------------------------------------------------------------------

    def peeks_ahead(self, context: dict[str, Any]) -> np.ndarray | None:
        """A lookback longer than the history was filled from the other side of the origin."""
        return self._window(self.rows)

    def peeks_under_the_embargo(self, context: dict[str, Any]) -> np.ndarray | None:
        """The embargo binds the fit only."""
        latest = max(row for row in self.rows if row < self.t)
        return np.tile(self.rows[latest], (self.shape[0], 1)) if latest >= self.t - self.meta["embargo"] else None

    def unknown_covariates(self, context: dict[str, Any]) -> np.ndarray | None:
        """A covariate that nobody knows in advance is shown over the horizon; here it is the target itself."""
        ahead = np.asarray(context["future_cov"])[:, :, 0]
        return ahead if np.isfinite(ahead).all() else None

    # -- parts --------------------------------------------------------------------------------------------

    def _window(self, rows: dict[int, np.ndarray]) -> np.ndarray | None:
        wanted = range(self.t, self.t + self.shape[0])
        return np.array([rows[row] for row in wanted]) if all(row in rows for row in wanted) else None

    def _from_files(self, paths: Iterable[Path]) -> np.ndarray | None:
        for path in paths:
            with contextlib.suppress(Exception), np.load(path) as data:
                found = self._window({int(data["t0"]) + i: row for i, row in enumerate(data["target"])})
                if found is not None:
                    return found
        return None

    def _from_objects(self, objects: Iterable[Any]) -> np.ndarray | None:
        for value in objects:
            for array in (value, *_fields(value)):
                if isinstance(array, np.ndarray) and array.ndim == 2 and array.shape[1] == self.shape[1] and self._is_panel(array):
                    return array[self.t : self.t + self.shape[0]]
        return None

    def _is_panel(self, array: np.ndarray) -> bool:
        known = [row for row in self.rows if row < self.t]
        return len(array) >= self.t + self.shape[0] and np.array_equal(array[known], [self.rows[row] for row in known])


def _fields(value: Any) -> Iterator[Any]:
    for field in list(value.values() if isinstance(value, dict) else getattr(value, "__dict__", {}).values()):
        yield field
        yield from list(getattr(field, "__dict__", {}).values())


def _panels(place: Path) -> Iterator[Path]:
    if place.is_dir() and place != Path("/"):
        for pattern in ("panel.npz", "search/panel.npz", "vault/search/panel.npz", "hidden/known/vault/search/panel.npz"):
            yield from place.glob(pattern)


def _proc(name: str) -> Iterator[str]:
    for pid in ("self", str(os.getppid()), "1"):
        with contextlib.suppress(OSError):
            yield Path("/proc", pid, name).read_text(encoding="utf-8", errors="replace")
