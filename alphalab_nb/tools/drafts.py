"""What keeps the draft of an adapter from being used."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jinja2
from jinja2.sandbox import SandboxedEnvironment

from alphalab_nb.adapter import FILES, Adapter
from alphalab_nb.beneath import place
from alphalab_nb.errors import AlphaLabError, ToolError
from alphalab_nb.tools.base import Deps
from alphalab_nb.tools.code import observation
from alphalab_nb.tools.files import files_in
from alphalab_nb.tools.templates import cell

_TESTS_S = 200.0
"""Longest run of the harness's own tests (llm.md, layout rule 5)."""
_TAIL = 3000
"""Characters of what failed."""
_BLOCKS = ("Implement", "Fix", "Analyze")
"""Sections of phase3_worker.md, one for each task of a Worker."""


def draft_findings(deps: Deps) -> str:
    """Return what is wrong with the draft of an adapter; empty if it can be used.

    The harness is tried last, in the conversation's own kernel: it is code that nobody has read yet.
    """
    draft = deps.workspace.draft
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, draft.name)
        found = [finding.replace(str(copy), str(draft)) for finding in _static(deps, copy)]
    return _listed(found or _harness(deps))


def _static(deps: Deps, copy: Path) -> list[str]:
    """Return what is seen without running anything, in a copy that the draft's author cannot change meanwhile."""
    try:
        links = _copied(deps, copy)
        adapter = Adapter(copy)
        adapter.validate()
        values = _values(deps, adapter)
    except AlphaLabError as error:
        return [str(error)]
    return [*links, *_unknown_settings(deps, adapter), *_unrendered(copy, values), *_blocks(copy), *_untested(copy)]


def _copied(deps: Deps, copy: Path) -> list[str]:
    """Copy the draft's files and say what is a link: it would be followed when the draft is used, and the author chooses where to."""
    draft = place(deps.workspace.root, deps.workspace.draft, shown="", refusal="the draft changes while it is examined")
    copy.mkdir()
    for file in files_in(draft) if draft.is_folder() else []:
        target = copy.joinpath(*file.parts[len(draft.parts) :])
        target.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), file.open_read() as source:
            target.write_bytes(source.read())
    return sorted(f"{link.shown} is a link; put the file itself there" for link in draft.walk("link"))


def _listed(findings: list[str]) -> str:
    lines = "\n".join(f"- {finding}" for finding in findings)
    return f"the draft cannot be used yet:\n{lines}" if lines else ""


def _values(deps: Deps, adapter: Adapter) -> dict[str, Any]:
    task = adapter.task_with(deps.config.task)
    return {"objective": deps.config.objective, "task": task, "metric": adapter.metric(task)}


def _unknown_settings(deps: Deps, adapter: Adapter) -> Iterator[str]:
    for key in sorted(set(deps.config.task) - set(adapter.manifest.task)):
        yield f"manifest.yaml: task has no '{key}', which this campaign sets"


def _unrendered(draft: Path, values: Mapping[str, Any]) -> Iterator[str]:
    """Render every prompt as a role will read it; what a template may reach is limited, for nobody has read it yet."""
    templates = SandboxedEnvironment(loader=jinja2.FileSystemLoader(draft), undefined=jinja2.StrictUndefined, autoescape=False)
    for name in FILES[1:]:
        try:
            if not templates.get_template(name).render(**values).strip():
                yield f"{name} is empty"
        except Exception as error:  # noqa: BLE001 - a template may divide by zero
            yield f"{name} does not render: {type(error).__name__}: {error}"


def _blocks(draft: Path) -> Iterator[str]:
    headings = re.findall(r"^## (.+?)\s*$", (draft / "phase3_worker.md").read_text(encoding="utf-8"), re.MULTILINE)
    if headings != list(_BLOCKS):
        yield f"phase3_worker.md has the sections {', '.join(headings) or '(none)'}; it needs exactly {', '.join(_BLOCKS)}"


def _untested(draft: Path) -> Iterator[str]:
    if not any((draft / "harness" / "tests").glob("test_*.py")):
        yield "harness/tests holds no test_*.py: a harness without tests is not accepted"


def _harness(deps: Deps) -> list[str]:
    """Run the harness's own tests, and ask score.py for its options."""
    result = deps.session.run(cell("try_harness", tail=_TAIL), timeout_s=_TESTS_S, reason="Does the draft's harness work?")
    try:
        observation(result)
    except ToolError as error:
        return [str(error)]
    return []
