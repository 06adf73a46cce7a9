"""Mean smooth L1 (Huber) loss of predictions against targets (Girshick, arXiv 1504.08083, eq. 3)."""

import torch
from torch import Tensor, nn

rows = 1024
cols = 1024
beta = 1.0


class Model(nn.Module):
    """y = mean of (d^2 / 2 beta if |d| < beta else |d| - beta/2), d = prediction - target."""

    def __init__(self, beta: float):
        super().__init__()
        self.beta = beta

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        return nn.functional.smooth_l1_loss(prediction, target, beta=self.beta)


def get_inputs():
    # The mean of many terms hardly varies; a scale of its own for each call keeps a constant from being right.
    return [torch.randn(rows, cols) * (0.5 + 2.0 * torch.rand(())), torch.randn(rows, cols)]


def get_init_inputs():
    return [beta]
