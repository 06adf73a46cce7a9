"""What keeps the draft of an adapter from being used."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jinja2
from jinja2.sandbox import SandboxedEnvironment

from alphalab_nb.adapter import FILES, Adapter
from alphalab_nb.errors import AlphaLabError, ToolError
from alphalab_nb.tools.base import Deps
from alphalab_nb.tools.code import observation
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
    try:
        adapter = Adapter(draft)
        adapter.validate()
        values = _values(deps, adapter)
    except AlphaLabError as error:
        return _listed([str(error)])
    found = [*_links(draft), *_unknown_settings(deps, adapter), *_unrendered(draft, values), *_blocks(draft)]
    return _listed(found or _harness(deps))


def _listed(findings: list[str]) -> str:
    lines = "\n".join(f"- {finding}" for finding in findings)
    return f"the draft cannot be used yet:\n{lines}" if lines else ""


def _values(deps: Deps, adapter: Adapter) -> dict[str, Any]:
    task = {**adapter.manifest.task, **deps.config.task}
    return {"objective": deps.config.objective, "task": task, "metric": adapter.metric(task)}


def _links(draft: Path) -> Iterator[str]:
    """A link would be followed when the draft is copied, and the draft's author chooses where it leads."""
    for path in sorted(draft.rglob("*")):
        if path.is_symlink():
            yield f"{path.relative_to(draft)} is a link; put the file itself there"


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


def _harness(deps: Deps) -> list[str]:
    """Run the harness's own tests, and ask score.py for its options."""
    if not any((deps.workspace.draft / "harness" / "tests").glob("test_*.py")):
        return ["harness/tests holds no test_*.py: a harness without tests is not accepted"]
    result = deps.session.run(cell("try_harness", tail=_TAIL), timeout_s=_TESTS_S, reason="Does the draft's harness work?")
    try:
        observation(result)
    except ToolError as error:
        return [str(error)]
    return []
