"""Where planted cheats are scored: worlds whose truth is known here, and the harness under attack, started as the evaluator starts it.

Each scoring is a process of its own, forked from this one so that numpy is loaded once. Nothing here imports the harness.
"""

from __future__ import annotations

import argparse
import compileall
import contextlib
import ctypes
import hashlib
import json
import os
import runpy
import secrets
import shutil
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
LOADED = (argparse, ctypes, hashlib, np)
"""What a harness needs in any case: loaded once, before the scorings are forked."""
HOUR = 3600
HORIZON, STRIDE = 3, 2


@dataclass(frozen=True)
class World:
    """A panel whose every row is known, and how it is judged."""

    target: np.ndarray
    """float64 [T, N]"""
    explore: int
    """Rows of explore; the others are search."""
    task: dict[str, Any] = field(default_factory=dict)
    """Over horizon 3, stride 2, season 1, metric rmse."""
    covariates: np.ndarray | None = None
    """float64 [T, N, C]; none is known in advance."""

    @property
    def origins(self) -> range:
        return range(self.explore + self.task.get("embargo", 0), len(self.target) - HORIZON + 1, STRIDE)

    def windows(self) -> np.ndarray:
        """Return the truth of every origin: [O, H, N]."""
        return np.stack([self.target[origin : origin + HORIZON] for origin in self.origins])


def worlds() -> dict[str, World]:
    """Return every world by its name. Why they differ: each fault shows in one of them."""
    rng = np.random.default_rng(7)
    climb = 3.0 * np.arange(66)[:, None] + rng.normal(0, 0.3, (66, 2)) + [0.0, 100.0]
    wave = 10 * np.sin(2 * np.pi * np.arange(70) / 6)[:, None] + rng.normal(size=(70, 2)) * [1.0, 5.0]
    gaps = wave.copy()
    gaps[41, 0], gaps[46:53, 1] = np.nan, np.nan  # a step, and whole windows
    calm, jump = wave[:43, :1].copy(), wave[:43, :1].copy()
    jump[40:] += 50.0
    return {
        "known": World(climb, 30, {"embargo": 2, "lookback": 50, "smoke_origins": 3}, covariates=climb[:, :, None]),
        "gaps": World(gaps, 40, {"season": 6}),
        "zscore": World(wave * [1.0, 3.0], 40, {"metric": "mse", "scale": "zscore"}),
        "calm": World(calm, 40, {"season": 6}),
        "jump": World(jump, 40, {"season": 6}),
    }


class Stage:
    """A folder with the harness beside each world, what candidates may see below shown/, the truth below hidden/."""

    def __init__(self, home: Path, harness: Path, known: Mapping[str, World]) -> None:
        self.home, self.worlds = home, known
        self._sandbox, self._again = _child("ALPHALAB_CHILD"), _child("ALPHALAB_CHILD_AGAIN")
        self._visit: list[str] = []
        base = home / "harness"
        # without modes: a frozen harness is read-only, its copies get other tasks
        shutil.copytree(harness, base, ignore=shutil.ignore_patterns("__pycache__", "tests"), copy_function=shutil.copyfile)
        compileall.compile_dir(base, quiet=2)
        for name, world in known.items():
            place = home / "shown" / name
            shutil.copytree(base, place / "harness")
            task = {"horizon": HORIZON, "stride": STRIDE, "season": 1, "metric": "rmse", "scale": "none", **world.task}
            (place / "harness" / "config.json").write_text(json.dumps(task), encoding="utf-8")
            _write_panel(home / "hidden" / name / "explore", world, 0, world.explore)
            _write_panel(home / "hidden" / name / "vault" / "search", world, world.explore, len(world.target))

    def score_all(self, asked: Mapping[str, dict[str, Any]], methods: list[str]) -> dict[str, dict[str, Any]]:
        """Return the score of each scoring by its name, a few at a time."""
        for name in asked:
            self._artefact(name, asked[name], methods)
        with self._nursery():
            self._carry_out(asked)
        return {name: self._read(name) for name in asked}

    def _carry_out(self, asked: Mapping[str, dict[str, Any]]) -> None:
        waiting, running, slots = list(asked), dict[int, tuple[str, int]](), max(2, len(os.sched_getaffinity(0)))
        while waiting or running:
            while waiting and len(running) < slots:
                name = waiting.pop(0)
                running[self._start(name, asked[name], 1)] = name, 1
            name, turn = running.pop(os.wait()[0], ("", 0))
            if turn == 1 and asked[name].get("again"):
                running[self._start(name, asked[name], 2)] = name, 2

    @contextlib.contextmanager
    def _nursery(self) -> Iterator[None]:
        """Keep a process at hand that candidates are forked from, inside the sandbox that candidates are started in."""
        place, shown = secrets.token_hex(8), self.home / "shown"
        program = shutil.copyfile(HERE / "nursery.py", shown / "nursery.py")
        prefix = [part.replace("{harness}", str(shown)).replace("{artefact}", str(shown)) for part in self._sandbox]
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(f"\0{place}")  # no file: the path of a socket has to be short
            listener.listen(64)
            listener.set_inheritable(True)
            process = subprocess.Popen([*prefix, str(program), str(listener.fileno())], env={}, pass_fds=[listener.fileno()])
        self._visit = [sys.executable, "-I", "-S", str(HERE / "visit.py"), place]
        try:
            yield
        finally:
            process.kill()
            process.wait()

    def _artefact(self, name: str, asked: dict[str, Any], methods: list[str]) -> None:
        folder = self.home / "shown" / "artefacts" / name
        folder.mkdir(parents=True)
        (folder / "methods.json").write_text(json.dumps(methods), encoding="utf-8")
        if "candidate" in asked:
            shutil.copyfile(HERE / "planted" / "honest.py", folder / "honest.py")
            shutil.copyfile(HERE / "planted" / f"{asked['candidate']}.py", folder / "serve.py")

    def _start(self, name: str, asked: dict[str, Any], turn: int) -> int:
        """Start one scoring in a process of its own; return its number."""
        out = self.home / "out" / f"{name}.json"
        out.parent.mkdir(exist_ok=True)
        out.unlink(missing_ok=True)
        pid = os.fork()
        if pid:
            return pid
        try:
            self._become(name, asked, out, turn)
        except SystemExit:
            pass
        except BaseException:
            traceback.print_exc()
        finally:
            with contextlib.suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(0)

    def _become(self, name: str, asked: dict[str, Any], out: Path, turn: int) -> None:
        hidden = self.home / "hidden" / asked["world"]
        os.chdir(self.home / "shown" / asked["world"])
        for stream, fd in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
            path = os.devnull if fd == 0 else str(out.with_suffix(f".{stream}"))
            os.dup2(os.open(path, os.O_RDONLY if fd == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), fd)
        alone = self._sandbox if turn == 1 else self._again
        os.environ["ALPHALAB_CHILD"] = json.dumps(alone if asked.get("alone") else self._visit)
        os.environ["ALPHALAB_DATA"] = str(hidden / "explore")
        os.environ["ALPHALAB_VAULT"] = str(hidden / asked.get("vault", "vault"))
        os.environ["PLANTED_LIMIT_S"] = str(asked.get("limit_s", 60))
        sys.path[:] = [str(Path.cwd()), *(entry for entry in sys.path if Path(entry or ".").resolve() != HERE)]
        sys.argv = ["score", "--partition", "search", "--out", str(out), *asked.get("options", [])]
        if "program" in asked:
            runpy.run_path(str(HERE / asked["program"]), run_name="__main__")
            return
        if "--baselines" not in sys.argv:
            sys.argv += ["--artefact", str(self.home / "shown" / "artefacts" / name)]
        runpy.run_module("harness.score", run_name="__main__", alter_sys=True)

    def _read(self, name: str) -> dict[str, Any]:
        out = self.home / "out" / f"{name}.json"
        try:
            return json.loads(out.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            log = out.with_suffix(".stderr")
            told = log.read_text(encoding="utf-8", errors="replace").strip()[-300:] if log.is_file() else ""
            return {"ok": False, "label": "no score", "value": None, "units": [], "error": told}


def _child(variable: str) -> list[str]:
    """Return the argv that starts a python in the sandbox; without one, it is just a python."""
    return json.loads(os.environ.get(variable) or "null") or [sys.executable]


def _write_panel(folder: Path, world: World, first: int, end: int) -> None:
    folder.mkdir(parents=True)
    rows, items = end - first, [f"item{n}" for n in range(world.target.shape[1])]
    covariates = np.zeros((len(world.target), 1, 0)) if world.covariates is None else world.covariates
    count = covariates.shape[2]
    np.savez(folder / "panel.npz", target=world.target[first:end], times=np.arange(first, end) * HOUR, t0=np.int64(first),
             items=np.array(items), covariates=covariates[first:end], known=np.zeros(count, dtype=bool),
             covariate_names=np.array([f"cov{c}" for c in range(count)], dtype=np.str_))
    meta = {"freq": "h", "season": 1, "seasons": [1], "partition": folder.name, "rows": rows, "items": len(items), "t0": first}
    (folder / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
