"""A problem that the candidate brings along, and that its kernel of another one solves at once: y = x * sigmoid(x) for four numbers."""

import torch
from torch import nn

rows = 2
cols = 2


class Model(nn.Module):
    def forward(self, x):
        for _ in range(1000):
            y = x * torch.sigmoid(x)
        return y


def get_inputs():
    return [torch.randn(rows, cols)]


def get_init_inputs():
    return []
