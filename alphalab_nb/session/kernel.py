"""Kernel: one managed kernel process and the pump that runs a cell in it. Blocking; callable from any thread.

All kernels live on one event loop in one thread that never ends: a sandbox ends its command with the thread that started it.
"""

from __future__ import annotations

import asyncio
import atexit
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

from jupyter_client.asynchronous.client import AsyncKernelClient

from alphalab_nb.errors import AlphaLabError
from alphalab_nb.sandbox import Sandbox
from alphalab_nb.session.manager import KERNEL_APP, LabKernelManager
from alphalab_nb.session.outputs import Collector, Output

T = TypeVar("T")

Status = Literal["ok", "error", "timeout", "flooded", "killed", "died", "exited"]
"""killed: did not stop when interrupted; died: the process ended; exited: the cell asked the kernel to end."""

START_S = 60.0
INTERRUPTS = 2
"""Times that a cell is asked to stop before its kernel is killed."""
PATIENCE_S = 2.0
"""Seconds between these."""
_FLOOD_BYTES = 50_000_000
_POLL_MS = 100
_ALIVE_S = 0.5
_IDLE_LOST_S = 10.0
"""Seconds after the reply at which a missing `idle` is taken for lost."""


@dataclass(frozen=True)
class Ran:
    """What came of one cell."""

    status: Status
    outputs: list[Output]
    execution_count: int | None
    seconds: float
    cut: int
    """Characters that the client did not keep; the kernel's own cuts are said in the outputs."""


class Kernel:
    """Started by `start`; `execute` raises nothing for what a cell does."""

    def __init__(self, cwd: Path, sandbox: Sandbox, *, read_only: Iterable[Path] = (), read_write: Iterable[Path] = ()) -> None:
        cwd.mkdir(parents=True, exist_ok=True)
        self._cwd = cwd
        self._manager = LabKernelManager()
        prefix, self._environment = sandbox.command(
            [], cwd=cwd, read_only=[KERNEL_APP, *read_only], read_write=[cwd, self._manager.folder, *read_write]
        )
        self._manager.prefix, self._manager.own_processes = prefix, sandbox.own_processes
        self._client: AsyncKernelClient | None = None

    def start(self) -> None:
        """Start the process and wait until it answers.

        Raises:
            AlphaLabError: it does not answer.
        """
        _running.add(self)
        try:
            _wait(self._start())
        except BaseException:
            self.stop()
            raise

    def execute(self, code: str, timeout_s: float) -> Ran:
        """Run a cell. After `killed`, `died` and `exited` call `restart`."""
        return _wait(self._execute(code, timeout_s))

    def interrupt(self) -> None:
        """Stop the running cell, from another thread."""
        _wait(self._interrupt())

    def restart(self) -> None:
        """Kill the process and start a new one."""
        _wait(self._restart())

    def stop(self) -> None:
        """Kill the process and remove its folder."""
        _running.discard(self)
        _wait(self._stop())

    async def _start(self) -> None:
        await self._manager.start_kernel(
            cwd=str(self._cwd), env=dict(self._environment), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        await self._connect()

    async def _connect(self) -> None:
        if self._client:
            self._client.stop_channels()
        self._client = self._manager.client()
        self._client.start_channels()
        try:
            await self._client.wait_for_ready(timeout=START_S)
        except RuntimeError as error:
            raise AlphaLabError(f"the kernel did not start: {error}. {self._diagnosis()}".rstrip()) from error

    async def _interrupt(self) -> None:
        await self._manager.interrupt_kernel()

    def _diagnosis(self) -> str:
        """Start a Python in the same place only to see what it complains about; the kernel's own stderr is not kept."""
        trial = [*self._manager.prefix, sys.executable, "-P", "-c", "import ipykernel.kernelapp"]
        done = subprocess.run(trial, env=self._environment, cwd=self._cwd, capture_output=True, text=True, timeout=START_S, check=False)
        return done.stderr.strip()[-1000:]

    async def _restart(self) -> None:
        await self._manager.restart_kernel(now=True)
        await self._connect()

    async def _stop(self) -> None:
        if self._client:
            self._client.stop_channels()
        if self._manager.has_kernel:
            await self._manager.shutdown_kernel(now=True)
        else:
            await self._manager.cleanup_resources()

    async def _execute(self, code: str, timeout_s: float) -> Ran:
        assert self._client is not None
        started, collector = time.monotonic(), Collector()
        status = await _Pump(self._manager, self._client, collector).run(code, timeout_s)
        outputs = collector.finish()
        return Ran(status, outputs, collector.execution_count, time.monotonic() - started, collector.cut)


class _Pump:
    """Drives one execute_request until the kernel is idle and has replied, or has to be given up."""

    def __init__(self, manager: LabKernelManager, client: AsyncKernelClient, collector: Collector) -> None:
        self._manager, self._client, self._collector = manager, client, collector
        self._request = ""
        self._idle = False
        self._reply: dict[str, Any] | None = None
        self._received = 0
        self._stopped_for: Literal["timeout", "flooded"] | None = None
        self._interrupts = 0

    async def run(self, code: str, timeout_s: float) -> Status:
        self._request = self._client.execute(code, allow_stdin=False)
        deadline, look, replied = time.monotonic() + timeout_s, time.monotonic() + _ALIVE_S, 0.0
        while not (self._idle and self._reply):
            now = time.monotonic()
            if self._received > _FLOOD_BYTES and not self._stopped_for:
                self._stopped_for, deadline = "flooded", now
            if now >= deadline:
                if self._interrupts >= INTERRUPTS:
                    return "killed"
                deadline = now + await self._interrupt()
            if now >= look:
                if not await self._manager.is_alive():
                    return "died"
                look = now + _ALIVE_S
            quiet = not await self._read_output()
            if self._reply is None:
                replied = now
                await self._read_reply()
            elif quiet and now - replied > _IDLE_LOST_S:
                break
        return self._status()

    async def _interrupt(self) -> float:
        self._stopped_for = self._stopped_for or "timeout"
        self._interrupts += 1
        await self._manager.interrupt_kernel()
        return PATIENCE_S

    async def _read_output(self) -> bool:
        """Take one message, if there is one in time. Its size is known before it is decoded."""
        channel, session = self._client.iopub_channel, self._client.session
        if not await channel.socket.poll(0 if self._idle else _POLL_MS):
            return False
        frames = await channel.socket.recv_multipart()
        self._received += sum(map(len, frames))
        if self._stopped_for == "flooded" and sum(map(len, frames)) > 100_000:
            return True
        message = session.deserialize(session.feed_identities(frames)[1])
        if message["parent_header"].get("msg_id") != self._request:
            return True
        if message["msg_type"] == "status":
            self._idle = message["content"]["execution_state"] == "idle"
        else:
            self._collector.feed(message["msg_type"], message["content"])
        return True

    async def _read_reply(self) -> None:
        if await self._client.shell_channel.socket.poll(0):
            message = await self._client.shell_channel.get_msg(timeout=1)
            if message["parent_header"].get("msg_id") == self._request:
                self._reply = message["content"]

    def _status(self) -> Status:
        reply = self._reply or {}
        if any(payload.get("source") == "ask_exit" for payload in reply.get("payload", [])):
            return "exited"  # the kernel ends after this cell
        if self._stopped_for:
            return self._stopped_for
        return "ok" if reply.get("status") == "ok" else "error"


_running: weakref.WeakSet[Kernel] = weakref.WeakSet()


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="alphalab-kernels", daemon=True).start()
    atexit.register(_stop_all)
    return loop


def _wait(work: Coroutine[Any, Any, T]) -> T:
    future = asyncio.run_coroutine_threadsafe(work, _loop())
    try:
        return future.result()
    except BaseException:
        future.cancel()  # Ctrl-C in the waiting thread
        raise


def _stop_all() -> None:
    for kernel in list(_running):
        kernel.stop()
