"""Examine the machine: what a campaign would find here. Installs and changes nothing."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import shutil
from pathlib import Path
from typing import Any

from alphalab_nb.resources import cores, gpus, shipped
from alphalab_nb.sandbox import Sandbox

_PACKAGES = ("jupyterlab", "papermill", "ipykernel", "pydantic-ai-slim", "openai", "anthropic", "torch")


def examine() -> dict[str, Any]:
    """Return {"ok", "checks": [{"check", "found", "remedy"}]}; an empty remedy means that nothing is missing."""
    checks = [_python(), _cores(), _gpus(), _sandbox(), _disk(), _adapters(), *(_package(name) for name in _PACKAGES)]
    return {"ok": not any(check["remedy"] for check in checks), "checks": checks}


def _check(check: str, found: object, remedy: str = "") -> dict[str, str]:
    return {"check": check, "found": str(found), "remedy": remedy}


def _python() -> dict[str, str]:
    return _check("python", platform.python_version())


def _cores() -> dict[str, str]:
    return _check("cores", len(cores()))


def _gpus() -> dict[str, str]:
    return _check("gpus", ", ".join(gpus()) or "none")


def _sandbox() -> dict[str, str]:
    sandbox = Sandbox("auto")
    remedy = "" if sandbox.level == "bwrap" else "install bubblewrap to hide data from candidate code, not only limit it"
    return _check("sandbox", f"{sandbox.level}: {sandbox.describe()}", remedy)


def _disk() -> dict[str, str]:
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    return _check("free disk here", f"{free:.1f} GiB", "" if free >= 1 else "free at least 1 GiB")


def _adapters() -> dict[str, str]:
    found = sorted(path.parent.name for path in shipped("adapters").glob("*/manifest.yaml"))
    return _check("domains", ", ".join(found) or "none", "" if found else "install the package again: its adapters are missing")


def _package(name: str) -> dict[str, str]:
    try:
        return _check(name, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        optional = name == "torch"
        return _check(name, "not installed", "" if optional else f"pip install {name}")
