"""Start a campaign in its own session, kill every process of it with SIGKILL, look for what it left."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil


def start(workspace: Path, *, phase: str = "experiment") -> subprocess.Popen[bytes]:
    """Run a phase as a person would, in a session of its own."""
    log = (workspace / "faults.log").open("ab")
    command = [sys.executable, "-m", "alphalab_nb.cli", "run", str(workspace), "--phase", phase]
    with log:
        return subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)


def kill_tree(process: subprocess.Popen[bytes]) -> int:
    """Kill the process and all its descendants at one moment; return how many there were."""
    try:
        root = psutil.Process(process.pid)
        tree = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        tree = []
    for member in tree:
        with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
            os.kill(member.pid, signal.SIGKILL)
    process.wait()
    return len(tree)


def orphans(workspace: Path, *, patience_s: float = 12.0) -> list[str]:
    """Return the command lines of processes that still work on the workspace.

    A served model that was being started at the moment of the kill notices at its first read that nobody is left; on a busy machine
    its imports take some seconds before that.
    """
    end = time.monotonic() + patience_s
    while True:
        left = [line for line in map(_line, psutil.process_iter()) if str(workspace) in line]
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.1)


def _line(process: psutil.Process) -> str:
    try:
        if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
            return ""
        return " ".join([*process.cmdline(), process.cwd()])
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return ""
