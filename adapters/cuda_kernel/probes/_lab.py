"""What every probe shares: a copy of the harness under attack, vaults whose secrets are known, kernels, a scripted lab, findings.

Nothing here imports the harness: it is run as the evaluator runs it. Standard library only.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

STREAMS = {"search": 711000011, "confirm": 711000012, "sealed": 711000013}
"""The secret of each partition."""
SWISH = '{"problem": "swish", "backend": "cpp"}'
SIGNATURE = 'extern "C" void launch(const void* const* in, void* out, const int64_t* sizes, const double* scalars)'
HEAD = "#include <cmath>\n#include <cstdint>\n"
RIGHT = f"""{HEAD}{SIGNATURE} {{
  const float* x = (const float*)in[0];
  for (int64_t i = 0; i < sizes[0] * sizes[1]; i++) ((float*)out)[i] = x[i] / (1 + std::exp(-x[i]));
}}
"""
"""A right kernel for swish."""


def kernel(source: str = RIGHT, description: str = SWISH) -> dict[str, str]:
    """Return the files of an artefact."""
    return {"kernel.json": description, "kernel.cpp": source}


def verdict(speedup: float = 2.0, **changes: Any) -> dict[str, Any]:
    """Return what the lab says of a right kernel that is calm and believed; twice as fast over eager as over the fastest baseline."""
    ratio = {"value": speedup, "low": speedup / 1.05, "high": speedup * 1.05}
    timing = {"candidate_us": 100.0, "baseline_us": 400.0, "floor_us": 40.0, "noisy": False, "cold": 3.0, "clock": "wall", "load": 0.1,
              "peak_mib": 30.0, "rounds": 40, "batch": 2, "graph_breaks": 0}
    return {
        "problem": "swish", "rewrite": False, "backend": "cpp", "candidate": "0", "ok": True, "label": None, "stage": "done", "check": None,
        "message": "", "ranks": True, "speedup": {"eager": {**ratio, "value": 2 * speedup}, "library": ratio}, "quarantine": None,
        "timing": timing, "correctness": {"cases": [{"id": "default/public", "error": 0.25}], "deterministic": True, "worst": 0.25},
        "headline": {"baseline": "library", **ratio}, "units": [], "resources": {}, "machine": {}, "sandbox": "bwrap", "lab": "0",
        **changes,
    }


def noisy(speedup: float = 2.0) -> dict[str, Any]:
    """Return the verdict on a kernel that could not be measured."""
    said = verdict(speedup, ranks=False)
    return {**said, "timing": {**said["timing"], "noisy": True}}


def script(*verdicts: dict[str, Any], trials: tuple[float, ...] = (1.0,)) -> dict[str, Any]:
    """Return what a scripted lab answers."""
    forms = {"eager": {"gain": {"value": 1.0, "low": 1.0, "high": 1.0}, "us": 0.0, "graph_breaks": 0},
             "library": {"gain": {"value": 2.0, "low": 1.9, "high": 2.1}, "us": 200.0, "graph_breaks": 0}}
    rows = [{"value": value, "low": value / 1.06, "high": value * 1.06, "clock": "wall", "noisy": False} for value in trials]
    return {"problems": ["swish", "softmax"], "verdicts": [*verdicts] or [verdict()], "trials": rows,
            "forms": {"forms": forms, "fastest": "library", "failed": {}}}


class Lab:
    """A private copy of the harness, and a place for its campaigns."""

    def __init__(self, home: Path) -> None:
        self.home, self._count = home, 0
        double = home / "scripted" / "kernels_lab"
        double.mkdir(parents=True)
        (double / "__init__.py").touch()  # else the real one, further behind on the path, comes first
        shutil.copyfile(Path(__file__).with_name("_scripted_lab.py"), double / "__main__.py")
        self.asked: list[list[str]] = []
        """What the scripted lab was asked by the last scoring."""

    def score(self, files: dict[str, str] | None, *options: str, answers: dict[str, Any] | None = None, partition: str = "search",
              draws: int = 2, **task: Any) -> dict[str, Any]:
        """Score an artefact; None: the baselines. With `answers` by the scripted lab, else by the real one."""
        self._count += 1
        folder = self.home / f"campaign-{self._count}"
        for name, stream in STREAMS.items():
            _write(folder / "vault" / name / "stream.json", {"partition": name, "world": 5, "stream": stream, "draws": draws})
        _write(folder / "data" / "space.json", {"swish": {}, "softmax": {}})
        _write(self.home / "harness" / "config.json", {"problems": [], "timing_s": 0.5, "metric": "speedup", **task})
        what = ["--baselines"]
        if files is not None:
            (folder / "artefact").mkdir()
            for name, text in files.items():
                (folder / "artefact" / name).write_text(text, encoding="utf-8")
            what = ["--artefact", str(folder / "artefact")]
        return self._run(folder, [*what, "--partition", partition, *options], answers)

    def place(self, text: str) -> tuple[str, int]:
        """Return file and line where a text first stands in the harness: where to look."""
        for path in sorted((self.home / "harness").glob("*.py")):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if text in line:
                    return f"harness/{path.name}", number
        return "harness/score.py", 1

    def _run(self, folder: Path, options: list[str], answers: dict[str, Any] | None) -> dict[str, Any]:
        out, told = folder / "score.json", folder / "answers.json"
        own = {name: value for name, value in os.environ.items() if not name.startswith("ALPHALAB_")}
        env = {**own, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", "ALPHALAB_VAULT": str(folder / "vault"),
               "ALPHALAB_DATA": str(folder / "data")}
        if answers is not None:
            _write(told, answers)
            env |= {"SCRIPTED_LAB": str(told), "PYTHONPATH": str(self.home / "scripted")}
        argv = [sys.executable, "-m", "harness.score", *options, "--out", str(out)]
        done = subprocess.run(argv, cwd=self.home, env=env, capture_output=True, text=True, timeout=150, check=False)
        log = told.with_suffix(".log")
        self.asked = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.is_file() else []
        if not out.is_file():
            raise RuntimeError(f"no score was written (exit {done.returncode}): {done.stderr.strip()[-300:]}")
        return json.loads(out.read_text(encoding="utf-8"))

    def seeds(self) -> list[str]:
        """Return the seeds of what the scripted lab was asked by the last scoring."""
        return [question[question.index("--seed") + 1] for question in self.asked if "--seed" in question]


def _write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


Check = Callable[[Lab], str | None]
"""Returns what is wrong, or None."""


def attack(checks: dict[str, tuple[str, str, Check]]) -> None:
    """Run each check (severity, text that stands at the guilty line, function) and print one JSON line for it.

    Arguments of the program: the folder that holds harness/, then names of checks; none means all.
    """
    source = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve() / "harness"
    chosen = set(sys.argv[2:]) or set(checks)
    with tempfile.TemporaryDirectory(prefix="probe-") as home:
        # without modes: a frozen harness is read-only, its copy gets other tasks
        unwanted = shutil.ignore_patterns("__pycache__", "tests")
        shutil.copytree(source, Path(home) / "harness", ignore=unwanted, copy_function=shutil.copyfile)
        lab = Lab(Path(home))
        for name, (severity, text, check) in checks.items():
            if name not in chosen:
                continue
            message = _answered(check, lab)
            file, line = lab.place(text)
            print(json.dumps({"check": name, "ok": message is None, "severity": severity, "file": file, "line": line,
                              "message": message or "survived"}), flush=True)


def _answered(check: Check, lab: Lab) -> str | None:
    try:
        return check(lab)
    except Exception as error:  # a harness that cannot be attacked is a finding, not an accident of the probe
        return f"the check could not run: {type(error).__name__}: {error}"
