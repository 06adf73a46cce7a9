"""A tensor of the arena, copied to a device: the same strides, between guards as in the arena, which are looked at here."""

from __future__ import annotations

import torch
from torch import Tensor

GUARD_BYTES = 4096
_POISON, _GUARD = 0xFF, 0xA5
"""Bytes around inputs, NaN in every floating point type: what is read there spoils the result. Bytes around outputs: a NaN that was read
there and is written here is seen."""


class Mirror:
    """Memory on a device for one tensor of the arena."""

    def __init__(self, host: Tensor, device: str, *, output: bool = False) -> None:
        extent = 1 + sum((n - 1) * step for n, step in zip(host.shape, host.stride())) if host.numel() else 0
        nbytes = extent * host.element_size()
        self.host, self._guard = host, _GUARD if output else _POISON
        self._whole = torch.full((2 * GUARD_BYTES + nbytes,), self._guard, dtype=torch.uint8, device=device)
        # Not Tensor.to(): that packs what is spread, and a candidate would never see inputs that are not contiguous.
        flat = self._whole[GUARD_BYTES : GUARD_BYTES + nbytes].view(host.dtype)
        self.tensor = flat.as_strided(host.shape, host.stride())

    def upload(self) -> None:
        """Copy what the lab has written."""
        self.tensor.copy_(self.host)

    def download(self) -> None:
        """Copy back what is there now: an input that the candidate has changed is then seen by the lab."""
        self.host.copy_(self.tensor)

    def guarded(self) -> bool:
        """Whether nothing was written right before or behind the tensor."""
        guards = torch.cat((self._whole[:GUARD_BYTES], self._whole[-GUARD_BYTES:]))
        return bool((guards == self._guard).all())
