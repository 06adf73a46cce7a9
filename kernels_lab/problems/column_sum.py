"""Sum over the middle axis: rows are contiguous in the axis that stays."""

import torch
from torch import Tensor, nn

batch = 8
reduced = 1024
kept = 511


class Model(nn.Module):
    """y[b, 0, j] = sum over k of x[b, k, j]."""

    def __init__(self, dim: int):
        super().__init__()
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        return torch.sum(x, dim=self.dim, keepdim=True)


def get_inputs():
    return [torch.randn(batch, reduced, kept)]


def get_init_inputs():
    return [1]
