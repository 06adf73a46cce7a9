"""Worlds of the tests: a harness with a task of its own, and a vault whose secrets the tests choose."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# the folder that holds harness/
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from harness import score, stream

Scored = Callable[..., dict[str, Any]]


@pytest.fixture
def scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scored:
    """Return a function that judges a point in a world, by the program's own main()."""

    def run(point: object, *, partition: str = "search", seed: int = 0, fidelity: str = "full", world: int = 7, draws: int = 2,
            baselines: bool = False, **task: Any) -> dict[str, Any]:
        _write(tmp_path / "task" / "config.json", {"noise": 1.0, "effect": 1.0, "traps": True, **task})
        monkeypatch.setattr(score, "load_stream", lambda name, vault: stream.load_stream(name, vault, tmp_path / "task"))
        monkeypatch.setenv("ALPHALAB_VAULT", str(tmp_path / "vault"))
        for number, name in enumerate(("search", "confirm", "sealed")):
            _write(tmp_path / "vault" / name / "stream.json", {"partition": name, "world": world, "stream": 100 + number, "draws": draws})
        artefact, out = tmp_path / "artefact", tmp_path / "score.json"
        artefact.mkdir(exist_ok=True)
        (artefact / "point.json").write_text(point if isinstance(point, str) else json.dumps(point), encoding="utf-8")
        what = ["--baselines"] if baselines else ["--artefact", str(artefact)]
        score.main([*what, "--partition", partition, "--seed", str(seed), "--fidelity", fidelity, "--out", str(out)])
        return json.loads(out.read_text(encoding="utf-8"))

    return run


def _write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
