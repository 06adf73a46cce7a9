"""Many products of small matrices."""

import torch
from torch import Tensor, nn

batch = 2048
m = 12
k = 10
n = 14


class Model(nn.Module):
    """y[i] = a[i] b[i]."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.bmm(a, b)


def get_inputs():
    return [torch.randn(batch, m, k), torch.randn(batch, k, n)]


def get_init_inputs():
    return []
