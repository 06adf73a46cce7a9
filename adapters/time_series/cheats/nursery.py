"""Starts served candidates quickly: numpy is loaded once, inside the sandbox, and every candidate is a fork of that process.

`python nursery.py FD` serves on a listening socket; its visitors are visit.py.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import os
import runpy
import select
import signal
import socket
import sys
import traceback

import numpy

LOADED = (argparse, importlib.util, numpy)
"""What a served candidate needs in any case."""


def serve(listener: socket.socket) -> None:
    """Fork a keeper for each visitor."""
    own = dict(os.environ)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        visitor, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            keep(visitor, own)
            os._exit(0)
        visitor.close()


def keep(visitor: socket.socket, own: dict[str, str]) -> None:
    """Start the candidate, kill it if its visitor has gone, say how it ended."""
    argv, variables, pipes = request(visitor)
    pid = os.fork()
    if pid == 0:
        visitor.close()
        become(argv, {**variables, **own}, pipes)
    for pipe in pipes:
        os.close(pipe)
    process = os.pidfd_open(pid)
    if process not in select.select([visitor, process], [], [])[0]:
        os.kill(pid, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with contextlib.suppress(BrokenPipeError):
        visitor.sendall(str(status).encode())


def request(visitor: socket.socket) -> tuple[list[str], dict[str, str], list[int]]:
    """Return argv, variables and the three standard streams of a visitor."""
    told, pipes, _, _ = socket.recv_fds(visitor, 1 << 16, 3)
    while not told.endswith(b"\0\0"):
        told += visitor.recv(1 << 16)
    count, *words = os.fsdecode(told[:-2]).split("\0")
    return words[: int(count)], dict(word.split("=", 1) for word in words[int(count) :]), pipes


def become(argv: list[str], variables: dict[str, str], pipes: list[int]) -> None:
    """Run a program as python would."""
    code = 1
    try:
        for fd, pipe in enumerate(pipes):
            os.dup2(pipe, fd)
        os.environ.clear()
        os.environ.update(variables)
        os.chdir(argv[argv.index("--artefact") + 1])
        sys.argv, sys.path[0] = argv, os.path.dirname(argv[0])  # noqa: PTH120
        runpy.run_path(argv[0], run_name="__main__")
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    except BaseException:
        traceback.print_exc()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
