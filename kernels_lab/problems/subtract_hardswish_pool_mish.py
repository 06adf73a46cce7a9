"""What follows a convolution: subtract, hard swish, max pooling, mish."""

import torch
from torch import Tensor, nn

batch = 4
channels = 16
height = 128
width = 128
kernel = 2
subtracted = 0.5


class Model(nn.Module):
    """y = mish(max_pool(hardswish(x - subtracted)))."""

    def __init__(self, kernel: int, subtracted: float):
        super().__init__()
        self.pool = nn.MaxPool2d(kernel)
        self.subtracted = subtracted

    def forward(self, x: Tensor) -> Tensor:
        y = nn.functional.hardswish(x - self.subtracted)
        return nn.functional.mish(self.pool(y))


def get_inputs():
    return [2.0 * torch.randn(batch, channels, height, width)]


def get_init_inputs():
    return [kernel, subtracted]
