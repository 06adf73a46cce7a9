"""Evaluator: guards the frozen harness, makes the commands that score with it, and reads the scores. Nobody else makes a Score."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alphalab_nb.errors import HarnessChanged
from alphalab_nb.executors import Command, Exit, Limits
from alphalab_nb.judge.certificate import BaselineScores
from alphalab_nb.process import write_atomic
from alphalab_nb.storage.experiment import Label, Score
from alphalab_nb.storage.harnesses import fingerprint
from alphalab_nb.workspace import Workspace

SCORE = "score.json"
BASELINES = "baselines.json"
_IGNORED = ("__pycache__", ".ipynb_checkpoints")


class _NotFinite(ValueError):
    """A number in score.json is NaN or infinite."""


class _Unit(BaseModel):
    model_config = ConfigDict(strict=True)

    id: str
    value: float = Field(allow_inf_nan=False)


class _ScoreFile(BaseModel):
    """score.json as contract.md describes it; the harness may add fields."""

    model_config = ConfigDict(extra="ignore", strict=True)

    ok: bool
    label: Label
    metric: str | None = None
    value: float | None = Field(None, allow_inf_nan=False)
    units: list[_Unit] = []
    gates: list[dict[str, Any]] = []
    secondary: dict[str, Any] = {}
    harness: str = ""
    error: str = ""


class Evaluator:
    """The harness of one campaign. Making one touches nothing on disk."""

    def __init__(self, harness: Path, workspace_root: Path) -> None:
        self._harness = harness
        self._workspace = Workspace(workspace_root)
        self._record = self._workspace.root / "build" / "harness.json"
        """Outside the harness, so that nothing in it vouches for itself."""

    # -- freezing ----------------------------------------------------------------------------------------

    def freeze(self) -> str:
        """Make the harness read-only and remember what is in it; return its version.

        Raises:
            HarnessChanged: there is no harness to freeze.
        """
        if not (self._harness / "score.py").is_file():
            raise HarnessChanged(f"{self._harness} holds no score.py; run phase build first")
        self._drop_bytecode()
        files = self._hashes()
        version = fingerprint(files)
        for name in files:
            path = self._harness / name
            path.chmod(path.stat().st_mode & ~0o222)
        self._record.parent.mkdir(parents=True, exist_ok=True)
        record = {"version": version, "files": files, "frozen": datetime.now(UTC).isoformat(timespec="seconds")}
        write_atomic(self._record, json.dumps(record, indent=1))
        return version

    @property
    def version(self) -> str:
        """Version of the frozen harness; empty before it is frozen."""
        return str(self._frozen().get("version", ""))

    def present_version(self) -> str:
        """Return the version of the files as they are now, whatever the record says of them.

        Raises:
            HarnessChanged: a link is among them.
        """
        self._drop_bytecode()
        return fingerprint(self._hashes())

    def check(self) -> None:
        """Make sure that the harness is what was frozen.

        Raises:
            HarnessChanged: names the first file that differs, is missing or is new; or nothing was frozen.
        """
        frozen: dict[str, str] = self._frozen().get("files", {})
        if not frozen:
            raise HarnessChanged(f"the harness was never frozen ({self._record} is missing); run phase build first")
        self._drop_bytecode()
        found = self._hashes()
        for name in sorted({*frozen, *found}):
            if frozen.get(name) != found.get(name):
                what = "is new" if name not in frozen else "is missing" if name not in found else "was changed"
                raise HarnessChanged(
                    f"harness/{name} {what} since it was frozen: scores would not be comparable; restore it, or "
                    "take it as a new version with `alphalab-nb rescore --yes`"
                )

    def _frozen(self) -> dict[str, Any]:
        try:
            return json.loads(self._record.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}

    def _hashes(self) -> dict[str, str]:
        """Return the hash of every file by its path in the harness, sorted."""
        hashes: dict[str, str] = {}
        for path in self._harness.rglob("*"):
            inside = path.relative_to(self._harness)
            if path.is_symlink():
                raise HarnessChanged(f"harness/{inside} is a link; put the file itself there, only then can it be frozen")
            if path.is_file() and not any(part in _IGNORED for part in inside.parts):
                hashes[inside.as_posix()] = hashlib.sha256(path.read_bytes()).hexdigest()
        return dict(sorted(hashes.items()))

    def _drop_bytecode(self) -> None:
        """Compiled files are not hashed and Python prefers them to the sources: none may stay from before."""
        for folder in [*self._harness.rglob("__pycache__")]:
            shutil.rmtree(folder, ignore_errors=True)

    # -- commands ----------------------------------------------------------------------------------------

    def score_command(
        self, *, artefact: Path, partition: str, seed: int, fidelity: str, folder: Path, limits: Limits,
        child: Sequence[str] = (), child_env: Mapping[str, str] | None = None,
    ) -> Command:
        """Return the command that judges an artefact and leaves score.json in `folder`.

        Args:
            child: argv that starts a python in the sandbox for candidate code, with `{artefact}` and `{harness}` in it.
            child_env: variables which that python needs beyond the few that the harness passes on.
        """
        out = _fresh(folder / SCORE)
        options = ["--artefact", str(artefact), "--partition", partition, "--seed", str(seed), "--fidelity", fidelity, "--out", str(out)]
        start = [*_set(child_env or {}), *(child or (sys.executable,))]
        return self._command(sys.executable, options, folder, limits, f"score-{partition}", {"ALPHALAB_CHILD": json.dumps(start)})

    def baselines_command(
        self, *, partition: str, folder: Path, out: Path, limits: Limits, python: str = sys.executable, seed: int = 0
    ) -> Command:
        """Return the command that judges the baselines and writes them to `out`."""
        options = ["--baselines", "--partition", partition, "--seed", str(seed), "--out", str(_fresh(out))]
        return self._command(python, options, folder, limits, f"baselines-{partition}", {})

    def _command(self, python: str, options: list[str], folder: Path, limits: Limits, name: str, extra: dict[str, str]) -> Command:
        env = {
            "ALPHALAB_DATA": str(self._workspace.explore_data), "ALPHALAB_VAULT": str(self._workspace.vault),
            "ALPHALAB_HARNESS": self.version, "PYTHONHASHSEED": "0", **extra,
        }
        argv = (python, "-m", f"{self._harness.name}.score", *options)
        return Command(argv=argv, cwd=self._harness.parent, folder=folder, env=env, limits=limits, name=name)

    # -- baselines ---------------------------------------------------------------------------------------

    def baselines_folder(self, partition: str, seed: int) -> Path:
        """Return where the baselines' scores of a partition lie."""
        return self._workspace.build / f"baselines_{partition}" / f"seed_{seed}"

    def stored_baselines(self, partition: str) -> dict[int, BaselineScores]:
        """Return what the harness measured of the baselines on a partition, with units, by seed."""
        files = sorted((self._workspace.build / f"baselines_{partition}").glob(f"seed_*/{BASELINES}"))
        return {int(path.parent.name.removeprefix("seed_")): read_baselines(path) for path in files}

    # -- scores ------------------------------------------------------------------------------------------

    def read(self, folder: Path, end: Exit) -> Score:
        """Return the score of an ended scoring job; it never believes more than score.json proves."""
        spent = {"wall_s": end.wall_s, "cpu_s": end.cpu_s, "peak_mib": end.peak_mib}
        if end.label != "ok":
            return self._failure(*_ended_badly(folder, end), spent)
        try:
            text = (folder / SCORE).read_bytes()
            found = _ScoreFile.model_validate(json.loads(text, parse_constant=_refuse))
        except FileNotFoundError:
            return self._failure("infrastructure", "the harness ended without writing score.json", spent)
        except ValueError as error:
            return self._failure(*_invalid(error), spent)
        doubt = self._doubt(found)
        if doubt:
            return self._failure(*doubt, spent)
        return Score(
            ok=found.ok, label=found.label, metric=found.metric or self._metric() or "", value=found.value if found.ok else None,
            units=tuple((unit.id, unit.value) for unit in found.units) if found.ok else (), gates=tuple(found.gates),
            secondary=found.secondary, resources=spent, harness=self.version, error=found.error[-4000:],
        )

    def _doubt(self, found: _ScoreFile) -> tuple[Label, str] | None:
        """Return why a well-formed score cannot be believed."""
        if found.harness != self.version:
            return "infrastructure", f"scored by harness {found.harness or 'unknown'}, frozen is {self.version}"
        if found.ok != (found.label == "ok"):
            return "infrastructure", f"score.json contradicts itself: ok is {found.ok}, label is {found.label}"
        if not found.ok:
            return None
        if found.value is None:
            return "invalid_output", "score.json says ok but holds no value"
        if found.metric != (self._metric() or found.metric) or not found.metric:
            return "infrastructure", f"scored by metric {found.metric}, asked for is {self._metric()}"
        if len({unit.id for unit in found.units}) != len(found.units):
            return "infrastructure", "score.json names a unit twice; units are what scores are paired by"
        return None

    def _metric(self) -> str | None:
        """Return the metric the harness was built for; None if its config.json does not say."""
        try:
            raw = json.loads((self._harness / "config.json").read_text(encoding="utf-8"))
            return raw.get("task", raw).get("metric")
        except (FileNotFoundError, ValueError, AttributeError):
            return None

    def _failure(self, label: Label, error: str, spent: dict[str, float]) -> Score:
        return Score(
            ok=False, label=label, metric=self._metric() or "", value=None, resources=spent, harness=self.version, error=error[-4000:]
        )


def read_baselines(path: Path, wall_s: float = 0.0) -> BaselineScores:
    """Return the baselines' scores in a file that the harness wrote."""
    found = json.loads(path.read_text(encoding="utf-8"))
    units = {name: [(unit["id"], unit["value"]) for unit in rows] for name, rows in (found.get("units") or {}).items()}
    stated = {name: tuple(about["interval"]) for name, about in (found.get("secondary") or {}).items()
              if isinstance(about, dict) and about.get("interval")}
    return BaselineScores(found["baselines"], units, found.get("gates") or {}, wall_s, stated)


def _fresh(path: Path) -> Path:
    """An old score must never be read as the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    return path


def _set(variables: Mapping[str, str]) -> list[str]:
    """Return the start of an argv that sets variables; the rest of the environment stays."""
    return ["/usr/bin/env", *(f"{name}={value}" for name, value in variables.items())] if variables else []


def _ended_badly(folder: Path, end: Exit) -> tuple[Label, str]:
    """The scoring process is ours: its crash is never the idea's fault. Time and memory are, its child spends them."""
    label: Label = end.label if end.label in ("timeout", "oom") else "infrastructure"  # type: ignore[assignment]
    try:
        log = (folder / "stderr.log").read_bytes()[-2000:].decode(errors="replace").strip()
    except FileNotFoundError:
        log = ""
    return label, f"the scoring process ended: {end.reason or end.label} (code {end.code}, signal {end.signal})\n{log}".strip()


def _refuse(constant: str) -> None:
    raise _NotFinite(f"it holds {constant}")


def _invalid(error: ValueError) -> tuple[Label, str]:
    """A number that is none is the answer's fault, any other flaw of the file the harness's."""
    finite, where, why = not isinstance(error, _NotFinite), "", str(error)
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        finite, where, why = first["type"] != "finite_number", ".".join(map(str, first["loc"])) + ": ", first["msg"]
    return "infrastructure" if finite else "invalid_output", f"{SCORE} cannot be used: {where}{why}"
