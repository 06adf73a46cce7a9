"""Launcher of level rlimits: `main()` with `SPEC argv...` as arguments confines this process, then becomes argv.

Standard library only, and no pathlib, which takes longer to load than everything here. Resource limits always; where the
system has them: Landlock (files), seccomp (no network), no capabilities. Landlock can only allow, so a folder with hidden files
in it is allowed entry by entry.
"""
# ruff: noqa: PTH110, PTH112

from __future__ import annotations

import ctypes
import json
import os
import resource
import struct
import sys
from functools import cache

_FILE_BYTES = 8 << 30
_READ, _READ_FOLDER, _EXECUTE, _WRITE, _TRUNCATE = 1 << 2, 1 << 3, 1 << 0, 1 << 1, 1 << 14
_OF_FILES = _READ | _EXECUTE | _WRITE | _TRUNCATE
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_END_WITH_PARENT, _DROP_BOUND, _SECCOMP, _NO_NEW_PRIVILEGES = 1, 24, 22, 38
_DENY, _ALLOW, _KILL = 0x00050001, 0x7FFF0000, 0x80000000
_ARCHITECTURES = {
    # audit number, socket(), capset(), and io_uring_setup, ptrace, process_vm_readv, process_vm_writev
    "x86_64": (0xC000003E, 41, 126, (425, 101, 310, 311)),
    "aarch64": (0xC00000B7, 198, 91, (425, 117, 270, 271)),
}
_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


@cache
def landlock_abi() -> int:
    """Return the version of Landlock that the system offers; 0 if none."""
    return max(0, _libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1)) if can_filter() else 0


def can_filter() -> bool:
    """Whether the system call numbers of this machine are known."""
    return sys.platform == "linux" and os.uname().machine in _ARCHITECTURES


def main() -> None:
    spec = json.loads(sys.argv[1])
    os.chdir(spec["cwd"])
    _libc.prctl(_END_WITH_PARENT, 9, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    size = _FILE_BYTES if limit == resource.RLIM_INFINITY else min(limit, _FILE_BYTES)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    if landlock_abi():
        _drop_capabilities()
        _checked(_libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0), "no_new_privs")
        _restrict_files(spec["read_only"], spec["read_write"], frozenset(spec["hidden"]))
        if not spec["network"]:
            _deny_network()
    environment = {**os.environ, **spec["env"]}
    os.execvpe(sys.argv[2], sys.argv[2:], environment)


def _restrict_files(read_only: list[str], read_write: list[str], hidden: frozenset[str]) -> None:
    abi = landlock_abi()
    everything = (1 << 13) - 1 | (1 << 13 if abi >= 2 else 0) | (_TRUNCATE if abi >= 3 else 0)
    scoped = 3 if abi >= 6 else 0  # abstract sockets and signals of others
    attribute = struct.pack("QQQ", everything, 0, scoped)[: 24 if abi >= 6 else 8]
    rules = _checked(_libc.syscall(_CREATE_RULESET, attribute, ctypes.c_size_t(len(attribute)), 0), "landlock_create_ruleset")
    for path in read_only:
        _allow(rules, path, _READ | _READ_FOLDER | _EXECUTE, hidden)
    for path in read_write:
        _allow(rules, path, everything, hidden)
    _checked(_libc.syscall(_RESTRICT_SELF, rules, 0), "landlock_restrict_self")
    os.close(rules)


def _allow(rules: int, path: str, access: int, hidden: frozenset[str]) -> None:
    real = os.path.realpath(path)
    if os.path.exists(real):
        _allow_entry(rules, real, os.path.isdir(real), access, hidden)


def _allow_entry(rules: int, path: str, folder: bool, access: int, hidden: frozenset[str]) -> None:
    if path in hidden:
        return
    if not folder:
        _add_rule(rules, path, access & _OF_FILES)
    elif any(place.startswith(path.rstrip("/") + "/") for place in hidden):
        _add_rule(rules, path, access & _READ_FOLDER)
        for entry in os.scandir(path):
            if not entry.is_symlink():  # a link's target needs a rule of its own
                _allow_entry(rules, entry.path, entry.is_dir(), access, hidden)
    else:
        _add_rule(rules, path, access)


def _add_rule(rules: int, path: str, access: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    rule = struct.pack("=Qi", access, place)
    _checked(_libc.syscall(_ADD_RULE, rules, 1, rule, 0), f"landlock_add_rule {path}")
    os.close(place)


def _drop_capabilities() -> None:
    capset = _ARCHITECTURES[os.uname().machine][2]
    for capability in range(64):
        if _libc.prctl(_DROP_BOUND, capability, 0, 0, 0) < 0:  # EPERM for ordinary users, who have none to drop
            break
    header, data = struct.pack("Ii", 0x20080522, 0), bytes(24)
    _checked(_libc.syscall(capset, header, data), "capset")


def _deny_network() -> None:
    """Install a filter: socket() only for AF_UNIX and AF_NETLINK; no ptrace and its kin."""
    audit, socket, _, refused = _ARCHITECTURES[os.uname().machine]
    load, equal, at_least, answer = 0x20, 0x15, 0x35, 0x06
    code = [(load, 0, 0, 4), (equal, 1, 0, audit), (answer, 0, 0, _KILL), (load, 0, 0, 0)]
    if os.uname().machine == "x86_64":
        code += [(at_least, 0, 1, 0x40000000), (answer, 0, 0, _DENY)]  # the x32 numbers of the same calls
    for number in refused:
        code += [(equal, 0, 1, number), (answer, 0, 0, _DENY)]
    code += [(equal, 0, 4, socket), (load, 0, 0, 16), (equal, 2, 0, 1), (equal, 1, 0, 16), (answer, 0, 0, _DENY), (answer, 0, 0, _ALLOW)]
    buffer = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", op, yes, no, k) for op, yes, no, k in code))
    program = struct.pack("HxxxxxxQ", len(code), ctypes.addressof(buffer))
    _checked(_libc.prctl(_SECCOMP, 2, program, 0, 0), "seccomp")


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result
