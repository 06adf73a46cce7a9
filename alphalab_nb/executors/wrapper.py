"""Supervise one job from a process of its own: start it within its limits, watch it, leave exit.json.

Started by `ARGV` with the order as JSON on stdin; single-threaded and standard library only, because its start is a part of every
job. SIGTERM cancels the job; SIGHUP, sent by the kernel when our parent dies, ends it too.
"""
# ruff: noqa: PTH120, PTH123

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import sys
import time
from typing import Any

import alphalab_nb
from alphalab_nb import process

_HERE, _PACKAGE = os.path.dirname(__file__), os.path.dirname(os.path.dirname(alphalab_nb.__file__))
ARGV = (sys.executable, "-I", "-S", "-E", "-c", "import sys; sys.path += sys.argv[1:]; import wrapper; wrapper.main()", _HERE, _PACKAGE)
"""Imported, not run as a script, so that its compiled form is kept; without site-packages and without the rest of this package."""
MARK = "ALPHALAB_JOB"
TICK_S = 0.05
"""How often memory, CPU time and processes are looked at; the job's end is an event, not a tick."""
GRACE_S = 0.5
"""From SIGTERM to SIGKILL when a limit of time ends the job."""
PATIENCE_S = 10.0
"""How long killed processes may take to vanish (a process that waits for a disk cannot die)."""
SIGNALS = (signal.SIGHUP, signal.SIGTERM, signal.SIGCHLD)


class Watch:
    """One job from its start to its end."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.limits: dict[str, float] = order["limits"]
        self.status: int | None = None
        """As of waitpid; None while the job runs."""
        self.peak_mib = 0.0
        self.ooms = _kernel_ooms()
        self.began, self.started = time.monotonic(), _now()
        self.pid, self.refusal = start(order)

    def run(self) -> tuple[str, str]:
        """Watch until the job ends or has to end; return label and reason, both empty if it ended by itself."""
        while True:
            left = self.limits["wall_s"] - (time.monotonic() - self.began) if self.limits["wall_s"] else TICK_S
            event = signal.sigtimedwait(SIGNALS, min(TICK_S, max(0.0, left)))
            if self.reap() or self.status is not None:
                return "", ""
            if event is not None and event.si_signo == signal.SIGTERM:
                return "cancelled", "cancelled"
            if event is not None and event.si_signo == signal.SIGHUP:
                return "infrastructure", "the process that ran it ended"
            if event is None and (over := self.over_limit()):
                return over

    def reap(self) -> bool:
        """Take the ends of children, adopted ones too; True if none is left."""
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return False
                if pid == self.pid:
                    self.status = status
        except ChildProcessError:
            return True

    def over_limit(self) -> tuple[str, str] | None:
        """Return label and reason of the first limit that is exceeded; None if none is."""
        tree = [(pid, known) for pid in process.descendants(os.getpid()) if (known := process.stat(pid)) is not None]
        rss = sum(known.rss_mib for _, known in tree)
        limit = self.limits
        if rss > (limit["memory_mib"] or rss):
            rss = sum(process.pss_mib(pid) or known.rss_mib for pid, known in tree)  # forks share pages: count them once
        self.peak_mib = max(self.peak_mib, rss)
        if limit["wall_s"] and time.monotonic() - self.began >= limit["wall_s"]:
            return "timeout", f"more than {limit['wall_s']:g} s"
        if limit["memory_mib"] and rss > limit["memory_mib"]:
            return "oom", f"{rss:.0f} MiB, more than {limit['memory_mib']:g} MiB"
        if limit["cpu_s"] and _cpu_s() + sum(known.cpu_s for _, known in tree) > limit["cpu_s"]:
            return "timeout", f"more than {limit['cpu_s']:g} s of CPU time"
        if limit["pids"] and len(tree) > limit["pids"]:
            return "crash", f"{len(tree)} processes, more than {limit['pids']:g}"
        return None

    def end(self, label: str) -> None:
        """End whatever is left of the tree; a job out of time may first put its papers in order."""
        if label in ("timeout", "cancelled") and self.status is None:
            _signal(-self.pid, signal.SIGTERM)
            ends_at = time.monotonic() + GRACE_S
            while self.status is None and time.monotonic() < ends_at:
                signal.sigtimedwait((signal.SIGCHLD,), ends_at - time.monotonic())
                self.reap()
        gives_up_at = time.monotonic() + PATIENCE_S
        while not self.reap() and time.monotonic() < gives_up_at:
            for number in (signal.SIGSTOP, signal.SIGKILL):  # stopped first, so that none starts another meanwhile
                for pid in process.descendants(os.getpid()):
                    _signal(pid, number)
            signal.sigtimedwait((signal.SIGCHLD,), 0.01)

    def exit(self, label: str, reason: str) -> dict[str, Any]:
        """Return what goes into exit.json."""
        code = os.waitstatus_to_exitcode(self.status) if self.status is not None else 0
        if self.refusal:
            label, reason = "infrastructure", self.refusal
        elif not label and code != 0:
            label, reason = self.why(code)
        never_ran = self.refusal or self.status is None
        return {
            "label": label or "ok", "reason": reason,
            "code": None if never_ran or code < 0 else code, "signal": -code if code < 0 else None,
            "wall_s": round(time.monotonic() - self.began, 4), "cpu_s": round(_cpu_s(), 4),
            "peak_mib": round(max(self.peak_mib, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024), 1),
            "started": self.started, "finished": _now(),
        }

    def why(self, code: int) -> tuple[str, str]:
        """Return label and reason of a job that failed by itself."""
        if code in (-signal.SIGKILL, 128 + signal.SIGKILL) and _kernel_ooms() > self.ooms:
            return "oom", "killed by the kernel: the machine was out of memory"
        full = 0 < self.limits["output_mib"] * 2**20 <= max(os.fstat(1).st_size, os.fstat(2).st_size)
        if full or code in (-signal.SIGXFSZ, 128 + signal.SIGXFSZ):
            return "crash", f"a file or a log reached {self.limits['output_mib']:g} MiB, the limit of output"
        return "crash", ""


def start(order: dict[str, Any]) -> tuple[int, str]:
    """Start the job; return its pid and, if it could not be started, why."""
    report, told = os.pipe()  # both close on exec
    us = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            _become(order, us)
        except Exception as error:  # noqa: BLE001 - told to the parent, whatever it is
            os.write(told, f"{type(error).__name__}: {error}".encode()[:4000])
        finally:
            os._exit(127)
    os.close(told)
    with os.fdopen(report, "rb") as pipe:
        return pid, pipe.read().decode(errors="replace")


def _become(order: dict[str, Any], parent: int) -> None:
    """In the child: take on the limits, then become the command."""
    os.setsid()
    process.set_pdeathsig(signal.SIGKILL, parent=parent)
    os.sched_setaffinity(0, order["cores"])
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("1000")  # when the machine runs out of memory, the job goes first
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if order["limits"]["output_mib"]:
        size = int(order["limits"]["output_mib"] * 2**20)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(order["cwd"])
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)  # Python ignores them, a command expects them
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.execvp(order["argv"][0], order["argv"])


def _signal(pid: int, number: int) -> None:
    """To a process, or with a negative pid to its group; one that has ended is no error."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _kernel_ooms() -> int:
    """How many processes the kernel has killed for memory since boot."""
    try:
        with open("/proc/vmstat", encoding="ascii") as file:
            return next((int(line.split()[1]) for line in file if line.startswith("oom_kill ")), 0)
    except OSError:
        return 0


def _now() -> str:
    now = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}+00:00"


def main() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    order = json.load(sys.stdin)
    if not order:
        return  # cancelled before it began
    process.set_pdeathsig(signal.SIGHUP, parent=order["parent"])
    process.become_subreaper()
    record = {key: order[key] for key in ("name", "argv", "cwd", "limits", "cores")}
    process.write_atomic(f"{order['folder']}/job.json", json.dumps({"identity": process.Identity.current(), **record}))
    watch = Watch(order)
    label, reason = watch.run()
    watch.end(label)
    found = watch.exit(label, reason)
    if found["reason"]:
        print(f"\n{found['label']}: {found['reason']}", file=sys.stderr, flush=True)  # noqa: T201 - this is the job's stderr.log
    process.write_atomic(f"{order['folder']}/exit.json", json.dumps(found))
    os._exit(0)  # nothing to tidy up, and somebody waits
