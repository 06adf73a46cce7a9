"""GELU in its tanh approximation, spelt out term by term (Hendrycks & Gimpel, arXiv 1606.08415, section 2)."""

import math

import torch
from torch import Tensor, nn

rows = 512
cols = 1024


class Model(nn.Module):
    """y = x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3)))."""

    def forward(self, x: Tensor) -> Tensor:
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * torch.pow(x, 3.0))
        return 0.5 * x * (1.0 + torch.tanh(inner))


class Library(Model):
    """The same in one call of PyTorch."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.gelu(x, approximate="tanh")


def get_inputs():
    return [torch.randn(rows, cols)]


def get_init_inputs():
    return []
