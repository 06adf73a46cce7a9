"""Plant what needs nothing but the contract: `python attack.py HOME HARNESS`, one JSON line each, as the attacks of adapters give it.

ALPHALAB_DATA and ALPHALAB_VAULT name the campaign's own partitions; nothing but labels is read from what they give.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
WALL_S = 60


def start(home: Path, name: str, row: dict[str, Any], texts: dict[str, str]) -> subprocess.Popen[bytes]:
    """Score one planted artefact at fidelity smoke."""
    artefact = home / "shown" / "artefacts" / name
    artefact.mkdir(parents=True)
    for file, text in row["files"].items():
        (artefact / file).write_text(texts[text], encoding="utf-8")
    vault = os.environ.get("ALPHALAB_VAULT", str(home))
    env = {**os.environ, "ALPHALAB_VAULT": row.get("vault", vault)}
    argv = [sys.executable, "-m", "harness.score", "--artefact", str(artefact), "--partition", "search", "--seed", "0",
            "--fidelity", "smoke", "--out", str(home / f"{name}.json")]
    return subprocess.Popen(argv, cwd=home / "shown", env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def line(home: Path, name: str, row: dict[str, Any], process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """Return what came of it: nothing of this may pass."""
    try:
        process.wait(WALL_S)
        score = json.loads((home / f"{name}.json").read_text(encoding="utf-8"))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        score = {"ok": False}
    except (OSError, ValueError):  # it was not scored, so it was not accepted
        score = {"ok": False}
    accepted = bool(score.get("ok")) or score.get("label") == "ok"
    message = f"labelled {score.get('label')} (value {score.get('value')}), expected a failure" if accepted else ""
    return {"name": name, "cheat": row["cheat"], "by": row["by"], "killed": not accepted, "gain": float(accepted), "message": message}


def main(home: Path, harness: Path) -> None:
    table = yaml.safe_load((HERE / "planted.yaml").read_text(encoding="utf-8"))
    unwanted = shutil.ignore_patterns("__pycache__", "tests")
    shutil.copytree(harness, home / "shown" / "harness", ignore=unwanted, copy_function=shutil.copyfile)
    running = {name: start(home, name, row, table["texts"]) for name, row in table["planted"].items()}
    for name, process in running.items():
        print(json.dumps(line(home, name, table["planted"][name], process)), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
