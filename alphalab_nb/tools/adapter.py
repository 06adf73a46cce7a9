"""The adapter's files: read them, write those of a draft, patch one passage of one file."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import jinja2
import yaml

from alphalab_nb.adapter import FILES, environment
from alphalab_nb.errors import ToolError
from alphalab_nb.process import write_atomic
from alphalab_nb.resources import shipped
from alphalab_nb.tools.base import Deps, tool
from alphalab_nb.tools.files import only_once, page

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
    return page(_inside(_adapter(deps), name), name, offset, limit)


@tool()
def read_reference_adapter(deps: Deps, name: str, offset: int = 1, limit: int = 500) -> str:
    """Read a file of the reference adapter, or list a folder of it.

    Args:
        name: As in the adapter, for example harness/score.py; `.` lists everything.
        offset: First line, from 1.
        limit: Lines at most.
    """
    return page(_inside(_reference(deps), name), name, offset, limit)


@tool()
def write_adapter_file(deps: Deps, name: str, text: str) -> str:
    """Write a whole file of the draft of an adapter. Templates, YAML and Python are read at once; what does not parse is not written.

    Args:
        name: As in the adapter, for example phase1_explorer.md or harness/score.py.
        text: The whole content.
    """
    path = _inside(deps.workspace.draft, name)
    _check(path, name, text)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, text)
    return f"wrote {name}, {len(text.splitlines())} lines"


@tool()
def copy_reference_folder(deps: Deps, name: str) -> str:
    """Copy a folder of the reference adapter into the draft, to start from. Files that are there are replaced.

    Args:
        name: For example harness, harness/tests, probes, recipes/common.
    """
    source, target = _inside(_reference(deps), name), _inside(deps.workspace.draft, name)
    if not source.is_dir() or source == _reference(deps):
        raise ToolError(f"the reference has no folder '{name}'; read_reference_adapter('.') lists it")
    shutil.copytree(source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    files = sorted(str(path.relative_to(target)) for path in target.rglob("*") if path.is_file())
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
    path = _inside(_adapter(deps), name)
    if not drafting and Path(name).parts[:1] and path.relative_to(_adapter(deps)).parts[0] in _FROZEN:
        raise ToolError(f"{name} is not changed by agents: what was measured depends on it")
    text = only_once(path, name, old, new)
    _check(path, name, text)
    if drafting:
        write_atomic(path, text)
        return f"changed {name}"
    _keep_length(path, name, text)
    patch = deps.patches.apply(path, text, reason=reason, by=deps.role)
    deps.board.event("patch", f"{name}: {reason}", role=deps.role)
    return f"patch {patch.id} of {name} is in force for every conversation from now on"


def _adapter(deps: Deps) -> Path:
    return (deps.workspace.draft if deps.role == _DRAFTING else deps.workspace.adapter).resolve()


def _reference(deps: Deps) -> Path:
    """Return the shipped adapter that this campaign's one is based on."""
    folder = shipped("adapters", deps.adapter.manifest.name)
    return (folder if folder.is_dir() else shipped("adapters", "time_series")).resolve()


def _inside(root: Path, name: str) -> Path:
    """Return the path of a file of an adapter.

    Raises:
        ToolError: it would lie outside.
    """
    path = (root / name).resolve()
    if not path.is_relative_to(root.resolve()):
        raise ToolError(f"'{name}' is no path in the adapter; give it relative to the adapter, for example harness/score.py")
    return path


def _keep_length(path: Path, name: str, text: str) -> None:
    before, after = len(path.read_text(encoding="utf-8").splitlines()), len(text.splitlines())
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
