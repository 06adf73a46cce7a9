"""Swish (SiLU) of a matrix, written as x * sigmoid(x)."""

import torch
from torch import Tensor, nn

rows = 1024
cols = 1024


class Model(nn.Module):
    """y = x * sigmoid(x)."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(x)


class Library(Model):
    """The same in one call of PyTorch."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.silu(x)


def get_inputs():
    return [torch.randn(rows, cols)]


def get_init_inputs():
    return []
