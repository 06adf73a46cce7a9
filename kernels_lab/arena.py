"""Shared memory between the lab and a candidate's process: the lab writes inputs, poisons outputs and reads what was written.

Every buffer lies between guard pages. Those of inputs are filled with 0xFF bytes (NaN in floating point), so that a read outside that
matters spoils the result; those of outputs with another pattern, so that the copy of such a NaN is seen as a write outside. The size is
sealed, so a candidate cannot shrink the memory under the lab.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import random
from collections.abc import Sequence
from typing import TypedDict

import numpy as np
import torch
from torch import Tensor

PAGE = 4096
_ALIGN = 64
_POISON, _GUARD = 0xFF, 0xA5
_WANDER = 64 << 20
"""Bytes within which the first buffer of a layout lies: pages that were touched stay in memory."""


class Spec(TypedDict):
    """Where a tensor lies in the arena and how it is read, in the words of a message to the worker."""

    offset: int
    """Bytes from the start of the arena."""
    shape: list[int]
    strides: list[int]
    """In elements."""
    extent: int
    """Elements of storage."""
    nbytes: int
    dtype: str


class Arena:
    """A sealed piece of anonymous shared memory."""

    def __init__(self, nbytes: int) -> None:
        self.nbytes = nbytes
        self.fd = os.memfd_create("kernels_lab", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
        os.ftruncate(self.fd, nbytes)
        fcntl.fcntl(self.fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
        self.memory = mmap.mmap(self.fd, nbytes)
        self.bytes = np.frombuffer(self.memory, np.uint8)
        self._next = 0

    def reset(self, jitter: random.Random | None = None, room: int = 0) -> None:
        """Forget all buffers; the memory is used again. With jitter, from a page that nobody foresees and that leaves this much room."""
        pages = min(_WANDER, self.nbytes - room) // PAGE if jitter else 0
        self._next = PAGE * jitter.randrange(pages) if jitter and pages > 0 else 0

    def place(self, like: Tensor, jitter: random.Random | None = None, *, output: bool = False) -> Buffer:
        """Return a guarded buffer for a tensor of this shape, layout and type; with jitter, at an address that nobody foresees."""
        start = self._next + 2 * PAGE + (_ALIGN * jitter.randrange(PAGE // _ALIGN) if jitter else 0)
        extent = storage_extent(like)
        self._next = start + -(-extent * like.element_size() // _ALIGN) * _ALIGN
        if self._next + PAGE > self.nbytes:
            raise ValueError(f"the arena of {self.nbytes} bytes is full; ask for room_for() all of its tensors")
        return Buffer(self, start, like, _GUARD if output else _POISON)

    def close(self) -> None:
        """Give the memory back; views that are still alive keep the mapping, not the descriptor."""
        os.close(self.fd)


class Buffer:
    """One tensor in the arena, with its guards."""

    def __init__(self, arena: Arena, offset: int, like: Tensor, guard: int) -> None:
        self._guard = guard
        extent, nbytes = storage_extent(like), storage_extent(like) * like.element_size()
        self._arena, self._start, self._end = arena, offset, offset + nbytes
        self.spec = Spec(
            offset=offset, shape=list(like.shape), strides=list(like.stride()), extent=extent, nbytes=nbytes, dtype=str(like.dtype)[6:]
        )
        self.tensor = _view(arena.memory, self.spec)
        arena.bytes[offset - PAGE : self._end + PAGE] = guard

    def poison(self) -> None:
        """Fill the buffer with bytes that are NaN in every floating point type."""
        self._arena.bytes[self._start : self._end] = _POISON

    def unwritten(self) -> int:
        """Count the elements that still hold the poison."""
        raw = self._arena.bytes[self._start : self._end]
        size = self.tensor.element_size()
        return int((raw.view(f"u{size}") == (1 << 8 * size) - 1).sum())

    def guarded(self) -> bool:
        """Whether nothing was written right before or behind the buffer."""
        raw = self._arena.bytes
        before, behind = raw[self._start - PAGE : self._start], raw[self._end : self._end + PAGE]
        return bool((before == self._guard).all() and (behind == self._guard).all())


def storage_extent(tensor: Tensor) -> int:
    """Elements of storage that a tensor of this shape and these strides spans."""
    return 0 if tensor.numel() == 0 else 1 + sum((n - 1) * step for n, step in zip(tensor.shape, tensor.stride()))


def room_for(tensors: Sequence[Tensor]) -> int:
    """Bytes of an arena that holds these tensors with their guards, wherever jitter puts them."""
    return 2 * PAGE + sum(4 * PAGE + storage_extent(tensor) * tensor.element_size() for tensor in tensors)


def same_bits(left: Tensor, right: Tensor) -> bool:
    """Whether two tensors are equal bit for bit (NaN equals itself)."""
    if left.shape != right.shape:
        return False
    raw = [_bits(left), _bits(right)]
    if all(bits.numel() % 8 == 0 and bits.storage_offset() % 8 == 0 for bits in raw):
        raw = [bits.view(torch.int64) for bits in raw]  # seven times faster than byte by byte, and done in every round
    return bool(torch.equal(*raw))


def _bits(tensor: Tensor) -> Tensor:
    return tensor.contiguous().reshape(-1).view(torch.uint8)


def _view(memory: mmap.mmap, spec: Spec) -> Tensor:
    dtype: torch.dtype = getattr(torch, spec["dtype"])
    if spec["extent"] == 0:
        return torch.empty_strided(spec["shape"], spec["strides"], dtype=dtype)
    flat = torch.frombuffer(memory, dtype=dtype, count=spec["extent"], offset=spec["offset"])
    return flat.as_strided(spec["shape"], spec["strides"])
