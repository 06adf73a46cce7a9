"""Runs an experiment's program as a campaign will, and lets its artefact answer on the tail of explore. Prints a report, no score.

Run inside an agent's sandbox as `python reality.py JSON`; standard library and numpy only. JSON: code, data, harness (folders),
task, budget_s, wall_s. Exit code 1: something is wrong, and the report says what.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

TAIL = 1500
"""Characters of an error."""
SCRATCH = shutil.ignore_patterns("__pycache__", "jobs", "*.ipynb", ".ipynb_checkpoints")
RECORDER = '''

# -- added by the reality check: what is answered, and which files serving opens --
def _alphalab_record():
    import json, os, sys, time
    import numpy as np
    places, out, answer = {places!r}, open({out!r}, "a"), Forecaster.step
    sys.addaudithook(lambda event, args: event == "open" and isinstance(args[0], str) and any(
        os.path.realpath(args[0]).startswith(place) for place in places) and say(opened=args[0]))
    def say(**facts):
        out.write(json.dumps(facts) + "\\n")
        out.flush()
    def step(self, context):
        began = time.monotonic()
        given = answer(self, context)
        seen = np.asarray(given, dtype=float)
        kept = seen[np.isfinite(seen)]
        say(shape=seen.shape, finite=kept.size == seen.size, low=float(kept.min()) if kept.size else None,
            high=float(kept.max()) if kept.size else None, seconds=time.monotonic() - began)
        return given
    Forecaster.step = step
if "Forecaster" in globals():
    _alphalab_record()
'''
"""Stands behind the artefact's own serve.py, so that the harness asks the very program that it will ask later."""


class Wrong(Exception):
    """The program is not ready; the message says why."""


@dataclass(frozen=True)
class Ended:
    """A process that has ended."""

    code: int | None
    """None: it took too long and was killed."""
    seconds: float
    said: str


def check(home: Path, asked: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of the report.

    Raises:
        Wrong: what has to be mended first.
    """
    artefact = home / "out" / "artefact"
    yield run(home, artefact, asked)
    if not Path(asked["harness"], "score.py").is_file():
        raise Wrong("there is no harness yet that could ask the artefact")
    tail, rows = lay_out(home, Path(asked["data"]), asked["task"])
    score, ended = ask(home, artefact, asked)
    yield from describe(home, score, tail, rows)
    yield judged(score, ended)


def run(home: Path, artefact: Path, asked: dict[str, Any]) -> str:
    """RUN: from a read-only copy, as from a snapshot."""
    code = home / "code"
    shutil.copytree(asked["code"], code, ignore=SCRATCH, symlinks=True)
    protect(code)
    argv = [sys.executable, "run.py", "--out", str(home / "out"), "--seed", "0", "--fidelity", "smoke",
            "--budget-s", f"{asked['budget_s']:g}"]
    (home / "out").mkdir()
    ended = execute(argv, code, {"ALPHALAB_DATA": asked["data"], "ALPHALAB_TASK": json.dumps(asked["task"])}, asked["wall_s"])
    what = f"run.py in smoke fidelity: {exit_of(ended)} in {ended.seconds:.1f} s"
    if ended.code != 0:
        raise Wrong(f"{what}\n{ended.said}")
    files = sorted(path for path in artefact.rglob("*") if path.is_file()) if artefact.is_dir() else []
    if not files:
        raise Wrong(f"{what}, but it left nothing in DIR/artefact/\n{ended.said}")
    return f"{what}; artefact: " + ", ".join(f"{path.relative_to(artefact)} {path.stat().st_size / 1024:.1f} KiB" for path in files[:20])


def lay_out(home: Path, data: Path, task: dict[str, Any]) -> tuple[np.ndarray, int]:
    """Split explore into a shorter explore and a tail in the place of search; return the values of the tail and its rows."""
    meta = json.loads((data / "meta.json").read_text(encoding="utf-8"))
    with np.load(data / "panel.npz", allow_pickle=False) as panel:
        arrays = {name: panel[name] for name in panel.files}
    rows, window = len(arrays["target"]), int(task.get("horizon") or 1) + int(task.get("embargo") or 0)
    wanted = window + int(task.get("stride") or 1) * (int(task.get("smoke_origins") or 10) - 1)
    cut = rows - min(wanted, rows // 2)
    if rows - cut < window:
        raise Wrong(f"explore has {rows} rows: too few for a window of {window} and a history before it")
    write_part(home / "explore", arrays, meta, 0, cut)
    write_part(home / "vault" / "search", arrays, meta, cut, rows)
    return arrays["target"][cut:], rows - cut


def write_part(folder: Path, arrays: dict[str, np.ndarray], meta: dict[str, Any], first: int, end: int) -> None:
    folder.mkdir(parents=True)
    rows, t0 = len(arrays["target"]), int(arrays["t0"])
    cut = {name: arrays[name][first:end] for name in ("target", "times", "covariates") if name in arrays and len(arrays[name]) == rows}
    np.savez(folder / "panel.npz", **{**arrays, **cut, "t0": np.int64(t0 + first)})  # type: ignore[arg-type]
    said = {**meta, "partition": folder.name, "rows": end - first, "t0": t0 + first}
    (folder / "meta.json").write_text(json.dumps(said), encoding="utf-8")


def ask(home: Path, artefact: Path, asked: dict[str, Any]) -> tuple[dict[str, Any], Ended]:
    """Let the harness ask the artefact, which records what it answers."""
    served = home / "artefact"
    shutil.copytree(artefact, served)
    protect(served, mode=0o755)  # what RUN copied from its read-only folder is read-only, too
    serve, places = served / "serve.py", [str(Path(asked[name]).resolve()) + os.sep for name in ("code", "data")]
    if serve.is_file():
        places += [str((home / name).resolve()) + os.sep for name in ("code", "explore", "vault")]
        recorder = RECORDER.format(places=places, out=str(home / "answers.jsonl"))
        serve.write_text(serve.read_text(encoding="utf-8") + recorder, encoding="utf-8")
    shutil.copytree(asked["harness"], home / "harness", ignore=shutil.ignore_patterns("__pycache__"))
    out = home / "score.json"
    argv = [sys.executable, "-m", "harness.score", "--artefact", str(served), "--partition", "search", "--seed", "0", "--fidelity", "smoke",
            "--out", str(out)]
    ended = execute(argv, home, {"ALPHALAB_DATA": str(home / "explore"), "ALPHALAB_VAULT": str(home / "vault")}, asked["wall_s"])
    if not out.is_file():
        raise Wrong(f"the harness gave no answer: {exit_of(ended)} in {ended.seconds:.1f} s\n{ended.said}")
    return json.loads(out.read_text(encoding="utf-8")), ended


def describe(home: Path, score: dict[str, Any], tail: np.ndarray, rows: int) -> Iterator[str]:
    """Say what was answered, and which files will not be there."""
    path = home / "answers.jsonl"
    facts = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []
    steps = [fact for fact in facts if "shape" in fact]
    opened = sorted({fact["opened"] for fact in facts if "opened" in fact})
    if steps:
        yield f"on the last {rows} rows of explore: " + summary(steps) + f"; the data there: {spread(tail)}"
    if opened:
        raise Wrong(f"serving opened {', '.join(opened[:5])}: only the artefact will be there")
    if score["ok"] and not steps:
        yield "what was answered could not be recorded: serve.py has no class Forecaster with step()"


def summary(steps: list[dict[str, Any]]) -> str:
    shapes = sorted({tuple(step["shape"]) for step in steps})
    broken = sum(not step["finite"] for step in steps)
    known = [step for step in steps if step["low"] is not None]
    span = f"{min(s['low'] for s in known):.6g} to {max(s['high'] for s in known):.6g}" if known else "nothing finite"
    return (f"{len(steps)} answers of shape {' and '.join(map(str, shapes))}, {f'{broken} not finite' if broken else 'all finite'}, "
            f"{max(step['seconds'] for step in steps):.3f} s at most, forecasts {span}")


def spread(values: np.ndarray) -> str:
    known = values[np.isfinite(values)]
    return f"{known.min():.6g} to {known.max():.6g}" if known.size else "all missing"


def judged(score: dict[str, Any], ended: Ended) -> str:
    """Say whether an evaluation would take the answers, and nothing of how good they are."""
    if not score["ok"]:
        raise Wrong(f"an evaluation would fail: {score['label']} after {ended.seconds:.1f} s\n{str(score.get('error', ''))[-TAIL:]}")
    gates = ", ".join(str(gate.get("name")) for gate in score.get("gates", []))
    return f"an evaluation would take it: {ended.seconds:.1f} s" + (f"; gates kept: {gates}" if gates else "")


def execute(argv: list[str], cwd: Path, variables: dict[str, str], wall_s: float) -> Ended:
    """Run a process with all its children, wall_s seconds at most."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(argv, cwd=cwd, env={**os.environ, **variables}, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   start_new_session=True, preexec_fn=end_with_me)
        try:
            code = process.wait(wall_s)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            end_group(process)
        seconds = time.monotonic() - began
        log.seek(0)
        return Ended(code, seconds, log.read().decode(errors="replace").strip()[-TAIL:])


def end_with_me() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def end_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def exit_of(ended: Ended) -> str:
    return "was stopped" if ended.code is None else f"exit {ended.code}"


def protect(folder: Path, *, mode: int = 0o555) -> None:
    """Set the mode of a folder's folders; files may only be written with the same right."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(mode if path.is_dir() else mode & 0o666)


def main() -> int:
    """Print the report; return the exit code."""
    asked, home = json.loads(sys.argv[1]), Path(tempfile.mkdtemp(prefix="reality-"))
    try:
        for line in check(home, asked):
            sys.stdout.write(line + "\n")
    except Wrong as error:
        sys.stdout.write(f"NOT READY: {error}\n")
        return 1
    else:
        return 0
    finally:
        protect(home, mode=0o755)
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
