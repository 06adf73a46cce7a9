"""Rules of the Builder: the adapter's reference harness, with the task written beside it."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from pathlib import PurePosixPath
from typing import Any

from alphalab_nb.agents.tasks import BuildTask
from alphalab_nb.llm import Call, Result

Steps = AsyncGenerator[Call | list[Call], Any]

_REFERENCE, _HARNESS = "../adapter/harness", "../harness"


async def build(task: BuildTask, notes: Sequence[str]) -> Steps:
    """Copy the reference; of a harness with findings, the files they name."""
    copies = [_copy(name) for name in _named(task)] if task.findings else [Call("copy_file", {"source": _REFERENCE, "target": _HARNESS})]
    config = Call("write_file", {"path": f"{_HARNESS}/config.json", "text": json.dumps(dict(task.task), indent=1, sort_keys=True) + "\n"})
    done: list[Result] = yield [*copies, config]
    failed = "; ".join(result.text for result in done if not result.ok)
    yield Call("report_to_user", {"summary": f"{_what(task)}{f'; failed: {failed}' if failed else ''}"})


def _copy(name: str) -> Call:
    return Call("copy_file", {"source": f"{_REFERENCE}/{name}", "target": f"{_HARNESS}/{name}"})


def _named(task: BuildTask) -> list[str]:
    """Return the files of the harness that findings name, each once, without config.json, which is written anyway."""
    names = {_inside(str(finding["file"])) for finding in task.findings}
    return sorted(name for name in names if name and name != "config.json")


def _inside(file: str) -> str:
    """Return a path inside the harness."""
    parts = PurePosixPath(file).parts
    return "/".join(parts[parts.index("harness") + 1 :] if "harness" in parts else parts)


def _what(task: BuildTask) -> str:
    if not task.findings:
        return "copied the adapter's reference harness and wrote the task to config.json"
    named = ", ".join(_named(task)) or "no file"
    return f"{len(task.findings)} finding(s): copied {named} anew from the adapter's reference; a fault of the reference itself stays"
