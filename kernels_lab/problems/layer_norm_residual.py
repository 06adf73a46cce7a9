"""Residual sum and layer norm over the last axis, as at the end of a transformer block (Ba et al., arXiv 1607.06450, eq. 4)."""

import torch
from torch import Tensor, nn

rows = 1024
features = 768
eps = 1e-5


class Model(nn.Module):
    """y = LayerNorm(x + residual) with gain and bias."""

    def __init__(self, features: int, eps: float):
        super().__init__()
        self.norm = nn.LayerNorm(features, eps=eps)
        nn.init.uniform_(self.norm.weight, 0.5, 1.5)
        nn.init.uniform_(self.norm.bias, -0.5, 0.5)

    def forward(self, x: Tensor, residual: Tensor) -> Tensor:
        return self.norm(x + residual)


def get_inputs():
    return [torch.randn(rows, features), torch.randn(rows, features)]


def get_init_inputs():
    return [features, eps]
