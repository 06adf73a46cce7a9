"""Confine this process before it loads a candidate: resource limits always, and a filter of system calls where the numbers are known.

Standard library only: a process that runs plain C candidates never loads torch, so these have nothing to fall back on. A process that
the candidate starts is killed (SIGSYS): a kernel has no use for one. Sockets of the network, ptrace and signals to others are refused.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import struct
from typing import TypedDict

_ALLOW, _KILL, _EPERM, _ENOSYS = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026
_LOAD, _EQUAL, _ANY_BIT, _AT_LEAST, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
_THREAD = 0x10000  # CLONE_THREAD
_NO_NEW_PRIVILEGES, _END_WITH_PARENT = 38, 1


class _Calls(TypedDict):
    audit: int
    seccomp: int
    clone: int
    clone3: int
    socket: int
    start: tuple[int, ...]
    """fork, vfork, execve, execveat"""
    refused: tuple[int, ...]
    """ptrace, process_vm_readv, process_vm_writev, kill, pidfd_send_signal, io_uring_setup"""


_MACHINES: dict[str, _Calls] = {
    "x86_64": {
        "audit": 0xC000003E, "seccomp": 317, "clone": 56, "clone3": 435, "socket": 41,
        "start": (57, 58, 59, 322), "refused": (101, 310, 311, 62, 424, 425),
    },
    "aarch64": {
        "audit": 0xC00000B7, "seccomp": 277, "clone": 220, "clone3": 435, "socket": 198,
        "start": (221, 281), "refused": (117, 270, 271, 129, 424, 425),
    },
}  # fmt: skip


class Limits(TypedDict):
    """What a candidate's process may use."""

    memory_mib: int
    """Address space; 0 means no limit (CUDA reserves far more than it uses)."""
    log_mib: int
    """What it may print, and the size of any file that it writes."""
    cpu_s: int
    """Processor time, the backstop behind the lab's own clock."""
    processes: bool
    """Whether it may start programs (a compiler that runs at first use)."""


def confine(limits: Limits) -> None:
    """Apply the limits to this process for good."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_END_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    written, memory, cpu = limits["log_mib"] << 20, limits["memory_mib"] << 20, limits["cpu_s"]
    resource.setrlimit(resource.RLIMIT_FSIZE, (written, written))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
    if memory:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it, and a flood of output would go on
    if os.uname().machine in _MACHINES:
        _filter(libc, limits["processes"])


def _filter(libc: ctypes.CDLL, processes: bool) -> None:
    calls = _MACHINES[os.uname().machine]
    code = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, calls["audit"]), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, 0)]
    if os.uname().machine == "x86_64":
        code += [(_AT_LEAST, 0, 1, 0x40000000), (_RETURN, 0, 0, _EPERM)]  # the x32 numbers of the same calls
    for number in calls["refused"]:
        code += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _EPERM)]
    if not processes:
        for number in calls["start"]:
            code += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _KILL)]
        code += [(_EQUAL, 0, 1, calls["clone3"]), (_RETURN, 0, 0, _ENOSYS)]  # its flags lie in memory; libc then calls clone
        code += [(_EQUAL, 0, 4, calls["clone"]), (_LOAD, 0, 0, 16), (_ANY_BIT, 1, 0, _THREAD), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, 0)]
    code += [(_EQUAL, 0, 4, calls["socket"]), (_LOAD, 0, 0, 16), (_EQUAL, 1, 0, 1), (_RETURN, 0, 0, _EPERM), (_RETURN, 0, 0, _ALLOW)]
    code += [(_RETURN, 0, 0, _ALLOW)]
    buffer = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(code), ctypes.addressof(buffer)))
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    if libc.syscall(calls["seccomp"], 1, 1, program) != 0:  # SET_MODE_FILTER for all threads
        libc.prctl(22, 2, program, 0, 0)
