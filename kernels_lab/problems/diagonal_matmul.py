"""Product with a diagonal matrix that is built in full first: the rewrite scales rows instead."""

import torch
from torch import Tensor, nn

rows = 512
cols = 512


class Model(nn.Module):
    """y = diag(a) b."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.diag(a) @ b


def get_inputs():
    return [torch.randn(rows), torch.randn(rows, cols)]


def get_init_inputs():
    return []
