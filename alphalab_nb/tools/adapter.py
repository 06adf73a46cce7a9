"""The adapter's files: read them, write those of a draft, patch one passage of one file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
import yaml

from alphalab_nb.adapter import FILES, environment
from alphalab_nb.beneath import Place, lexical, place, text_of
from alphalab_nb.errors import ToolError
from alphalab_nb.resources import shipped
from alphalab_nb.tools.base import Deps, tool
from alphalab_nb.tools.files import files_in, only_once, page

_SHRINK = 0.8
"""Share of its lines that a patched prompt must keep: a patch mends a prompt, it does not write another one."""
_DRAFTING = "generator"
"""The role that works on a draft; every other one on the campaign's adapter."""
_FROZEN = ("manifest.yaml", "harness")
"""Parts of a campaign's adapter that bind it to scores that are already measured."""


@tool()
def read_adapter(deps: Deps, name: str, offset: int = 1, limit: int = 500) -> str:
    """Read a file of this campaign's adapter, or list a folder of it.

    Args:
        name: As in the adapter, for example domain_knowledge.md; `.` lists everything.
        offset: First line, from 1.
        limit: Lines at most.
    """
    return page(_inside(deps.workspace.root, _adapter(deps), name), offset, limit)


@tool()
def read_reference_adapter(deps: Deps, name: str, offset: int = 1, limit: int = 500) -> str:
    """Read a file of the reference adapter, or list a folder of it.

    Args:
        name: As in the adapter, for example harness/score.py; `.` lists everything.
        offset: First line, from 1.
        limit: Lines at most.
    """
    return page(_inside(_reference(deps), _reference(deps), name), offset, limit)


@tool()
def write_adapter_file(deps: Deps, name: str, text: str) -> str:
    """Write a whole file of the draft of an adapter. Templates, YAML and Python are read at once; what does not parse is not written.

    Args:
        name: As in the adapter, for example phase1_explorer.md or harness/score.py.
        text: The whole content.
    """
    target = _inside(deps.workspace.root, deps.workspace.draft, name)
    _check(target.path, name, text)
    target.replace(text.encode())
    return f"wrote {name}, {len(text.splitlines())} lines"


@tool()
def copy_reference_folder(deps: Deps, name: str) -> str:
    """Copy a folder of the reference adapter into the draft, to start from. Files that are there are replaced.

    Args:
        name: For example harness, harness/tests, probes, recipes/common.
    """
    source = _inside(_reference(deps), _reference(deps), name)
    target = _inside(deps.workspace.root, deps.workspace.draft, name)
    if not source.is_folder() or not source.parts:
        raise ToolError(f"the reference has no folder '{name}'; read_reference_adapter('.') lists it")
    for file in files_in(source):
        with file.open_read() as old:
            target.below(*file.parts[len(source.parts) :]).replace(old.read())
    files = ("/".join(file.parts[len(target.parts) :]) for file in files_in(target))
    return f"copied {name}: {', '.join(files)}"


@tool()
def patch_adapter_file(deps: Deps, name: str, old: str, new: str, reason: str) -> str:
    """Replace a passage of a file of the adapter. The change is committed and shown to people, who can take it back.

    Args:
        name: As in the adapter, for example domain_knowledge.md.
        old: The passage, exactly as it stands in the file; it must occur exactly once.
        new: What comes in its place.
        reason: Why, in one sentence.
    """
    drafting = deps.role == _DRAFTING
    file = _inside(deps.workspace.root, _adapter(deps), name)
    if not drafting and set(file.path.relative_to(_adapter(deps)).parts[:1]) & set(_FROZEN):
        raise ToolError(f"{name} is not changed by agents: what was measured depends on it")
    text = only_once(file, old, new)
    _check(file.path, name, text)
    if drafting:
        file.replace(text.encode())
        return f"changed {name}"
    _keep_length(file, name, text)
    patch = deps.patches.apply(file.path, lambda: file.replace(text.encode()), reason=reason, by=deps.role)
    deps.board.event("patch", f"{name}: {reason}", role=deps.role)
    return f"patch {patch.id} of {name} is in force for every conversation from now on"


def _adapter(deps: Deps) -> Path:
    return deps.workspace.draft if deps.role == _DRAFTING else deps.workspace.adapter


def _reference(deps: Deps) -> Path:
    """Return the shipped adapter that this campaign's one is based on."""
    folder = shipped("adapters", deps.adapter.manifest.name)
    return (folder if folder.is_dir() else shipped("adapters", "time_series")).resolve()


def _inside(anchor: Path, root: Path, name: str) -> Place:
    """Return the place of a file of an adapter, which lies at or beneath a folder that no agent can replace.

    Raises:
        ToolError: it would lie outside.
    """
    path, refusal = lexical(root / name), f"'{name}' is no path in the adapter"
    if not path.is_relative_to(root):
        raise ToolError(f"{refusal}; give it relative to the adapter, for example harness/score.py")
    return place(anchor, path, shown=name, refusal=refusal)


def _keep_length(file: Place, name: str, text: str) -> None:
    before, after = len(text_of(file).splitlines()), len(text.splitlines())
    if name in FILES and after < _SHRINK * before:
        raise ToolError(f"{name} would shrink from {before} to {after} lines; a patch keeps at least {_SHRINK:.0%} of a prompt")


def _check(path: Path, name: str, text: str) -> None:
    """Raises: ToolError with the line, if a template, YAML or Python file does not parse."""
    try:
        _parse(path, text)
    except jinja2.TemplateSyntaxError as error:
        raise ToolError(f"{name}:{error.lineno}: not a template: {error.message}; nothing was written") from error
    except SyntaxError as error:
        raise ToolError(f"{name}:{error.lineno}: syntax error: {error.msg}; nothing was written") from error
    except yaml.YAMLError as error:
        mark: Any = getattr(error, "problem_mark", None)
        raise ToolError(f"{name}:{mark.line + 1 if mark else 0}: not YAML: {error}; nothing was written") from error


def _parse(path: Path, text: str) -> None:
    if path.suffix == ".md":
        environment(path.parent).parse(text)
    elif path.suffix in (".yaml", ".yml"):
        yaml.safe_load(text)
    elif path.suffix == ".py":
        compile(text, path.name, "exec")
