"""The candidate's process, seen from the lab: ask it, time it, read its clocks, and say how it died.

The lab holds every clock: wall time around a request, and the process's CPU time as the kernel of the system counts it (all threads).
"""

from __future__ import annotations

import json
import os
import secrets
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Self

from kernels_lab import sandbox
from kernels_lab.failure import Failure, Label
from kernels_lab.worker.channel import MESSAGE_BYTES
from kernels_lab.worker.confine import Limits

_START_TIMEOUT_S = 120.0
_LAST_WORDS = 3000
_REST_NS = 20_000_000
"""A worker that has answered sleeps within microseconds; one that goes on working is seen by what it has used after that."""
_NAP_S = 2e-5
_SIGNS_OF_NO_MEMORY = ("bad_alloc", "MemoryError", "DefaultCPUAllocator", "can't allocate memory", "out of memory", "annot allocate memory")
_NAMES = {
    signal.SIGSYS: "it tried to start a process; a candidate may not",
    signal.SIGXFSZ: "it wrote more than it may",
    signal.SIGXCPU: "it used up its processor time",
}


@dataclass(frozen=True)
class Setup:
    """How a candidate's process is started."""

    program: str
    """Module of kernels_lab.worker: native or module."""
    load: dict[str, Any]
    """What the worker is told first: the path, and for a module its form and device."""
    view: sandbox.View = field(default_factory=sandbox.View)
    variables: dict[str, str] = field(default_factory=dict)
    """More of its environment."""
    trusted: bool = False
    """The reference needs no walls, and a compiler's cache needs to be written."""
    memory_mib: int = 4096
    """Address space beyond the shared memory; 0 means no limit."""
    log_mib: int = 8
    cpu_s: int = 600
    processes: bool = False

    @property
    def device(self) -> str:
        """Where its tensors live: cpu, or a device that they are copied to."""
        return str(self.load.get("device", "cpu"))

    @property
    def plain(self) -> bool:
        """Whether the candidate gets pointers alone, and so contiguous tensors."""
        return self.program == "native" or self.load.get("form") == "cuda"


class Lap(NamedTuple):
    """What one request took."""

    wall_ns: int
    cpu_ns: int
    """Processor time of all threads of the worker."""


class Worker:
    """A running candidate's process. Use it in a `with` statement: leaving kills it."""

    def __init__(self, setup: Setup, arena: int, arena_bytes: int, *, core: int | None = None) -> None:
        self._setup, self._token = setup, ""
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._line.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the worker
        with theirs:
            self._process = self._start(theirs.fileno(), arena, core)
        self.pid = self._met()
        self._woken()
        self.threads_at_start = self.threads()
        self._cpu = (~self.pid << 3) | 2  # CPU clock of another process, linux/posix-timers.h
        limits = Limits(
            memory_mib=setup.memory_mib + (arena_bytes >> 20) if setup.memory_mib else 0, log_mib=setup.log_mib, cpu_s=setup.cpu_s,
            processes=setup.processes,
        )  # fmt: skip
        try:
            self.ask("load", **setup.load, limits=None if setup.trusted else limits, timeout_s=_START_TIMEOUT_S)
        except Failure:
            self.close()
            raise

    def _start(self, channel: int, arena: int, core: int | None) -> subprocess.Popen[bytes]:
        root = str(Path(__file__).parents[1])
        options = json.dumps({"channel": channel, "arena": arena})
        code = f"import sys; sys.path.insert(0, {root!r}); from kernels_lab.worker.{self._setup.program} import main; main()"
        flags = ["-I", "-S"] if self._setup.program == "native" else ["-I"]
        argv = [sys.executable, *flags, "-c", code, options]
        variables = _environment(self._setup.trusted) | _of_gpu(self._setup.device) | self._setup.variables
        command = argv if self._setup.trusted else sandbox.wrapped(argv, self._setup.view, variables)
        pin = None if core is None else lambda: os.sched_setaffinity(0, {core})
        return subprocess.Popen(
            command, env=variables, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, pass_fds=(channel, arena),
            start_new_session=True, preexec_fn=pin,
        )  # fmt: skip

    def _met(self) -> int:
        """Wait for the first message; the system stamps it with the sender's process id, as seen from here."""
        if not select.select([self._line], [], [], _START_TIMEOUT_S)[0]:
            raise self._lost("timeout before it started")
        message, control, *_ = self._line.recvmsg(64, socket.CMSG_SPACE(struct.calcsize("iII")))
        if not message:
            raise self._lost("ended before it started")
        return struct.unpack("iII", control[0][2])[0]

    def _woken(self) -> None:
        """Have the device started; its driver keeps threads of its own."""
        if self._setup.device == "cpu":
            return
        try:
            self.ask("wake", device=self._setup.device, timeout_s=_START_TIMEOUT_S)
        except Failure as failure:
            self.close()
            raise Failure(Label.INFRASTRUCTURE, "worker", f"{self._setup.device} does not start: {failure.message}") from None

    def ask(self, op: str, *, timeout_s: float = 60.0, **request: Any) -> dict[str, Any]:
        """Send a request and return the answer. Raises Failure if the candidate raises, dies, or is silent for too long."""
        self._send(op, request)
        return self._answer(timeout_s)

    def lap(self, slots: list[int], *, timeout_s: float = 60.0) -> Lap:
        """Run the candidate once on each of these slots, and time it from here."""
        cpu = self.cpu_ns()
        start = time.perf_counter_ns()
        self._send("run", {"slots": slots})
        self._wait(timeout_s)
        wall = time.perf_counter_ns() - start
        self._rested()
        lap = Lap(wall, self.cpu_ns() - cpu)
        self._answer(timeout_s)
        return lap

    def _rested(self) -> None:
        """Wait until the worker sleeps, or for a moment: of a process that runs on another core, the system knows the processor time as of
        the last tick only, and brings it up to date when the process stops. A call of a millisecond has read as nothing."""
        until = time.perf_counter_ns() + _REST_NS
        while self._state() == "R" and time.perf_counter_ns() < until:
            time.sleep(_NAP_S)  # on one core with us it cannot go on while we look

    def _state(self) -> str:
        """Return the state of the worker's first thread in the words of proc(5): R runs, S sleeps; empty if it is gone."""
        try:
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return ""

    def cpu_ns(self) -> int:
        """Processor time of the process so far, over all of its threads; exact while it sleeps."""
        try:
            return time.clock_gettime_ns(self._cpu)
        except OSError:
            raise self._died() from None

    def threads(self) -> int:
        """Threads that the process has now."""
        try:
            return len(os.listdir(f"/proc/{self.pid}/task"))  # noqa: PTH208
        except OSError:
            raise self._died() from None

    def cores(self) -> set[int]:
        """Cores that its threads may run on."""
        try:
            return set().union(*(os.sched_getaffinity(int(task)) for task in os.listdir(f"/proc/{self.pid}/task")))  # noqa: PTH208
        except OSError:
            raise self._died() from None

    def peak_mib(self) -> float:
        """Most memory that was resident, in MiB; 0 if the process is gone."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
        except OSError:
            return 0.0
        return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0.0)

    def close(self) -> None:
        """Kill the process and everything it started."""
        self._kill()
        self._line.close()
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(self, op: str, request: dict[str, Any]) -> None:
        try:
            self._token = secrets.token_hex(8)
            self._line.send(json.dumps({"op": op, "token": self._token, **request}).encode())
        except OSError:
            raise self._died() from None

    def _wait(self, timeout_s: float) -> None:
        if not select.select([self._line], [], [], timeout_s)[0]:
            self._kill()
            raise Failure(Label.TIMEOUT, "timeout", f"no answer within {timeout_s:.0f} s{self._words()}")

    def _answer(self, timeout_s: float) -> dict[str, Any]:
        self._wait(timeout_s)
        try:
            message = self._line.recv(MESSAGE_BYTES)
        except OSError:
            message = b""
        if not message:
            raise self._died()
        return self._read(message)

    def _read(self, message: bytes) -> dict[str, Any]:
        """Read an answer. Each carries the token of its request: one that the candidate sends early does not, nor does the one after it."""
        try:
            answer = dict(json.loads(message))
        except (ValueError, TypeError):
            answer = {}
        if answer.get("token") != self._token:
            raise Failure(Label.INVALID_OUTPUT, "forged_answer", "what came over the channel is not the worker's answer to this request")
        if "error" in answer:
            raise _raised(str(answer["error"]), str(answer.get("message", "")))
        return answer

    def _died(self) -> Failure:
        """Say how the process ended."""
        try:
            code = self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._kill()
            code = -signal.SIGKILL
        number = -code if code < 0 else code - 128 if code > 128 else 0
        words = self._words()
        if self._flooded() or number == signal.SIGXFSZ:
            return Failure(Label.INVALID_OUTPUT, "output_flood", f"it printed or wrote more than {self._setup.log_mib} MiB")
        if any(sign in words for sign in _SIGNS_OF_NO_MEMORY):
            return Failure(Label.OOM, "memory", f"it needs more than {self._setup.memory_mib} MiB{words}")
        if number == signal.SIGXCPU:
            return Failure(Label.TIMEOUT, "timeout", _NAMES[signal.SIGXCPU] + words)
        if number:
            what = _NAMES.get(signal.Signals(number), signal.Signals(number).name)
            return Failure(Label.CRASH, "forked" if number == signal.SIGSYS else "crash", what + words)
        return Failure(Label.CRASH, "exited", f"it ended by itself with exit code {code}{words}")

    def _lost(self, what: str) -> Failure:
        self._kill()
        failure = Failure(Label.INFRASTRUCTURE, "worker", f"the candidate's process: {what}{self._words()}")
        self._line.close()
        return failure

    def _flooded(self) -> bool:
        return os.fstat(self._log.fileno()).st_size >= self._setup.log_mib << 20

    def _words(self) -> str:
        size = os.fstat(self._log.fileno()).st_size
        last = os.pread(self._log.fileno(), _LAST_WORDS, max(0, size - _LAST_WORDS)).decode(errors="replace").strip()
        return f"\n{last}" if last else ""

    def _kill(self) -> None:
        if self._process.poll() is None:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except ProcessLookupError:
                self._process.kill()
            self._process.wait()


def _raised(kind: str, trace: str) -> Failure:
    if kind in ("MemoryError", "OutOfMemoryError") or any(sign in trace for sign in _SIGNS_OF_NO_MEMORY):
        return Failure(Label.OOM, "memory", trace)
    return Failure(Label.CRASH, "exception", trace)


def _environment(trusted: bool) -> dict[str, str]:
    """Return what a worker's environment holds: no keys, one thread, and an allocator that keeps pages (fair to every candidate)."""
    variables = {
        "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(Path.home()) if trusted else sandbox.home(),
        "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_TRIM_THRESHOLD_": "4294967296",
        "MALLOC_MMAP_MAX_": "0", "MALLOC_TOP_PAD_": str(64 << 20), "PYTHONDONTWRITEBYTECODE": "1", "TORCHINDUCTOR_COMPILE_THREADS": "1",
    }  # fmt: skip
    return variables | {name: os.environ[name] for name in ("TORCHINDUCTOR_CACHE_DIR", "CUDA_VISIBLE_DEVICES") if name in os.environ}


def _of_gpu(device: str) -> dict[str, str]:
    """Return what else a worker on a GPU needs: one GPU, since it is only that one which is waited for, and where its driver lies."""
    if not device.startswith("cuda"):
        return {}
    driver = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "CUDA_DEVICE_ORDER") if name in os.environ}
    return {"CUDA_VISIBLE_DEVICES": os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0], **driver}
