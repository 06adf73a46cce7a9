"""Triton; its interpreter runs it on a CPU."""

import torch
import triton
import triton.language as tl
from torch import nn


@triton.jit
def swish(source, target, n, BLOCK: tl.constexpr):
    places = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(source + places, mask=places < n)
    tl.store(target + places, x / (1 + tl.exp(-x)), mask=places < n)


class ModelNew(nn.Module):
    def forward(self, x):
        x = x.contiguous()
        y = torch.empty_like(x)
        if x.numel():
            swish[(triton.cdiv(x.numel(), 1024),)](x, y, x.numel(), BLOCK=1024)
        return y
