"""RUN of an ensemble: every member in `members/` is RUN on the same rows; the weights come from rows held back before."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from command import SMOKE_BUDGET_S, arguments, smoke_start
from member import Member, run_member
from series import load_panel, read_config, read_task
from weights import cut, fit_weights, held_back


def main() -> None:
    """Fit the members and leave `artefact/` under --out."""
    args, task, config = arguments(), read_task(), read_config()
    codes = [Path("members") / str(number) for number in config["members"]]
    if not codes:
        raise SystemExit("an ensemble needs members: give the numbers of finished experiments")
    budget_s = min(args.budget_s, SMOKE_BUDGET_S) if args.fidelity == "smoke" else args.budget_s
    fits = len(codes) * (2 if config["combine"] == "fitted" else 1)
    options = {"seed": args.seed, "fidelity": args.fidelity, "budget_s": budget_s / fits}
    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=args.out) as scratch:
        data = _data(Path(scratch), args.fidelity, task)
        weights = _weights(codes, data, Path(scratch), task, config, options)
        artefact = args.out / "artefact"
        for code in codes:
            shutil.copytree(run_member(code, Path(scratch) / "final" / code.name, data, **options), artefact / "members" / code.name)
    for name in ("serve.py", "member.py"):
        shutil.copy(name, artefact)
    described = {"members": [code.name for code in codes], "combine": config["combine"], "weights": weights.tolist()}
    (artefact / "ensemble.json").write_text(json.dumps(described), encoding="utf-8")


def _data(scratch: Path, fidelity: str, task: dict[str, Any]) -> Path:
    source = Path(os.environ["ALPHALAB_DATA"])
    if fidelity == "full":
        return source
    panel = load_panel(source, task)
    return cut(source, scratch / "smoke", smoke_start(panel, int(task["horizon"])), panel.rows)


def _weights(
    codes: list[Path], data: Path, scratch: Path, task: dict[str, Any], config: dict[str, Any], options: dict[str, Any]
) -> np.ndarray:
    equal = np.full(len(codes), 1 / len(codes))
    if config["combine"] != "fitted" or options["fidelity"] == "smoke":
        return equal
    panel = load_panel(data, task)
    first = held_back(panel, float(config["held_share"]), int(task["horizon"]))
    if first == panel.rows:
        return equal
    head = cut(data, scratch / "head", 0, first)
    members = [Member(run_member(code, scratch / "early" / code.name, head, **options)) for code in codes]
    return fit_weights(members, panel, first, task, float(config["shrink"]))


if __name__ == "__main__":
    main()
