"""Code snapshots in the workspace's own git, and the identity of a program.

Every git call names the workspace's git directory, so an enclosing repository is never read or written.
"""

from __future__ import annotations

import ast
import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import threading
from collections import defaultdict
from pathlib import Path

from alphalab_nb.errors import AlphaLabError
from alphalab_nb.syntax import parse
from alphalab_nb.workspace import Workspace

_WRITERS: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)
"""By git directory: its index takes one writer."""


class Snapshots:
    """Takes and restores snapshots of folders of one workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = _WRITERS[workspace.git]

    def take(self, folder: Path, message: str) -> str:
        """Commit one folder and nothing else; return the commit."""
        name = str(folder.relative_to(self._workspace.root))
        with self._lock:
            self._init()
            self._git("add", "--all", "--force", "--", name)
            self._git("commit", "--quiet", "--allow-empty", "--message", message, "--", name)
            return self._git("rev-parse", "HEAD").decode().strip()

    def export(self, commit: str, folder: Path, target: Path) -> Path:
        """Write a folder as it was at a commit into `target`, read-only."""
        name = str(folder.relative_to(self._workspace.root))
        packed = self._git("archive", "--format=tar", f"{commit}:{name}")
        fresh = target.with_name(target.name + ".part")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
            tar.extractall(fresh, filter="data")
        if target.exists():
            remove(target)
        fresh.replace(target)
        for path in target.rglob("*"):
            if path.is_file():
                path.chmod(0o444)
        return target

    def diff(self, old: str, new: str) -> str:
        """Return the difference between two commits as text."""
        return self._git("diff", old, new).decode(errors="replace")

    def reverse(self, diff: str) -> bool:
        """Take a difference back in the files of the workspace; False, and nothing is changed, if it does not fit any more."""
        try:
            self._git("apply", "--reverse", "--unidiff-zero", "--whitespace=nowarn", "-", given=diff.encode())
        except AlphaLabError:
            return False
        return True

    def _init(self) -> None:
        stale = self._workspace.git / "index.lock"  # left by a killed process; the campaign's lock makes us the only writer
        stale.unlink(missing_ok=True)
        if not (self._workspace.git / "HEAD").exists():
            self._git("init", "--quiet")

    def _git(self, *args: str, given: bytes | None = None) -> bytes:
        identity = ["-c", "user.name=alphalab-nb", "-c", "user.email=alphalab-nb@localhost", "-c", "commit.gpgsign=false",
                    "-c", "gc.auto=0", "-c", "core.hooksPath=/dev/null"]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        done = subprocess.run(
            ["git", f"--git-dir={self._workspace.git}", f"--work-tree={self._workspace.root}", *identity, *args],
            cwd=self._workspace.root, capture_output=True, check=False, env=environment, input=given,
        )
        if done.returncode != 0:
            raise AlphaLabError(f"git {args[0]} failed in {self._workspace.root}: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout


def remove(folder: Path) -> None:
    """Delete a folder that may hold read-only files."""
    for path in (folder, *folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    shutil.rmtree(folder)


def ast_hash(folder: Path, *, ignore: tuple[str, ...] = ()) -> str:
    """Return a hash of the folder's programs that ignores comments, layout and docstrings, but not configuration."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
        if path.suffix in (".md", ".pyc", ".log", ".ipynb") or path.name in ignore:
            continue
        digest.update(str(path.relative_to(folder)).encode() + b"\0")
        digest.update(_canonical(path) + b"\0")
    return digest.hexdigest()[:16]


def _canonical(path: Path) -> bytes:
    raw = path.read_bytes()
    if path.suffix != ".py":
        return raw
    try:
        tree = parse(raw)
    except SyntaxError:
        return raw
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return ast.dump(tree).encode()
