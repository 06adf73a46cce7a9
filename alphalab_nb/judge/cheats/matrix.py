"""Plant cheats in a harness, and in a naive one beside it, and say which were stopped: the kill matrix.

An attack is a program in the adapter's folder cheats/ (`attack.py HOME HARNESS`, one JSON line for each planted cheat) with the table
planted.yaml and a naive_score.py on which every cheat gains. It starts candidates in the sandbox that is handed to it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from alphalab_nb.judge.cheats.table import Kind, cheats
from alphalab_nb.sandbox import Sandbox
from alphalab_nb.sandbox.confine import landlock_abi

WALL_S = 600
"""Seconds that an attack may take before it counts as one that did not run. It takes a few; where sources are built and timed, a minute."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """What became of one cheat."""

    cheat: str
    """Name of the planted cheat; id in the table if none was planted."""
    of: str
    """Id in the table."""
    title: str
    applies: bool
    killed: bool | None
    """None: it was not planted in this harness."""
    by: str
    """Who stops it."""
    message: str
    """Of a survivor: what it got away with. Of what was not planted: how it is stopped, or why it does not apply."""
    naive_gain: float | None = None
    """What it gains from the naive evaluation: share of the honest loss, or 1 where something else is wrong than a loss."""


def kill_matrix(
    harness: Path, folder: Path, *, kind: Kind = "program", sandbox: Sandbox | None = None, naive: bool = True,
    env: Mapping[str, str] | None = None,
) -> list[Row]:
    """Attack a harness and return a row for every planted cheat and for every other of the table.

    Args:
        harness: the folder that holds score.py.
        folder: attack.py, planted.yaml and naive_score.py; of the adapter, or `ANY`.
        kind: of artefact that the domain has.
        sandbox: what candidates are started in; None: nothing but a process of their own.
        naive: whether the naive evaluation is attacked as well, for `naive_gain`.
        env: variables for the attack, where it needs the data of a campaign.
    """
    with tempfile.TemporaryDirectory(prefix="cheats-") as home:
        real = _Attack(Path(home) / "real", harness, folder, sandbox, env)
        beside = _Attack(Path(home) / "naive", _naive(Path(home), folder), folder, None, env) if naive else None
        try:
            found = real.lines()
            gains = {name: line["gain"] for name, line in beside.lines().items()} if beside else {}
        finally:
            for attack in filter(None, (real, beside)):
                attack.end()
    planted: dict[str, dict[str, Any]] = yaml.safe_load((folder / "planted.yaml").read_text(encoding="utf-8"))["planted"]
    rows = [_row(name, row, found.get(name), sandbox, real.trouble, gains.get(name)) for name, row in planted.items()]
    return rows + _not_planted({row.of for row in rows}, kind)


def survivors(rows: Sequence[Row]) -> list[Row]:
    """Return the cheats that apply and were not stopped."""
    return [row for row in rows if row.applies and row.killed is False]


class _Attack:
    """One attack under way."""

    def __init__(self, home: Path, harness: Path, folder: Path, sandbox: Sandbox | None, env: Mapping[str, str] | None) -> None:
        (home / "shown").mkdir(parents=True)
        own = {name: value for name, value in os.environ.items() if not name.startswith("ALPHALAB_")}
        # the second is for what is scored again: a campaign, too, asks for a sandbox with each scoring
        names = ("ALPHALAB_CHILD", "ALPHALAB_CHILD_AGAIN") if sandbox else ()
        child = {name: json.dumps(_child(sandbox, home / "shown")) for name in names if sandbox}
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, str(folder / "attack.py"), str(home), str(harness)], env={**own, **threads, **(env or {}), **child},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )
        self.trouble = ""
        """The last words of an attack that did not say all it should have."""

    def lines(self) -> dict[str, dict[str, Any]]:
        """Wait for the end and return what was said of each cheat."""
        try:
            said, errors = self._process.communicate(timeout=WALL_S)
        except subprocess.TimeoutExpired:
            self.end()
            said, errors = self._process.communicate()
            errors += f"\nended after {WALL_S} s"
        self.trouble = errors.strip()[-400:]
        return {line["name"]: line for line in _parsed(said)}

    def end(self) -> None:
        """End it and all that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def _parsed(said: str) -> Iterator[dict[str, Any]]:
    """Yield the lines that are ours; whatever else was printed is no verdict, so its cheat counts as alive."""
    for line in said.splitlines():
        with contextlib.suppress(ValueError):
            found = json.loads(line)
            if isinstance(found, dict) and {"name", "killed", "gain", "message"} <= found.keys():
                yield found


def _child(sandbox: Sandbox, shown: Path) -> list[str]:
    """Return the argv that starts a python which sees what candidates may see, as the pipeline of a campaign makes it."""
    argv, env = sandbox.command([sys.executable], cwd=shown, read_only=[shown], env={"PYTHONPATH": "{harness}"})
    return ["/usr/bin/env", *(f"{name}={value}" for name, value in env.items()), *argv]


def _naive(home: Path, folder: Path) -> Path:
    harness = home / "naive_harness"
    harness.mkdir()
    shutil.copyfile(folder / "naive_score.py", harness / "score.py")
    (harness / "__init__.py").touch()
    return harness


def _row(name: str, row: Mapping[str, Any], line: Mapping[str, Any] | None, sandbox: Sandbox | None, trouble: str,
         gain: float | None) -> Row:
    known = {"cheat": name, "of": row["cheat"], "title": cheats()[row["cheat"]].title, "by": row["by"], "naive_gain": gain}
    if row["by"] == "sandbox" and not _hides_files(sandbox):
        return Row(**known, applies=False, killed=None, message="the sandbox in force cannot hide files, so this could not be stopped")
    if line is None:
        return Row(**known, applies=True, killed=False, message=f"the attack did not run: {trouble}")
    return Row(**known, applies=True, killed=bool(line["killed"]), message=line["message"])


def _hides_files(sandbox: Sandbox | None) -> bool:
    return sandbox is not None and (sandbox.level == "bwrap" or bool(landlock_abi()))


def _not_planted(planted: set[str], kind: Kind) -> list[Row]:
    """Return a row for what this attack does not try."""
    return [
        Row(cheat=cheat.id, of=cheat.id, title=cheat.title, applies=kind in cheat.kinds, killed=None, by=cheat.by, message=cheat.how)
        for cheat in cheats().values() if cheat.id not in planted
    ]
