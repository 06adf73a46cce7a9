"""Max pooling of images in overlapping windows."""

import torch
from torch import Tensor, nn

batch = 4
channels = 16
height = 128
width = 128
kernel = 3
stride = 2
padding = 1


class Model(nn.Module):
    """y[b, c, i, j] = max of the window that starts at (i * stride - padding, j * stride - padding)."""

    def __init__(self, kernel: int, stride: int, padding: int):
        super().__init__()
        self.pool = nn.MaxPool2d(kernel, stride=stride, padding=padding)

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(x)


def get_inputs():
    return [torch.randn(batch, channels, height, width)]


def get_init_inputs():
    return [kernel, stride, padding]
