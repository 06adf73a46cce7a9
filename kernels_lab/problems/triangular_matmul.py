"""Product of two upper triangular matrices: five sixths of the multiplications have a zero in them."""

import torch
from torch import Tensor, nn

n = 384


class Model(nn.Module):
    """y = triu(a b), a and b upper triangular."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.triu(a @ b)


def get_inputs():
    return [torch.triu(torch.randn(n, n)), torch.triu(torch.randn(n, n))]


def get_init_inputs():
    return []
