"""Group norm with gain and bias (Wu & He, arXiv 1803.08494, eq. 1-2), then swish, as in diffusion models."""

import torch
from torch import Tensor, nn

batch = 4
groups = 8
group_channels = 8
height = 48
width = 48
eps = 1e-5


class Model(nn.Module):
    """y = z * sigmoid(z), z = GroupNorm(x)."""

    def __init__(self, groups: int, channels: int, eps: float):
        super().__init__()
        self.norm = nn.GroupNorm(groups, channels, eps=eps)
        nn.init.uniform_(self.norm.weight, 0.5, 1.5)
        nn.init.uniform_(self.norm.bias, -0.5, 0.5)

    def forward(self, x: Tensor) -> Tensor:
        z = self.norm(x)
        return z * torch.sigmoid(z)


class Library(Model):
    """The same with PyTorch's own swish."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.silu(self.norm(x))


def get_inputs():
    return [torch.randn(batch, groups * group_channels, height, width)]


def get_init_inputs():
    return [groups, groups * group_channels, eps]
