"""What an opened card shows: code and its difference to the parent, runs, moves, debrief, notebooks, log, cost."""

from __future__ import annotations

import difflib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from alphalab_nb.beneath import passage
from alphalab_nb.panel.sections import clipped
from alphalab_nb.parts import Parts
from alphalab_nb.storage.board import sound
from alphalab_nb.storage.experiment import Experiment, Run

_CHARS = 20_000
"""Of one text: a file, the difference, a debrief."""
_LOG_CHARS = 8_000
_FILES = 12
_CODE = (".py", ".yaml", ".json", ".md", ".toml", ".txt", ".cpp", ".cu", ".h")


def detail(parts: Parts, id: int) -> dict[str, Any]:
    """Return everything about one experiment, as JSON data.

    Raises:
        NotFound: no such experiment.
    """
    experiment = parts.board.get(id)
    runs = parts.board.runs(id)
    code = _code(parts, experiment)
    found = {
        "experiment": asdict(experiment),
        "attempts": [{"number": a.number, "commit": a.commit[:12]} for a in parts.board.attempts(id)],
        "runs": [_run(run) for run in runs],
        "moves": [asdict(move) for move in parts.board.history(id)],
        "code": [{"file": name, "text": text} for name, text in code.items()],
        "diff": _difference(parts, experiment, code),
        "debrief": passage(parts.workspace.root, parts.workspace.experiment(id, experiment.name) / "debrief.md", _CHARS) or "",
        "notebooks": _notebooks(parts, experiment),
        "log": _log(parts, runs),
        "cost": _cost(parts, id),
        "notes": [asdict(note) for note in parts.board.notes() if note.experiment == id],
    }
    return json.loads(sound(json.dumps(clipped(found, _CHARS), default=str, ensure_ascii=False)))


def _run(run: Run) -> dict[str, Any]:
    score = run.score
    return {
        "id": run.id, "kind": run.kind, "fidelity": run.fidelity, "partition": run.partition, "seed": run.seed, "status": run.status,
        "seconds": round(run.seconds, 2), "started": run.started, "ended": run.ended,
        "label": score.label if score else "", "value": score.value if score and _shown(run) else None,
        "error": score.error if score and _shown(run) else "",
    }


def _shown(run: Run) -> bool:
    """Scores on confirm and sealed are for the end of the campaign; people who steer by them would fit to them."""
    return run.partition == "search"


def _code(parts: Parts, experiment: Experiment) -> dict[str, str]:
    """Return the files of the newest attempt, else what the Worker has written so far."""
    attempts = parts.board.attempts(experiment.id)
    own = parts.workspace.experiment(experiment.id, experiment.name)
    folder = parts.workspace.attempt(experiment.id, attempts[-1].number) if attempts else own
    names = [path for path in sorted(folder.rglob("*")) if path.suffix in _CODE and "__pycache__" not in path.parts and _is_own(path)]
    texts = {str(path.relative_to(folder)): passage(parts.workspace.root, path, _CHARS) for path in names[:_FILES]}
    return {name: text for name, text in texts.items() if text is not None}


def _is_own(path: Path) -> bool:
    """Whether it is a file of the program: no link, and not our own note of what the experiment is."""
    return path.is_file() and not path.is_symlink() and path.name != "experiment.json"


def _difference(parts: Parts, experiment: Experiment, code: dict[str, str]) -> str:
    if experiment.parent is None:
        return ""
    before = _code(parts, parts.board.get(experiment.parent))
    lines: list[str] = []
    for name in sorted({*before, *code}):
        old, new = before.get(name, "").splitlines(), code.get(name, "").splitlines()
        lines += difflib.unified_diff(old, new, f"#{experiment.parent}/{name}", f"#{experiment.id}/{name}", lineterm="")
    return "\n".join(lines)


def _notebooks(parts: Parts, experiment: Experiment) -> list[dict[str, str]]:
    found = sorted(parts.workspace.agents.glob(f"{experiment.id:03d}_{experiment.name}_*.ipynb"), key=_age)
    return [{"label": path.stem.removeprefix(f"{experiment.id:03d}_{experiment.name}_"), "path": _relative(parts, path)} for path in found]


def _log(parts: Parts, runs: list[Run]) -> str:
    """Return the end of what the newest run on search printed."""
    for run in reversed([run for run in runs if _shown(run)]):
        for path in sorted(parts.workspace.run(run.id).glob("*/*.log"), key=_age, reverse=True):
            text = passage(parts.workspace.root, path, -_LOG_CHARS)
            if text and text.strip():
                return text
    return ""


def _age(path: Path) -> float:
    return path.lstat().st_mtime  # a link may lead nowhere


def _cost(parts: Parts, id: int) -> dict[str, Any]:
    rows = [row for row in parts.ledger.by("experiment") if row["experiment"] == id]
    names = {"usd": "usd", "input_tokens": "input_tokens", "output_tokens": "output_tokens", "requests": "calls"}
    return {name: rows[0][column] if rows else 0 for name, column in names.items()}


def _relative(parts: Parts, path: Path) -> str:
    return str(path.relative_to(parts.workspace.root))
