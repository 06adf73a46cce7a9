"""The fixture of the harness's own tests; stdlib, numpy and pytest only."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

# the folder that holds harness/
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from harness import config, score
from harness.tests.panels import SERVE, Judge, make_panel, write_panel


@pytest.fixture
def judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Judge:
    """Return a function that scores a step() body (or the baselines) on a target split into explore, search, confirm and sealed."""

    def judge(target: np.ndarray, bounds: tuple[int, ...], body: str | None, *options: str, partition: str = "search",
              serve: str = "serve.py", **task: Any) -> dict[str, Any]:
        edges = [0, *bounds, len(target)]
        for name, first, end in zip(("explore", "search", "confirm", "sealed"), edges[:-1], edges[1:], strict=False):
            write_panel(tmp_path / name, make_panel(target[first:end], t0=first))
        monkeypatch.setenv("ALPHALAB_DATA", str(tmp_path / "explore"))
        monkeypatch.setenv("ALPHALAB_VAULT", str(tmp_path))
        monkeypatch.setattr(score, "load_task", lambda meta: config.parse_task({"horizon": 3, **task}, meta))
        arguments = ["--partition", partition, "--out", str(tmp_path / "score.json"), *options]
        if body is None:
            arguments.append("--baselines")
        else:
            artefact = tmp_path / "artefact"
            artefact.mkdir()
            (artefact / serve).write_text(SERVE.format(body=body.replace("\n", "\n        ")), encoding="utf-8")
            arguments += ["--artefact", str(artefact)]
        return score.measured_or_failed(score.parser().parse_args(arguments))

    return judge
