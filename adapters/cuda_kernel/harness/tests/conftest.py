"""A harness whose lab says what a test tells it, and a vault whose secrets the tests choose."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

# the folder that holds harness/
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from harness import lab, score, stream
from harness.tests.scripted import KERNEL, Scored, Script


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    """Return the lab of a test; without this fixture the real one is asked."""
    made = Script()
    monkeypatch.setattr(lab.Lab, "_asked", lambda self, *question: made.answer(*question))
    return made


@pytest.fixture
def scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scored:
    """Return a function that judges an artefact, or the baselines, by the program's own main()."""

    def run(files: dict[str, str] = KERNEL, *options: str, partition: str = "search", seed: int = 0, draws: int = 2, secret: int = 100,
            baselines: bool = False, families: tuple[str, ...] = ("swish", "rms_norm"), **task: Any) -> dict[str, Any]:
        _write(tmp_path / "task" / "config.json", {"problems": [], "timing_s": 0.5, "metric": "speedup", **task})
        monkeypatch.setattr(score, "load_task", lambda: stream.load_task(tmp_path / "task"))
        for number, name in enumerate(("search", "confirm", "sealed")):
            _write(tmp_path / "vault" / name / "stream.json", {"partition": name, "world": 7, "stream": secret + number, "draws": draws})
        _write(tmp_path / "data" / "space.json", {family: {} for family in families})
        monkeypatch.setenv("ALPHALAB_VAULT", str(tmp_path / "vault"))
        monkeypatch.setenv("ALPHALAB_DATA", str(tmp_path / "data"))
        artefact, out = tmp_path / "artefact", tmp_path / "score.json"
        artefact.mkdir(exist_ok=True)
        for name, text in files.items():
            (artefact / name).write_text(text, encoding="utf-8")
        what = ["--baselines"] if baselines else ["--artefact", str(artefact)]
        score.main([*what, "--partition", partition, "--seed", str(seed), *options, "--out", str(out)])
        return json.loads(out.read_text(encoding="utf-8"))

    return run


def _write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")

